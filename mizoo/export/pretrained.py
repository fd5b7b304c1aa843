"""Trained models by name or path."""

import difflib
import json
from importlib import resources
from pathlib import Path

import keras
import tensorflow as tf

from mizoo.endpoints import several


class Pretrained:
    """A SavedModel of the zoo, in physical units.

    Attributes:
        name: of its folder.
        path: of its folder.
        metrics: figures of merit on test data, as `mizoo evaluate` wrote them; empty if there are none.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.name = self.path.name
        metrics = self.path / "metrics.json"
        self.metrics = json.loads(metrics.read_text()) if metrics.is_file() else {}
        # The endpoints hold no reference to the variables they use: this object must live.
        self._saved = tf.saved_model.load(str(self.path))

    def encode(self, x, samples=None):
        """Unfold: draw z (n, …), or (n, samples, …), given x (n, …), float32 in physical units."""
        return several(lambda x: self._call("encode", x), x, samples)

    def decode(self, z, samples=None):
        """Simulate: draw x (n, …), or (n, samples, …), given z (n, …), float32 in physical units."""
        return several(lambda z: self._call("decode", z), z, samples)

    def reconstruct(self, x):
        """Draw x again by way of z."""
        return self._call("reconstruct", x)

    def _call(self, endpoint, events):
        if not hasattr(self._saved, endpoint):
            raise ValueError(f"{self.name} has no endpoint {endpoint!r}")
        function = getattr(self._saved, endpoint)
        events = tf.cast(events, tf.float32)
        expected = function.input_signature[0].shape
        if not events.shape.is_compatible_with(expected):
            raise ValueError(f"{endpoint} takes shape {expected}, got {events.shape}")
        return function(events)

    def __repr__(self):
        return f"<pretrained {self.name} from {self.path}>"


def names() -> dict[str, Path]:
    """Folders of the trained models at hand, by name: `./saved_models`, then those installed."""
    found = {}
    for root in reversed(_roots()):
        for file in sorted(root.glob("*/saved_model.pb")):
            found[file.parent.name] = file.parent
    return found


def load(name):
    """Load a trained model: by the name of a shipped one, or by the path of a SavedModel or a run.

    Returns a `Pretrained`, or, for the directory of a finished run, its `Turbo`.

    Raises:
        ValueError: if there is none; the message has the nearest name.
    """
    if (Path(name) / "saved_model.pb").is_file():
        return Pretrained(name)
    if (run := Path(name) / "model.keras").is_file():
        return keras.saving.load_model(run)
    known = names()
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"no trained model {str(name)!r}: {hint}There are {', '.join(known) or 'none'}; or give the "
            "path of a SavedModel or of a finished run"
        )
    return Pretrained(known[name])


def _roots():
    package = Path(str(resources.files("mizoo")))
    # In a checkout the folder stands beside the package, in an installation inside it.
    return [Path("saved_models"), package / "saved_models", package.parent / "saved_models"]
