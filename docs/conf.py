"""Sphinx configuration: `sphinx-build -W docs docs/_build/html` runs every tutorial.

With `MIZOO_TUTORIALS=quick` in the environment, the pages in `SLOW` are not run, and have no output then.
With `MIZOO_INTERACTIVE=required`, it is an error if onnxruntime cannot be downloaded for the page whose
models run in the browser.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import mizoo

sys.path.insert(0, str(Path(__file__).parent))
import interactive
import preset_pages
from layers import svg

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Progress bars ask for ipywidgets, which a page has no use for.
os.environ.setdefault("PYTHONWARNINGS", "ignore:install:UserWarning")

project = "mizoo"
author = "the mizoo developers"
copyright = "2026, the mizoo developers"
release = version = mizoo.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx-mathjax-offline",  # equations are drawn by a copy on the site, not by another server's
]
exclude_patterns = ["_build", "**/jupyter_execute"]
suppress_warnings = ["mystnb.unknown_mime_type"]

html_theme = "furo"
html_title = "mizoo"
html_static_path = ["_static"]
html_css_files = ["mizoo.css"]
html_theme_options = {
    "source_repository": "https://github.com/mizoo/mizoo/",
    "source_branch": "main",
    "source_directory": "docs/",
}

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "force"
# Pages that train or evaluate models, which together take minutes; CI leaves them to the nightly run.
SLOW = [
    "index",
    "cpp_and_serving",
    "images",
    "laptop_to_cluster",
    "simulate_and_unfold",
    "ten_minutes",
    "whole_events",
    "your_own_process",
]
tutorials = os.environ.get("MIZOO_TUTORIALS", "all")
if tutorials not in ("quick", "all"):
    raise ValueError(f"MIZOO_TUTORIALS must be quick or all, not {tutorials!r}")
nb_execution_excludepatterns = [f"{page}.md" for page in SLOW] if tutorials == "quick" else []
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_output_stderr = "remove"

default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "imported-members": True, "show-inheritance": False}
napoleon_google_docstring = True
napoleon_use_rtype = False
napoleon_use_ivar = True


HERE = Path(__file__).parent
(HERE / "_static" / "layers.svg").write_text(svg(HERE.parent / "setup.cfg"))
interactive.write(HERE / "_static" / "interactive")
shutil.rmtree(HERE / "tutorials", ignore_errors=True)
shutil.copytree(HERE.parent / "tutorials", HERE / "tutorials")
shutil.rmtree(HERE / "cards", ignore_errors=True)
(HERE / "cards").mkdir()
CARDS = sorted(path.parent for path in (HERE.parent / "saved_models").glob("*/README.md"))
for card in CARDS:
    shutil.copy(card / "README.md", HERE / "cards" / f"{card.name}.md")
TREE = "```{toctree}\n:maxdepth: 1\n\n" + "\n".join(card.name for card in CARDS) + "\n```\n"
(HERE / "cards" / "index.md").write_text(f"# Model cards\n\nOf every model that is shipped.\n\n{TREE}")


def _filled(app, name, source):
    """Pages of presets, with what follows from the code."""
    source[0] = preset_pages.filled(name, source[0])


def _links(app, name, source):
    """Links that work between the folders of the repository, made to work between pages."""
    text = re.sub(r"\]\((\.\./)+saved_models/([\w-]+)/README\.md", r"](cards/\2.md", source[0])
    within = name.startswith("tutorials/")
    source[0] = text.replace(*(("](../docs/", "](../") if within else ("](../tutorials/", "](tutorials/")))


def _plain(app, what, name, obj, options, lines):
    """Docstrings are plain text with `code`: |x| is a modulus, a star is a star."""
    parts = re.split(r"(`[^`]+`)", "\n".join(lines))
    for i, part in enumerate(parts):
        if not part.startswith("`"):
            parts[i] = re.sub(r"([|*])", r"\\\1", part)
            continue
        parts[i] = "`" + re.sub(r"\s+", " ", part) + "`"
        parts[i] += "\\ " if parts[i + 1][:1].isalnum() else ""  # the plural of a name
    lines[:] = "".join(parts).split("\n")


def setup(app):
    """Connect the three."""
    # It copies files after the build, and does not say that pages may be read in parallel.
    offline = app.extensions["sphinx-mathjax-offline"]
    offline.parallel_read_safe = offline.parallel_write_safe = True
    app.connect("autodoc-process-docstring", _plain, priority=400)
    app.connect("source-read", _links)
    app.connect("source-read", _filled)
