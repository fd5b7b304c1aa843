"""Trained models as ONNX files, which onnxruntime runs without TensorFlow."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mizoo.core.optional import extra
from mizoo.datasets.integrity import checksum
from mizoo.export.manifest import NAME, verify
from mizoo.export.record import process_of, read_config, read_json
from mizoo.model.generative import GenerativeModel

if TYPE_CHECKING:
    from mizoo.physics.process import Process

# By endpoint: the input, the output and the role of the mapper.
_ENDPOINTS = {"encode": ("x", "z_tilde", "encoder"), "decode": ("z", "x_tilde", "decoder")}


class OnnxModel(GenerativeModel):
    """A trained model in an ONNX file, as `mizoo.export.write_onnx` writes it.

    It has `encode` and `decode`, as far as the file has these mappers, and returns arrays of NumPy. A
    `seed` makes the noise by NumPy's generator, and so other draws than the same seed in TensorFlow. An
    ONNX file cannot write files, run Python code or connect to other machines, and one that would read
    other files is refused. So its author needs no trust, except that the draws are right. Copies and
    pickles load the same file again, after a look at its checksum.

    Args:
        path: path of the file. Its folder may have `config.json`, `metrics.json` and `sha256.json`.

    Attributes:
        name: name of the folder, if the file is a `model.onnx`, otherwise that of the file.
        path: path of the file.
        metrics, config, preset, verified: as in `Pretrained`.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: without the extra `onnx`.
        ValueError: if it is no such file, was changed, or stores weights in other files.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path}: no such file")
        folder = self.path.absolute().parent
        self.name = folder.name if self.path.name == "model.onnx" else self.path.stem
        self.verified = verify(folder) and self.path.name in read_json(folder / NAME)
        self.metrics = read_json(folder / "metrics.json")
        self.config = read_config(folder)
        self.preset: str | None = self.config.get("recipe", {}).get("preset")
        self._open()
        outputs = [tensor.name for tensor in self._session.get_outputs()]
        inputs = (*self._session.get_inputs(), *self._session.get_overridable_initializers())
        self._inputs = {tensor.name: tuple(tensor.shape[1:]) for tensor in inputs}
        self._endpoints = [
            name
            for name, (given, drawn, _) in _ENDPOINTS.items()
            if drawn in outputs and given in self._inputs
        ]
        if not self._endpoints:
            found = ", ".join(outputs) or "none"
            raise ValueError(f"{self.path} is no model of mizoo: its outputs are {found}")

    def _open(self) -> None:
        content = self.path.read_bytes()
        # External data are named by this key, and onnxruntime would read them from other files.
        if b"location" in content:
            raise ValueError(f"{self.path} refers to other files: save the model in one file")
        runtime = extra("onnxruntime", "loading .onnx files")
        options = runtime.SessionOptions()
        options.log_severity_level = 4  # it warns of inputs that may be left out
        options.add_session_config_entry("session.load_model_format", "ONNX")
        try:
            self._session = runtime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )  # from memory, so that there is no folder beside
        except Exception as error:  # of many kinds
            raise ValueError(f"{self.path} is no ONNX file that can be run: {_line(error)}") from error
        self._process = os.getpid()

    @property
    def endpoints(self) -> list[str]:
        """Available methods, `encode`, `decode` or both."""
        return list(self._endpoints)

    @property
    def shapes(self) -> dict[str, list[int]]:
        """Shapes of one event by space, "x" and "z", in physical units, as far as they are known."""
        known: dict[str, list[int]] = self.config.get("shapes", {})
        return known | {space: list(self._inputs[space]) for space in "xz" if space in self._inputs}

    @functools.cached_property
    def process(self) -> Process | None:
        """The process whose events the model takes, by its `config.json`; None without one."""
        return process_of(self.config)

    def noise_shape(self, role: str) -> tuple[int, ...] | None:
        """Shape of the noise per event, for `encode` ("encoder") or `decode` ("decoder"); None if none.

        Raises:
            ValueError: if the model lacks the mapper.
        """
        for name in self._endpoints:
            _, drawn, own = _ENDPOINTS[name]
            if own == role:
                return self._inputs.get(f"{drawn[0]}_noise")
        raise ValueError(f"{self.name} has no {role}")

    def latents(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Not available: an ONNX file has no latents.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{self.path} has no latents: load the SavedModel or the run")

    def interpolate(self, a: Any, b: Any, steps: int = 8, *, condition: Any = None) -> Any:
        """Not available, as `latents`."""
        return self.latents({})

    def traverse(
        self,
        x: Any,
        values: Sequence[float] = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0),
        components: Sequence[int] | None = None,
        *,
        condition: Any = None,
    ) -> Any:
        """Not available, as `latents`."""
        return self.latents({})

    def log_prob(
        self,
        x: Any,
        z: Any = None,
        *,
        samples: int | None = None,
        seed: int | None = None,
        condition: Any = None,
    ) -> Any:
        """Not available: an ONNX file has no densities.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{self.path} has no densities: load the SavedModel or the run")

    def elbo(self, x: Any, *, samples: int = 1, seed: int | None = None, condition: Any = None) -> Any:
        """Not available, as `log_prob`."""
        return self.log_prob(x)

    def checksum(self) -> str:
        """SHA-256 of the file, which determines the draws."""
        return checksum(self.path)

    def _map(self, endpoint: str, events: Any, noise: Any, seed: int | None, condition: Any) -> np.ndarray:
        if os.getpid() != self._process:
            raise RuntimeError(
                f"{self.name} was loaded before a fork, after which onnxruntime hangs: start processes by "
                "spawn, as multiprocessing.get_context('spawn') does"
            )
        given, drawn, role = _ENDPOINTS[endpoint]
        feeds = {given: _shaped(given, events, self._inputs[given])}
        count, shape = len(feeds[given]), self.noise_shape(role)
        if (condition is not None) != ("condition" in self._inputs):
            has = "needs a condition" if condition is None else "has no condition, which is not used"
            raise ValueError(f"{self.name} {has}")
        if condition is not None:
            conditions = np.asarray(condition, "float32")
            conditions = conditions[:, None] if conditions.ndim == 1 else conditions
            feeds["condition"] = _shaped("condition", conditions, self._inputs["condition"], count)
        if shape is None and noise is not None:
            raise ValueError(f"the {role} of {self.name} takes no noise")
        if shape is not None:
            if noise is None:
                noise = np.random.default_rng(seed).standard_normal((count, *shape))
            feeds[f"{drawn[0]}_noise"] = _shaped("noise", noise, shape, count)
        try:
            (found,) = self._session.run([drawn], feeds)
        except Exception as error:  # of many kinds
            raise ValueError(f"{self.path} cannot {endpoint}: {_line(error)}") from error
        return np.asarray(found)

    def _reconstruct(self, space: str, events: Any, seed: int | None, condition: Any) -> np.ndarray:
        raise NotImplementedError  # it is no endpoint

    def _sample(self, count: Any, seed: int | None, condition: Any) -> np.ndarray:
        raise NotImplementedError  # it is no endpoint

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (str(self.path.absolute()), self.checksum())

    def __repr__(self) -> str:
        return f"<ONNX model {self.name} from {self.path}{'' if self.verified else ', unverified'}>"


def _restored(path: str, expected: str) -> OnnxModel:
    """A pickled model, loaded again from its file."""
    model = OnnxModel(path)
    if model.checksum() != expected:
        raise ValueError(f"{path} is another model than when it was pickled")
    return model


def _shaped(name: str, values: Any, shape: tuple[int, ...], count: int | None = None) -> np.ndarray:
    """Values as an array (n, *shape) in single precision; `count` is n, if it is known."""
    array = np.asarray(values, "float32")
    if array.ndim == 0 or array.shape[1:] != shape or count not in (None, len(array)):
        expected = ", ".join(map(str, ("n" if count is None else count, *shape)))
        raise ValueError(f"{name} must have shape ({expected}), got {array.shape}")
    return array


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
