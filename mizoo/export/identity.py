"""Identity of a model, by the content that determines its draws and not by its name."""

import hashlib
import json
from functools import singledispatch
from typing import Any, Protocol, runtime_checkable

from mizoo.datasets.integrity import array_checksum
from mizoo.model.turbo import Turbo


@runtime_checkable
class Checksummed(Protocol):
    """A model with a checksum."""

    def checksum(self) -> str:
        """A string that two models share if and only if they make the same draws by the same seed."""


@singledispatch
def model_checksum(model: Any) -> str | None:
    """Checksum of the content of a model; None if it has none.

    For a `Turbo` it is the SHA-256 of its configuration and weights, for other models the result of their
    method `checksum`, which a `Pretrained` has.

    Raises:
        FileNotFoundError: if the folder of a `Pretrained` is gone.
    """
    return model.checksum() if isinstance(model, Checksummed) else None


@model_checksum.register
def _(model: Turbo) -> str:
    # By position, not by name: Keras numbers the layers of a class over the whole session.
    weights = [array_checksum(weight.numpy()) for weight in model.weights]
    return _of([model.get_config(), weights])


def _of(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
