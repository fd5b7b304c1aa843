"""Registries of models, downloads from them, and the user's cache."""

import io
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

from rich.progress import track

from mizoo.core.cache import cache
from mizoo.datasets.disk import naming
from mizoo.datasets.lock import locked
from mizoo.export.fetch import fetch
from mizoo.export.manifest import NAME, SIGNATURE, check_inside, checksum, is_intact, verify
from mizoo.export.signature import authenticate

VARIABLE = "MIZOO_REGISTRY"
_LIST_BYTES, _LIST_SECONDS = 10 * 2**20, 60.0
_FILE_BYTES, _FILE_SECONDS = 4 * 2**30, 3600.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_registry(url: str, authenticated: bool = False) -> dict[str, dict[str, str]]:
    """Read the models of a registry: by name, the SHA-256 of their files by path.

    A registry is a JSON file, `{"name": {"saved_model.pb": "3a5f…"}}`, beside the folders of its models;
    `mizoo.export.write_registry` writes one. Checksums that come from the registry itself show nothing if
    others can change it on its way. Therefore it must be read by https, or from this machine, unless the
    model is `authenticated` by something that does not come from the registry.

    Args:
        url: address of the registry.
        authenticated: whether its models are checked by other means, see `mizoo.export.signature`.

    Raises:
        ConnectionError: if it cannot be reached, takes longer than a minute, or has more than 10 MiB.
        ValueError: if it is no registry, or not read by https.
    """
    content = io.BytesIO()
    if not authenticated:
        _check_secure(url)
    try:
        last = fetch(url, content, _LIST_BYTES, _LIST_SECONDS)
    except ConnectionError as error:
        raise ConnectionError(f"registry {error}") from error
    except ValueError as error:
        raise ValueError(f"registry {error}") from error
    if not authenticated:
        _check_secure(last)
    try:
        models = json.loads(content.getvalue())
        for name, files in models.items():
            if "/" in name or name.startswith("."):
                raise ValueError(f"{name!r} is no name of a model")
            check_inside(name, "it")
            for path, known in files.items():
                check_inside(path, "it")
                if not _SHA256.fullmatch(known):
                    raise ValueError(f"{known!r} is no SHA-256")
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f"{url} is no registry of models: {error}") from error
    return dict(models)


def download(
    name: str,
    files: Mapping[str, str],
    url: str,
    sha256: str | None = None,
    public_key: str | PathLike[str] | None = None,
) -> Path:
    """Download a model to the cache, atomically, in place of an existing one.

    Of several processes that do it at once, one downloads, and the others wait for it.

    Args:
        name: name of the model.
        files: SHA-256 of its files by path.
        url: URL of the registry.
        sha256, public_key: identity of the model, see `mizoo.export.signature.authenticate`.

    Raises:
        ConnectionError: if a file cannot be downloaded.
        ValueError: if a file does not have the checksum of the registry, or the model is another one.
    """
    place = cache() / name
    with naming(cache()):
        cache().mkdir(parents=True, exist_ok=True)
    with locked(cache() / f".{name}.lock"):
        same = all((place / path).is_file() and checksum(place / path) == files[path] for path in files)
        if same and is_intact(place):  # another process was faster
            authenticate(place, sha256, public_key)
            return place
        with _scratch(name) as unfinished:
            for path, known in track(files.items(), description=f"fetch {name}", transient=True):
                target = unfinished / "new" / path
                with naming(target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                _fetch_file(urljoin(url, quote(f"{name}/{path}")), target, known)
            new = unfinished / "new"
            if not any((new / main).is_file() for main in ("saved_model.pb", "model.onnx")):
                raise ValueError(f"{name} of {url} is no model: it has no saved_model.pb and no model.onnx")
            authenticate(new, sha256, public_key)
            verify(new)
            if place.exists():
                place.replace(unfinished / "former")
            new.replace(place)
    return place


def write_registry(directory: str | Path) -> Path:
    """Write `registry.json` of a folder of models, for a file server."""
    directory = Path(directory)
    models = {}
    for manifest in sorted(directory.glob(f"*/{NAME}")):
        files = json.loads(manifest.read_text())
        own = [path for path in (manifest, manifest.with_name(SIGNATURE)) if path.is_file()]
        models[manifest.parent.name] = files | {path.name: checksum(path) for path in own}
    path = directory / "registry.json"
    path.write_text(json.dumps(models, indent=1) + "\n")
    return path


def _check_secure(url: str) -> None:
    """Check that nobody can change on its way what is read from a URL."""
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError(
            f"registry {url} can be changed on its way: give one by https, or the sha256 or public_key of "
            "the model, from a source that you trust"
        )


def _fetch_file(url: str, target: Path, known: str) -> None:
    with naming(target), open(target, "wb") as file:
        try:
            fetch(url, file, _FILE_BYTES, _FILE_SECONDS)
        except ConnectionError as error:
            failed: ConnectionError | None = error
        else:
            failed = None
    if failed is not None:  # outside of `naming`, which is about the disk
        raise failed
    if (found := checksum(target)) != known:
        raise ValueError(f"{url} is damaged or was changed: SHA-256 {found}, expected {known}")


@contextmanager
def _scratch(name: str) -> Iterator[Path]:
    """A new folder in the cache for a download; those that killed processes left are deleted."""
    folder = cache() / f".{name}.part"
    for former in cache().glob(".*.part"):
        with locked(former.with_suffix(".lock"), 0.0) as free:
            if free or former == folder:  # the caller holds the lock of its own
                shutil.rmtree(former, ignore_errors=True)
    with naming(folder):
        folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
