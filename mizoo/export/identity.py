"""What tells one model from another: the content that its draws follow from, not its name."""

import hashlib
import json
from functools import singledispatch
from typing import Any, Protocol, runtime_checkable

from mizoo.datasets.integrity import array_checksum, checksum
from mizoo.export.manifest import program
from mizoo.export.pretrained import Pretrained
from mizoo.model.turbo import Turbo


@runtime_checkable
class Checksummed(Protocol):
    """A model of a user's own that says what it is."""

    def checksum(self) -> str:
        """A string that is the same for models that draw the same by the same seed, and for no others."""


@singledispatch
def model_checksum(model: Any) -> str | None:
    """What a model is, as a string; None if that cannot be told.

    Of a `Pretrained` it is the SHA-256 of the files of its SavedModel, of a `Turbo` that of its
    configuration and weights, and of other models what their method `checksum` says.

    Raises:
        FileNotFoundError: if the folder of a `Pretrained` is gone.
    """
    return model.checksum() if isinstance(model, Checksummed) else None


@model_checksum.register
def _(model: Pretrained) -> str:
    # Card, metrics and the other forms of the model in its folder have no part in what is drawn.
    return _of({path.relative_to(model.path).as_posix(): checksum(path) for path in program(model.path)})


@model_checksum.register
def _(model: Turbo) -> str:
    # By place, not by name: Keras counts layers of a kind through the whole session.
    weights = [array_checksum(weight.numpy()) for weight in model.weights]
    return _of([model.get_config(), weights])


def _of(content):
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
