"""Lists of trained models, local and in a registry, made without loading them."""

import os
from importlib import resources
from pathlib import Path
from typing import Any

from mizoo.export.manifest import NAME
from mizoo.export.record import read_json
from mizoo.export.registry import VARIABLE, cache, read_registry


def names() -> dict[str, Path]:
    """Folders of the local models by name: of `./saved_models`, the installed package, then the cache."""
    found: dict[str, Path] = {}
    for root in reversed(_roots()):
        for main in ("model.onnx", "saved_model.pb"):
            found |= {file.parent.name: file.parent for file in sorted(root.glob(f"[!.]*/{main}"))}
    return found


def catalogue(registry: str | None = None) -> dict[str, tuple[str, dict[str, Any]]]:
    """Location and metrics of all models by name: the folder or registry, and figures by stream.

    The location says if a model has no checksums, or no readable metrics.

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
        place = str(path.parent) if (path / NAME).is_file() else f"{path.parent}, unverified"
        try:
            found[name] = (place, _summary(path / "metrics.json"))
        except (ValueError, OSError):
            found[name] = (f"{place}, metrics.json is damaged", {})
    return dict(sorted(found.items()))


def _summary(path: Path) -> dict[str, Any]:
    """Figures of `metrics.json` by stream, see `Report.summary`.

    Raises:
        ValueError: if they are not figures.
    """
    summary = read_json(path).get("summary", {})
    try:
        return {
            stream: {key: float(figures[key]) for key in ("mean", "largest", "threshold")}
            for stream, figures in summary.items()
        }
    except (AttributeError, LookupError, TypeError) as error:
        raise ValueError(f"{path} is damaged") from error


def _roots() -> list[Path]:
    package = Path(str(resources.files("mizoo")))
    # The folder is beside the package in a checkout, and inside it in an installation.
    shipped = [package / "saved_models", package.parent / "saved_models"]
    return [Path("saved_models"), *shipped, cache()]
