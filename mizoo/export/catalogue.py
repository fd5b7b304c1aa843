"""Trained models at hand and in a registry, listed without loading them."""

import os
from importlib import resources
from pathlib import Path

from mizoo.export.record import read_json
from mizoo.export.registry import VARIABLE, cache, read_registry


def names() -> dict[str, Path]:
    """Folders of the models at hand, by name: `./saved_models`, those installed, then the cache's."""
    found = {}
    for root in reversed(_roots()):
        for file in sorted(root.glob("[!.]*/saved_model.pb")):
            found[file.parent.name] = file.parent
    return found


def catalogue(registry=None) -> dict[str, tuple[str, dict]]:
    """Where the models are and how good, by name: the folder or the registry, and `Report.summary`.

    Args:
        registry: as for `load`.

    Raises:
        ConnectionError: if the registry cannot be had.
    """
    url = registry or os.environ.get(VARIABLE)
    found: dict[str, tuple[str, dict]] = {name: (url, {}) for name in read_registry(url)} if url else {}
    for name, path in names().items():
        found[name] = (str(path.parent), read_json(path / "metrics.json").get("summary", {}))
    return dict(sorted(found.items()))


def _roots():
    package = Path(str(resources.files("mizoo")))
    # In a checkout the folder stands beside the package, in an installation inside it.
    shipped = [package / "saved_models", package.parent / "saved_models"]
    return [Path("saved_models"), *shipped, cache()]
