"""Registries of models, downloads from them, and the user's cache."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from urllib.error import URLError
from urllib.request import urlopen

import pooch
from rich.progress import track

from mizoo.export.manifest import NAME, checksum

VARIABLE = "MIZOO_REGISTRY"
_TIMEOUT = 30.0  # seconds without data


def cache() -> Path:
    """Folder of downloaded models: `MIZOO_CACHE`, or one in the system's cache folder."""
    return Path(os.environ.get("MIZOO_CACHE") or pooch.os_cache("mizoo"))


def read_registry(url: str) -> dict[str, dict[str, str]]:
    """Read the models of a registry: by name, the SHA-256 of their files by path.

    A registry is a JSON file, `{"name": {"saved_model.pb": "3a5f…"}}`, beside the folders of its models;
    `mizoo.export.write_registry` writes one.

    Raises:
        ConnectionError: if it cannot be reached.
        ValueError: if it is no registry.
    """
    try:
        with urlopen(url, timeout=_TIMEOUT) as answer:
            content = answer.read()
    except (URLError, TimeoutError, ConnectionError) as error:
        raise ConnectionError(f"registry {url}: {error}") from error
    except ValueError as error:
        raise ValueError(f"registry {url!r}: {error}") from error
    try:
        models = json.loads(content)
        for name, files in models.items():
            for path in (name, *files):
                if path.startswith("/") or ".." in PurePosixPath(path).parts:
                    raise ValueError(f"{path!r} leads out of the cache")
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{url} is no registry of models: {error}") from error
    return models


def download(name: str, files: Mapping[str, str], url: str) -> Path:
    """Download a model to the cache, atomically.

    Args:
        name: name of the model.
        files: SHA-256 of its files by path.
        url: URL of the registry.

    Raises:
        ConnectionError: if a file cannot be downloaded.
        ValueError: if a file does not have the checksum of the registry.
    """
    cache().mkdir(parents=True, exist_ok=True)
    base = url.rpartition("/")[0]
    with tempfile.TemporaryDirectory(dir=cache(), prefix=".") as unfinished:
        for path, known in track(files.items(), description=f"fetch {name}", transient=True):
            target = Path(unfinished) / name / path
            source = f"{base}/{name}/{path}"
            try:
                pooch.retrieve(
                    source, f"sha256:{known}", target.name, target.parent,
                    downloader=pooch.HTTPDownloader(timeout=_TIMEOUT),
                )  # fmt: skip
            except ValueError as error:
                raise ValueError(f"{source} is damaged or was changed: {error}") from error
            except OSError as error:  # includes the errors of requests
                raise ConnectionError(f"{source}: {error}") from error
        (Path(unfinished) / name).replace(cache() / name)
    return cache() / name


def write_registry(directory: str | Path) -> Path:
    """Write `registry.json` of a folder of models, for a file server."""
    directory = Path(directory)
    models = {}
    for manifest in sorted(directory.glob(f"*/{NAME}")):
        files = json.loads(manifest.read_text())
        models[manifest.parent.name] = {**files, manifest.name: checksum(manifest)}
    path = directory / "registry.json"
    path.write_text(json.dumps(models, indent=1) + "\n")
    return path
