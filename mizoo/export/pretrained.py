"""Trained models by name or path."""

import difflib
import importlib
import os
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from mizoo.export.catalogue import names
from mizoo.export.manifest import verify
from mizoo.export.record import read_config, read_json
from mizoo.export.registry import VARIABLE, download, read_registry
from mizoo.model.endpoints import repeat_draws


class Pretrained:
    """A SavedModel of the zoo, in physical units. Draws are new ones in every process, or follow from a
    `seed`, a whole number.

    Attributes:
        name: of its folder.
        path: of its folder.
        metrics: figures of merit on test data, as `mizoo evaluate` wrote them; empty if there are none.
        endpoints: what it can be asked for, of `encode`, `decode`, `reconstruct` and `sample`.
        config: what it says of how it was made, of `config.json`; empty if there is none.
        preset: name of the preset it was made by; None if it is not known.
        shapes: of one event by space, as far as they are known.

    Raises:
        ValueError: if a file is missing, or is not what was written; it names the file.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.name = self.path.name
        verify(self.path)
        self.metrics = read_json(self.path / "metrics.json")
        self.config = read_config(self.path)
        self.preset = self.config.get("recipe", {}).get("preset")
        try:
            # The endpoints hold no reference to the variables they use: this object must live.
            self._saved = tf.saved_model.load(str(self.path))
        except Exception as error:  # TensorFlow raises whatever it stumbles over in a damaged file
            raise ValueError(f"{self.path} is no whole SavedModel: {_first_line(error)}") from error
        known = ("encode", "decode", "reconstruct", "sample")
        self.endpoints = [name for name in known if hasattr(self._saved, name)]
        self.shapes = self.config.get("shapes") or {
            space: getattr(self._saved, name).input_signature[0].shape[1:].as_list()
            for name, space in (("encode", "x"), ("decode", "z"))
            if name in self.endpoints
        }

    def encode(self, x, num_samples=None, seed=None):
        """Unfold: draw z (n, …), or (n, num_samples, …), given x (n, …), float32 in physical units."""
        return repeat_draws(lambda x: self._call("encode", x, seed), x, num_samples)

    def decode(self, z, num_samples=None, seed=None):
        """Simulate: draw x (n, …), or (n, num_samples, …), given z (n, …), float32 in physical units."""
        return repeat_draws(lambda z: self._call("decode", z, seed), z, num_samples)

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
            ValueError: if it is damaged.
        """
        if not (path := self.path / "model.keras").is_file():
            raise FileNotFoundError(f"{path} is missing: this model was shipped without it")
        return load_keras(path)

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


def load(name, registry=None):
    """Load a trained model: by the name of a shipped one, or by the path of a SavedModel or a run.

    A name is looked for in `./saved_models`, in the installed package, in the user's cache, and then in
    a registry, from which the model is fetched into the cache.

    A SavedModel is a program: TensorFlow runs its graph, which can read and write files, with the rights of
    the user. Load only models from those you trust; checksums say that files are whole, not who wrote them.
    A `.keras` file of a run is read in Keras's safe mode, which refuses what it may hold of Python, and an
    ONNX file holds mathematics alone: these are the safer forms.

    Args:
        name: of the model, or path.
        registry: URL of a registry, see `mizoo.export.registry`; that of `MIZOO_REGISTRY` if none.

    Returns:
        A `Pretrained`, or, for the directory of a finished run, its `Turbo`.

    Raises:
        ValueError: if there is none, with the nearest name; or if one of its files is damaged, with the
            file.
        FileNotFoundError: if it is a run that has not finished.
        ConnectionError: if the registry, or a file of it, cannot be had.
    """
    if (Path(name) / "saved_model.pb").is_file():
        return Pretrained(name)
    if (run := Path(name) / "model.keras").is_file():
        return load_keras(run)
    if "recipe" in read_config(name):
        raise FileNotFoundError(f"{name} holds no finished run: model.keras is missing; resume it")
    known = names()
    if name in known:
        return Pretrained(known[name])
    url = registry or os.environ.get(VARIABLE)
    elsewhere = read_registry(url) if url else {}
    if name in elsewhere:
        return Pretrained(download(name, elsewhere[name], url))
    there = [*known, *elsewhere]
    near = difflib.get_close_matches(str(name), there, n=1)
    hint = f"did you mean {near[0]!r}? Or give" if near else "give"
    raise ValueError(
        f"no trained model {str(name)!r}: {hint} the path of a SavedModel or of a finished run, or one "
        f"of {', '.join(there) or 'none'}"
    )


def load_keras(path) -> keras.Model:
    """A Keras model of a file, in safe mode.

    Raises:
        ValueError: if it is damaged, or made of parts that are not registered; with its path.
    """
    importlib.import_module("mizoo.presets.catalogue")  # registers every class that a file may name
    try:
        return keras.saving.load_model(path)
    except Exception as error:  # so does Keras
        raise ValueError(f"{path} cannot be loaded: {_first_line(error)}") from error


def _first_line(error):
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
