"""Public names and their arguments change on purpose only."""

from api import FILE, lines


def test_public_interface_is_the_one_committed():
    """`python tests/api.py` writes it anew."""
    assert lines() == FILE.read_text().splitlines()
