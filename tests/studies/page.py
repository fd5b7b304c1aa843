"""Tables of a page of the documentation, written by the studies that measure them."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "benchmark.md"


def fill(name, table):
    """Put a table in the place of the page that is named so: `<!-- NAME -->` to `<!-- end -->`."""
    text = PAGE.read_text()
    place = rf"<!-- {name} -->\n.*?<!-- end -->"
    if not re.search(place, text, re.DOTALL):
        raise ValueError(f"{PAGE} has no place for {name}")
    made = f"<!-- {name} -->\n{table}<!-- end -->"
    PAGE.write_text(re.sub(place, lambda _: made, text, flags=re.DOTALL))
