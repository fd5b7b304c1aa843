"""Trained models by name or path."""

import difflib
import json
import os
from importlib import resources
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from mizoo.endpoints import several
from mizoo.export.manifest import verify
from mizoo.export.registry import VARIABLE, cache, download, read_registry


class Pretrained:
    """A SavedModel of the zoo, in physical units. Draws are new ones in every process, or follow from a
    `seed`, a whole number.

    Attributes:
        name: of its folder.
        path: of its folder.
        metrics: figures of merit on test data, as `mizoo evaluate` wrote them; empty if there are none.
        endpoints: what it can be asked for, of `encode`, `decode`, `reconstruct` and `sample`.
        preset: name of the preset it was made by; None if it is not known.

    Raises:
        ValueError: if a file is missing, or is not what was written; it names the file.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.name = self.path.name
        verify(self.path)
        self.metrics = _read(self.path / "metrics.json")
        self.preset = _read(self.path / "config.json").get("recipe", {}).get("preset")
        try:
            # The endpoints hold no reference to the variables they use: this object must live.
            self._saved = tf.saved_model.load(str(self.path))
        except (OSError, tf.errors.OpError) as error:
            raise ValueError(f"{self.path} is no whole SavedModel: {error}") from error
        known = ("encode", "decode", "reconstruct", "sample")
        self.endpoints = [name for name in known if hasattr(self._saved, name)]

    def encode(self, x, samples=None, seed=None):
        """Unfold: draw z (n, …), or (n, samples, …), given x (n, …), float32 in physical units."""
        return several(lambda x: self._call("encode", x, seed), x, samples)

    def decode(self, z, samples=None, seed=None):
        """Simulate: draw x (n, …), or (n, samples, …), given z (n, …), float32 in physical units."""
        return several(lambda z: self._call("decode", z, seed), z, samples)

    def reconstruct(self, x, seed=None):
        """Draw x again by way of z."""
        return self._call("reconstruct", x, seed)

    def sample(self, count, seed=None):
        """Draw `count` new x from the prior of z."""
        return self._call("sample", np.int32(count), seed)

    def trainable(self) -> keras.Model:
        """The compiled `Turbo`, to go on training; its mappers have the weights that draws come from, and
        no averages of their own.

        Raises:
            FileNotFoundError: if the folder has no `model.keras`.
        """
        if not (path := self.path / "model.keras").is_file():
            raise FileNotFoundError(f"{path} is missing: this model was shipped without it")
        return keras.saving.load_model(path)

    def _call(self, endpoint, given, seed):
        if endpoint not in self.endpoints:
            there = ", ".join(self.endpoints)
            raise ValueError(f"{self.name} has no endpoint {endpoint!r}, only {there}")
        function = getattr(self._saved, endpoint)
        expected = function.input_signature[0]
        given = tf.cast(given, expected.dtype)
        if not given.shape.is_compatible_with(expected.shape):
            raise ValueError(f"{endpoint} takes shape {expected.shape}, got {given.shape}")
        if seed is None:
            return function(given)
        return getattr(self._saved, f"{endpoint}_seeded")(given, tf.constant(seed, tf.int64))

    def __repr__(self):
        return f"<pretrained {self.name} from {self.path}>"


def names() -> dict[str, Path]:
    """Folders of the models at hand, by name: `./saved_models`, those installed, then the cache's."""
    found = {}
    for root in reversed(_roots()):
        for file in sorted(root.glob("[!.]*/saved_model.pb")):
            found[file.parent.name] = file.parent
    return found


def catalogue(registry=None) -> dict[str, tuple[str, dict]]:
    """Where the models are and how good, by name: the folder or the registry, and `Report.worst`.

    Args:
        registry: as for `load`.

    Raises:
        ConnectionError: if the registry cannot be had.
    """
    url = registry or os.environ.get(VARIABLE)
    found: dict[str, tuple[str, dict]] = {name: (url, {}) for name in read_registry(url)} if url else {}
    for name, path in names().items():
        found[name] = (str(path.parent), _read(path / "metrics.json").get("worst", {}))
    return dict(sorted(found.items()))


def load(name, registry=None):
    """Load a trained model: by the name of a shipped one, or by the path of a SavedModel or a run.

    A name is looked for in `./saved_models`, in the installed package, in the user's cache, and then in
    a registry, from which the model is fetched into the cache. No code of the files is run: SavedModels
    are graphs, and what a `.keras` file may hold of Python is refused (Keras's safe mode).

    Args:
        name: of the model, or path.
        registry: URL of a registry, see `mizoo.export.registry`; that of `MIZOO_REGISTRY` if none.

    Returns:
        A `Pretrained`, or, for the directory of a finished run, its `Turbo`.

    Raises:
        ValueError: if there is none, with the nearest name; or if one of its files is damaged, with the
            file.
        ConnectionError: if the registry, or a file of it, cannot be had.
    """
    if (Path(name) / "saved_model.pb").is_file():
        return Pretrained(name)
    if (run := Path(name) / "model.keras").is_file():
        return keras.saving.load_model(run)
    known = names()
    if name in known:
        return Pretrained(known[name])
    url = registry or os.environ.get(VARIABLE)
    elsewhere = read_registry(url) if url else {}
    if name in elsewhere:
        return Pretrained(download(name, elsewhere[name], url))
    there = [*known, *elsewhere]
    near = difflib.get_close_matches(str(name), there, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(
        f"no trained model {str(name)!r}: {hint}There are {', '.join(there) or 'none'}; or give the "
        "path of a SavedModel or of a finished run"
    )


def _read(path):
    return json.loads(path.read_text()) if path.is_file() else {}


def _roots():
    package = Path(str(resources.files("mizoo")))
    # In a checkout the folder stands beside the package, in an installation inside it.
    shipped = [package / "saved_models", package.parent / "saved_models"]
    return [Path("saved_models"), *shipped, cache()]
