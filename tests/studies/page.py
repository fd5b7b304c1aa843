"""Tables in pages of the documentation, written by the studies that measure them."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def fill(name, table, page, out):
    """Replace the section `<!-- NAME -->` to `<!-- end -->` of a page by a table.

    Results that go to a folder `out` other than that of the documentation leave the page as it is.
    """
    if out.resolve() != DOCS / "studies":
        return
    text = (DOCS / page).read_text()
    place = rf"<!-- {name} -->\n.*?<!-- end -->"
    if not re.search(place, text, re.DOTALL):
        raise ValueError(f"{page} has no place for {name}")
    made = f"<!-- {name} -->\n{table}<!-- end -->"
    (DOCS / page).write_text(re.sub(place, lambda _: made, text, flags=re.DOTALL))


def grid(header, rows):
    """A Markdown table of unformatted cells."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
