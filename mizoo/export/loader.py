"""Trained models by name or path. TensorFlow is imported only for those that need it."""

from __future__ import annotations

import difflib
import os
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from mizoo.export.catalogue import names
from mizoo.export.manifest import NAME, is_intact, verify
from mizoo.export.onnx_model import OnnxModel
from mizoo.export.record import read_config
from mizoo.export.registry import VARIABLE, cache, download, read_registry
from mizoo.export.signature import authenticate, check_sha256

if TYPE_CHECKING:
    from mizoo.model.generative import GenerativeModel


def load(
    name: str | PathLike[str],
    registry: str | None = None,
    trust: bool = False,
    sha256: str | None = None,
    public_key: str | PathLike[str] | None = None,
) -> GenerativeModel:
    """Load a trained model by the name of a shipped one, or by the path of a model, an ONNX file or a run.

    A name is looked up in `./saved_models`, the installed package, the user's cache and then a registry,
    from which the model is downloaded to the cache. A model in the cache that is damaged or incomplete is
    downloaded again, if there is a registry.

    A SavedModel is a program: TensorFlow runs its graph, which can read and write files, with the rights of
    the user. So the graph is checked before TensorFlow loads it, and refused if it does more than compute,
    unless you `trust` it. The `.keras` file of a run is read in Keras's safe mode, which refuses embedded
    Python code. ONNX files hold mathematics alone, and are run by onnxruntime, without TensorFlow: load
    those of people that you do not know. Checksums show that files are intact, not who wrote them;
    `sha256` and `public_key` do.

    Args:
        name: name of the model; or path of a folder with a SavedModel or `model.onnx`, of an ONNX or
            `.keras` file, or of a run.
        registry: URL of a registry, see `mizoo.export.registry`; by default that of `MIZOO_REGISTRY`.
        trust: whether to load a SavedModel whose graph does more than compute, such as to read files.
        sha256: SHA-256 of the model's `sha256.json`, which lists those of its files, or of the one file.
        public_key: PEM file with the Ed25519 key of the author, who has signed the model, see
            `mizoo.export.signature`.

    Returns:
        A `Pretrained`, an `OnnxModel`, or the `Turbo` of a finished run or of a `.keras` file.

    Raises:
        ValueError: if there is no such model (it suggests the nearest name), if it is not the one of
            `sha256` or `public_key`, if one of its files is damaged (it names the file) or holds an
            operation that does more than compute (it names both), or if the registry is not read by https.
        FileNotFoundError: if it is a run that has not finished, or there is no such ONNX file.
        ConnectionError: if the registry, or a file of it, cannot be reached.
        ImportError: without the extra `onnx` or `sign`, if it is needed.
    """
    if (path := Path(name)).suffix in (".onnx", ".keras"):
        if sha256 is not None:
            check_sha256(path, sha256)
        authenticate(path.parent, None, public_key)
        if path.suffix == ".onnx":
            return OnnxModel(path)
        from mizoo.export.pretrained import load_keras

        return load_keras(path)
    if not _is_model(path) and "recipe" in read_config(path):
        raise FileNotFoundError(f"{name} holds no finished run: model.keras is missing; resume it")
    path = locate(name, registry, sha256, public_key)
    if (path / "saved_model.pb").is_file():
        from mizoo.export.pretrained import Pretrained

        return Pretrained(path, trust)
    if (path / "model.keras").is_file():
        from mizoo.export.pretrained import load_keras

        if (path / NAME).is_file():
            verify(path)
        return load_keras(path / "model.keras")
    return OnnxModel(path / "model.onnx")


def locate(
    name: str | PathLike[str],
    registry: str | None = None,
    sha256: str | None = None,
    public_key: str | PathLike[str] | None = None,
) -> Path:
    """Folder of a model, found as by `load`; it is not loaded.

    Raises:
        ValueError, ConnectionError, ImportError: as `load` does.
    """
    path = Path(name)
    if not _is_model(path):
        path = _find(str(name), registry, sha256, public_key)
    authenticate(path, sha256, public_key)
    return path


def _is_model(path: Path) -> bool:
    return any((path / main).is_file() for main in ("saved_model.pb", "model.keras", "model.onnx"))


def _find(
    name: str, registry: str | None, sha256: str | None, public_key: str | PathLike[str] | None
) -> Path:
    """Folder of the model of a name, which is downloaded if need be."""
    known = names()
    url = registry or os.environ.get(VARIABLE)
    if name in known and (known[name].parent != cache() or not url or is_intact(known[name])):
        return known[name]
    elsewhere = read_registry(url, bool(sha256 or public_key)) if url else {}
    if url and name in elsewhere:
        return download(name, elsewhere[name], url, sha256, public_key)
    if name in known:
        return known[name]
    there = [*known, *elsewhere]
    near = difflib.get_close_matches(name, there, n=1)
    hint = f"did you mean {near[0]!r}? Or give" if near else "give"
    raise ValueError(
        f"no trained model {name!r}: {hint} the path of a SavedModel, an ONNX or .keras file or a finished "
        f"run, or one of {', '.join(there) or 'none'}"
    )
