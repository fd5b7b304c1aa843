"""Lists of trained models, local and in a registry, made without loading them."""

import os
from importlib import resources
from pathlib import Path
from typing import Any

from mizoo.export.record import read_json
from mizoo.export.registry import VARIABLE, cache, read_registry


def names() -> dict[str, Path]:
    """Folders of the local models by name: of `./saved_models`, the installed package, then the cache."""
    found = {}
    for root in reversed(_roots()):
        for file in sorted(root.glob("[!.]*/saved_model.pb")):
            found[file.parent.name] = file.parent
    return found


def catalogue(registry: str | None = None) -> dict[str, tuple[str, dict[str, Any]]]:
    """Location and metrics of all models by name: the folder or registry, and `Report.summary`.

    Args:
        registry: URL of a registry, as for `load`.

    Raises:
        ConnectionError: if the registry cannot be reached.
    """
    url = registry or os.environ.get(VARIABLE)
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    if url:
        found = {name: (url, {}) for name in read_registry(url)}
    for name, path in names().items():
        found[name] = (str(path.parent), read_json(path / "metrics.json").get("summary", {}))
    return dict(sorted(found.items()))


def _roots() -> list[Path]:
    package = Path(str(resources.files("mizoo")))
    # The folder is beside the package in a checkout, and inside it in an installation.
    shipped = [package / "saved_models", package.parent / "saved_models"]
    return [Path("saved_models"), *shipped, cache()]
