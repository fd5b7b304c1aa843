"""Training that starts from the weights of another model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from mizoo.export.loader import load
from mizoo.export.pretrained import Pretrained
from mizoo.model.turbo import Turbo

# Settings that do not change the function of a part: names, training, and the sampler of its draws.
_FREE = {
    "name", "label", "trainable", "seed", "dtype", "build_config", "build_input_shape", "shared_object_id",
    "module", "registered_name",
    "weight", "rate", "dropout", "gan_loss", "gradient_penalty", "r1", "temperature", "fraction",
    "marginal", "sampler", "evaluations",
}  # fmt: skip
_FREE_ENDINGS = ("_initializer", "_regularizer", "_constraint")
# Keys under which functional models name their layers, partly by counters of the session.
_LAYER_NAMES = ("keras_history", "input_layers", "output_layers")


def start_from(model: Turbo, name: str | Path) -> Path:
    """Copy the weights of a trained model, found as by `mizoo.load`, to a model.

    Returns:
        Folder of the trained model.

    Raises:
        ValueError: if there is no such model, or its parts differ from those of `model`.
        FileNotFoundError: if it was shipped without the files for training.
    """
    former = load(name)
    if isinstance(former, Pretrained):
        take_weights(model, former.trainable())
        return former.path
    if not isinstance(former, Turbo):
        raise ValueError(
            f"{name} is {former!r}, which has no weights to start from: give a run or a SavedModel"
        )
    take_weights(model, former)
    return Path(name)


def take_weights(model: Turbo, former: Turbo) -> None:
    """Copy the averaged weights of another model's mappers, and those of its representations and critics.

    Critics are copied for the terms that both models have.

    Raises:
        ValueError: if a part of the other model is another function of its weights, with another network,
            other masks, bounds, angles, coordinates or the like; it names part and setting.
    """
    for role, mapper in model.mappers.items():
        if mapper is not None:
            _take(role, [mapper, model.averages[role]], former.averages[role])
    for space, representation in model.representations.items():
        _take(f"{space}_representation", [representation], former.representations[space])
    theirs = {objective.term: objective for objective in former.objectives}
    for objective in model.objectives:
        if objective.term in theirs and (objective.weights or theirs[objective.term].weights):
            _take(objective.term, [objective], theirs[objective.term])


def _take(part: str, layers: Sequence[keras.layers.Layer], former: keras.layers.Layer | None) -> None:
    refusal = f"the {part} of the model to start from is another one"
    if former is None:
        raise ValueError(f"{refusal}: it has none")
    if found := _difference(
        *(_function(keras.saving.serialize_keras_object(p)) for p in (former, layers[0]))
    ):
        path, its, wanted = found
        raise ValueError(f"{refusal}: its {path} is {its}, not {wanted}")
    learnt = former.get_weights()
    for layer in layers:
        if [v.shape for v in layer.weights] != [v.shape for v in learnt]:
            raise ValueError(f"{refusal}: its weights have other shapes")
        layer.set_weights(learnt)


def _function(config: Any, numbers: dict[str, str] | None = None) -> Any:
    """Entries of a configuration that define the function of a part, with layers numbered in order."""
    if isinstance(config, list | tuple):
        return [_function(item, numbers) for item in config]
    if not isinstance(config, dict):
        return config
    if "input_layers" in config:
        numbers = {}
    kept = {}
    for key, value in config.items():
        if key in _LAYER_NAMES:
            kept[key] = _numbered(value, {} if numbers is None else numbers)
        elif key not in _FREE and not key.endswith(_FREE_ENDINGS):
            kept[key] = _function(value, numbers)
    return kept


def _numbered(value: Any, numbers: dict[str, str]) -> Any:
    if isinstance(value, list | tuple):
        return [_numbered(item, numbers) for item in value]
    return numbers.setdefault(value, f"layer {len(numbers)}") if isinstance(value, str) else value


def _difference(one: Any, other: Any, path: str = "") -> tuple[str, object, object] | None:
    """Path and both values of the first setting in which two configurations differ."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        pairs = [(key, one[key], other[key]) for key in one]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(str(i), *both) for i, both in enumerate(zip(one, other, strict=True))]
    else:
        return None if one == other else (path or "type", _short(one), _short(other))
    for key, its, wanted in pairs:
        inner = path if key == "config" else f"{path}.{key}" if path else key
        if found := _difference(its, wanted, inner):
            return found
    return None


def _short(setting: object) -> str:
    """A setting in a few words."""
    if isinstance(setting, dict):
        return f"a {setting.get('class_name', 'setting')}"
    return f"{len(setting)} items" if isinstance(setting, list) and len(setting) > 30 else repr(setting)
