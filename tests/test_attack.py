"""Damaged files: reading returns what was written, or raises an error."""

import numpy as np
import pytest

from mizoo.datasets import Events, read, write
from mizoo.datasets.integrity import sidecar
from mizoo.export import manifest
from mizoo.export.manifest import write_manifest
from mizoo.physics.library import ttbar as TTBAR


def same(events, others):
    found = [(getattr(events, name), getattr(others, name)) for name in ("x", "z", "weights")]
    return all(np.array_equal(a, b) for a, b in found)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".h5", ".npz", ".root"])
def test_a_flipped_bit_is_found(ttbar, suffix, tmp_path, record_property):
    rng = np.random.default_rng(5)
    few = ttbar.test[:60]
    events = Events(few.x, few.z, process=TTBAR, weights=rng.uniform(1.0, 2.0, 60))
    path = tmp_path / f"events{suffix}"
    write(path, events)
    content = path.read_bytes()
    # Half of them at the beginning and the end, where formats have their metadata.
    places = [*rng.integers(len(content), size=10), *rng.integers(2000, size=5), *-rng.integers(1, 2000, 5)]
    found = 0
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            assert same(read(path), events)
        except (ValueError, OSError) as error:
            assert str(path) in str(error)  # noqa: PT017
            found += 1
    assert found >= (20 if sidecar(path).exists() else 17)  # some bits, such as a date's, have no meaning
    record_property("flipped bits", len(places))
    record_property("of them refused, the others without effect", found)
    path.write_bytes(content)
    assert same(read(path), events)


def test_pages_of_a_parquet_file_are_checked_without_the_file_beside(ttbar, tmp_path):
    path = tmp_path / "events.parquet"
    few = ttbar.test[:200]
    write(path, few)
    sidecar(path).unlink()
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"events\.parquet"):
        read(path)


@pytest.fixture
def folder(tmp_path):
    """A folder with the files and checksums of a model, but without a model."""
    for name in ("saved_model.pb", "variables/variables.index", "variables/variables.data", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"content of {name}")
    write_manifest(tmp_path)
    return tmp_path


def test_a_whole_model_folder_is_taken(folder):
    (folder / "notes.txt").write_text("a user's own")
    manifest.verify(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("variables/variables.data", "other content", r"variables\.data is damaged or was changed"),
        ("README.md", None, r"README\.md is missing"),
        (
            "variables/variables.data-00001",
            "",
            r"variables\.data-00001 belongs to the model, but .* not list",
        ),
        ("assets/vocabulary", "", r"vocabulary belongs to the model"),
        ("config.json", "{}", r"config\.json belongs to the model, but .* not list"),
        ("model.keras", "", r"model\.keras belongs to the model, but .* not list"),
        ("sha256.json", '{"../a": ""}', r"sha256\.json lists '\.\./a', which leads out of the folder"),
        ("sha256.json", '{"/etc/passwd": ""}', r"lists '/etc/passwd', which leads out"),
        ("sha256.json", '{"a\\\\..\\\\b": ""}', r"lists 'a.*', which leads out"),
        ("sha256.json", "{", r"sha256\.json is damaged"),
        ("sha256.json", "[]", r"sha256\.json is damaged"),
        ("sha256.json", "{}", r"saved_model\.pb belongs to the model"),
    ],
)
def test_a_damaged_model_folder_is_refused(folder, name, content, message):
    (folder / name).parent.mkdir(exist_ok=True)
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        manifest.verify(folder)


def test_a_folder_without_checksums_says_so(folder):
    (folder / "sha256.json").unlink()
    with pytest.warns(manifest.UnverifiedModel, match=r"is unverified: it has no sha256\.json"):
        assert not manifest.verify(folder)
