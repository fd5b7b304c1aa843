"""Trained models as SavedModels and `.keras` files."""

import functools
import hashlib
import importlib
import json
import os
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from mizoo.core.types import Array, Batch, Shape, Tensor
from mizoo.datasets.integrity import checksum
from mizoo.export.manifest import program, verify
from mizoo.export.operations import check_operations
from mizoo.export.record import process_of, read_config, read_json
from mizoo.model.generative import TRAVERSED
from mizoo.model.inputs import of_shape
from mizoo.model.tensors import TensorModel
from mizoo.model.turbo import Turbo
from mizoo.physics.process import Process


class Pretrained(TensorModel):
    """A trained model in a folder, whose SavedModel makes the draws.

    Its `model.keras`, loaded on first use, serves what the SavedModel lacks: the argument `noise`, the
    reconstruction of z, `noise_shape`, latents and densities. Copies and pickles load the same folder
    again, after a look at its checksum.

    Args:
        path: path of the folder.
        trust: whether to load a graph that does more than compute, see `load`.

    Attributes:
        name: name of the folder.
        path: path of the folder.
        metrics: metrics on test data, as written by `mizoo evaluate`; empty if there are none.
        config: content of `config.json`, the record of how the model was made; empty if there is none.
        preset: name of its preset; None if it is not known.
        verified: whether its files were compared with checksums.

    Raises:
        ValueError: if a file is missing or was changed, with its name; or if the graph does more than
            compute.
    """

    def __init__(self, path: str | PathLike[str], trust: bool = False) -> None:
        self.path = Path(path)
        self.name = self.path.name
        self._trust = trust
        self._process = os.getpid()
        self.verified = verify(self.path)
        if not trust:
            check_operations(self.path)
        self.metrics = read_json(self.path / "metrics.json")
        self.config = read_config(self.path)
        self.preset: str | None = self.config.get("recipe", {}).get("preset")
        try:
            # The endpoints hold no references to the variables they use, so this object must stay alive.
            self._saved = tf.saved_model.load(str(self.path))
        except Exception as error:  # TensorFlow raises arbitrary errors for damaged files
            raise ValueError(f"{self.path} is no whole SavedModel: {_first_line(error)}") from error

    @property
    def endpoints(self) -> list[str]:
        """Available methods among `encode`, `decode`, `reconstruct` and `sample`."""
        return [
            name for name in ("encode", "decode", "reconstruct", "sample") if name in self._saved.signatures
        ]

    @property
    def shapes(self) -> dict[str, list[int]]:
        """Shapes of one event by space, "x" and "z", in physical units, as far as they are known."""
        known = {"encode": "x", "decode": "z"}
        found = {known[name]: list(self._shape(name)) for name in self.endpoints if name in known}
        return {**self.config.get("shapes", {}), **found}

    @functools.cached_property
    def process(self) -> Process | None:
        """The process whose events the model takes, by its `config.json`; None without one."""
        return process_of(self.config)

    def noise_shape(self, role: str) -> Shape | None:
        """Shape of the noise per event, for `encode` ("encoder") or `decode` ("decoder"); None if none.

        Raises:
            ValueError: if the model lacks the mapper.
            FileNotFoundError: if the folder has no `model.keras`.
        """
        return self._keras.noise_shape(role)

    def latents(self, data: Mapping[str, Array]) -> Batch:
        """Latent vectors (n, d) of events, by space: see `mizoo.model.codes.Codes.latents`.

        Args:
            data: x, z or both by space, (n, …).

        Raises:
            ValueError: for a model without latents.
            FileNotFoundError: if the folder has no `model.keras`.
        """
        return self._keras.latents(data)

    def interpolate(self, a: Array, b: Array, steps: int = 8, *, condition: Array | None = None) -> Tensor:
        """As `Turbo.interpolate`, by `model.keras`."""
        return self._keras.interpolate(a, b, steps, condition=condition)

    def traverse(
        self,
        x: Array,
        values: Sequence[float] = TRAVERSED,
        components: Sequence[int] | None = None,
        *,
        condition: Array | None = None,
    ) -> Tensor:
        """As `Turbo.traverse`, by `model.keras`."""
        return self._keras.traverse(x, values, components, condition=condition)

    def log_prob(
        self,
        x: Array,
        z: Array | None = None,
        *,
        samples: int | None = None,
        seed: int | None = None,
        condition: Array | None = None,
    ) -> Tensor:
        """As `Turbo.log_prob`, by `model.keras`."""
        return self._keras.log_prob(x, z, samples=samples, seed=seed, condition=condition)

    def elbo(
        self, x: Array, *, samples: int = 1, seed: int | None = None, condition: Array | None = None
    ) -> Tensor:
        """As `Turbo.elbo`, by `model.keras`."""
        return self._keras.elbo(x, samples=samples, seed=seed, condition=condition)

    def trainable(self) -> Turbo:
        """The compiled `Turbo` for further training.

        Its mappers have the weights that make the draws, without separate averages.

        Raises:
            FileNotFoundError: if the folder has no `model.keras`.
            ValueError: if it is damaged.
        """
        if not (path := self.path / "model.keras").is_file():
            raise FileNotFoundError(f"{path} is missing: this model was shipped without it")
        return load_keras(path)

    @functools.cached_property
    def _keras(self) -> Turbo:
        return self.trainable()

    def checksum(self) -> str:
        """SHA-256 of the files of the SavedModel: what determines the draws.

        Raises:
            FileNotFoundError: if the folder is gone.
        """
        files = {path.relative_to(self.path).as_posix(): checksum(path) for path in program(self.path)}
        return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (str(self.path.absolute()), self._trust, self.checksum())

    def _map(
        self, endpoint: str, events: Array, noise: Array | None, seed: int | None, condition: Array | None
    ) -> Tensor:
        if noise is None:
            return self._call(endpoint, events, seed, condition)
        map_by = {"encode": self._keras.encode, "decode": self._keras.decode}
        return map_by[endpoint](events, noise=noise, seed=seed, condition=condition)

    def _reconstruct(self, space: str, events: Array, seed: int | None, condition: Array | None) -> Tensor:
        if space == "x":
            return self._call("reconstruct", events, seed, condition)
        return self._keras.reconstruct(z=events, seed=seed, condition=condition)

    def _sample(self, count: int | Tensor, seed: int | None, condition: Array | None) -> Tensor:
        return self._call("sample", tf.constant(count, tf.int32), seed, condition)

    def _call(self, endpoint: str, given: Array, seed: int | None, condition: Array | None) -> Tensor:
        if os.getpid() != self._process:
            raise RuntimeError(
                f"{self.name} was loaded before a fork, after which TensorFlow hangs: start processes by "
                "spawn, as multiprocessing.get_context('spawn') does"
            )
        function = getattr(self._saved, endpoint)
        expected, *conditions = function.input_signature
        if endpoint != "sample":
            given = of_shape(expected.name, tf.cast(given, expected.dtype), self._shape(endpoint))
        if len(conditions) != (condition is not None):
            has = "needs a condition" if conditions else "has no condition, which is not used"
            raise ValueError(f"{self.name} {has}")
        inputs = [given]
        for one in conditions:
            values = tf.cast(condition, one.dtype)
            count = given if endpoint == "sample" else given.shape[0]
            inputs.append(of_shape("condition", values, tuple(one.shape[1:]), int(count)))
        if seed is None:
            return function(*inputs)
        return getattr(self._saved, f"{endpoint}_seeded")(*inputs, tf.constant(seed, tf.int64))

    def _shape(self, endpoint: str) -> Shape:
        """Shape of one event that an endpoint takes."""
        return tuple(getattr(self._saved, endpoint).input_signature[0].shape[1:].as_list())

    def __repr__(self) -> str:
        return f"<pretrained {self.name} from {self.path}{'' if self.verified else ', unverified'}>"


def _restored(path: str, trust: bool, expected: str) -> Pretrained:
    """A pickled model, loaded again from its folder."""
    model = Pretrained(path, trust)
    if model.checksum() != expected:
        raise ValueError(f"{path} holds another model than when it was pickled")
    return model


def load_keras(path: str | PathLike[str]) -> Turbo:
    """Load the `Turbo` of a `.keras` file in safe mode.

    Raises:
        ValueError: if it is damaged, has parts that are not registered, or is no Turbo; it names the path.
    """
    importlib.import_module("mizoo.presets.catalogue")  # registers every class that a file may name
    try:
        model = keras.saving.load_model(path)
    except Exception as error:  # Keras raises arbitrary errors for damaged files
        raise ValueError(f"{path} cannot be loaded: {_first_line(error)}") from error
    if not isinstance(model, Turbo):
        raise ValueError(f"{path} holds a {type(model).__name__}, not a Turbo")
    return model


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
