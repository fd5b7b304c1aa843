"""Serialisation of objects and of all their parts with Keras."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import keras

from mizoo.compat import ObjectSharingScope, record_object_after_deserialization
from mizoo.core.types import BatchShape, Config
from mizoo.physics.process import Process

T = TypeVar("T")


def serialisable(cls: type[T]) -> type[T]:
    """Class decorator: register a class with Keras and serialise its constructor arguments.

    An object keeps each argument, including those passed on to base classes, as an attribute of the same
    name. The class lists arguments that it derives itself in `excluded_from_config`. Arguments may be
    objects and lists of objects; a `Process` is serialised as its description. A class may define its own
    `get_config` and `from_config`; the latter reads the arguments with `revived`.
    """
    names = _arguments(cls)

    def get_config(self: T) -> Config:
        common = keras.layers.Layer.get_config(self) if isinstance(self, keras.layers.Layer) else {}
        return {**common, **{name: _listed(getattr(self, name)) for name in names}}

    def from_config(cls: type[T], config: Config) -> T:
        """An object from the configuration that `get_config` returned."""
        return cls(**revived(config))

    if "get_config" not in vars(cls):
        setattr(cls, "get_config", get_config)  # noqa: B010  a type checker knows no such attribute
    if "from_config" not in vars(cls):
        setattr(cls, "from_config", classmethod(from_config))  # noqa: B010
    register: Callable[[type[T]], type[T]] = keras.saving.register_keras_serializable("mizoo")
    return register(cls)


def clone(thing: T, kept: Sequence[keras.layers.Layer] = ()) -> T:
    """A copy with the same configuration and fresh weights.

    Args:
        thing: object to copy.
        kept: parts that both objects share, such as statistics of the data.
    """
    with ObjectSharingScope():
        for part in kept:
            keras.saving.serialize_keras_object(part)
        config = keras.saving.serialize_keras_object(thing)
    with ObjectSharingScope():
        for part in kept:
            record_object_after_deserialization(part, id(part))
        twin: T = keras.saving.deserialize_keras_object(config)
    return twin


def serialize_shared(parts: Mapping[str, object]) -> Config:
    """Configurations of parts, `{name: object}`, that preserve the identity of shared objects.

    Keras preserves it within a whole file only; here, a configuration on its own preserves it, too.
    """
    with ObjectSharingScope():
        config: Config = _numbered(keras.saving.serialize_keras_object(parts), {})
        return config


def deserialize_shared(config: Config) -> dict[str, Any]:
    """The parts that `serialize_shared` wrote, by name, with shared objects shared again."""
    with ObjectSharingScope():
        return revived(config)


def revived(config: Config) -> dict[str, Any]:
    """The deserialised arguments of a configuration, by name."""
    return {key: _revive(value) for key, value in config.items()}


def build(layer: keras.layers.Layer, *shapes: BatchShape | list[BatchShape]) -> None:
    """Build a layer, unless it is built already (by the user, or as loaded from a file)."""
    if not layer.built:
        layer.build(*shapes)


def unique(things: Iterable[T]) -> list[T]:
    """The distinct objects, by identity, in order of first appearance."""
    return list({id(thing): thing for thing in things}.values())


def _arguments(cls: type) -> list[str]:
    """Names of the constructor's arguments and of those that it passes on to its bases."""
    names: list[str] = []
    for base in cls.__mro__:
        if base in (keras.layers.Layer, object):
            break
        if "__init__" in vars(base):
            parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
            names += [p.name for p in parameters if p.kind == p.POSITIONAL_OR_KEYWORD and p.name != "self"]
            if not any(p.kind == p.VAR_KEYWORD for p in parameters):
                break
    excluded = {name for base in cls.__mro__ for name in vars(base).get("excluded_from_config", ())}
    return [name for name in dict.fromkeys(names) if name not in excluded]


def _listed(value: Any) -> Any:
    if isinstance(value, Process):
        return value.to_dict()
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value


def _revive(value: Any) -> Any:
    if isinstance(value, dict) and "class_name" in value:
        return keras.saving.deserialize_keras_object(value)
    if isinstance(value, list):
        return [_revive(item) for item in value]
    return value


def _numbered(config: Any, numbers: dict[int, int]) -> Any:
    """A configuration whose shared objects are numbered in order of appearance, not by address."""
    if isinstance(config, list):
        return [_numbered(item, numbers) for item in config]
    if not isinstance(config, dict):
        return config
    renumbered = {key: _numbered(v, numbers) for key, v in config.items() if key != "shared_object_id"}
    # Policies have no identity: Keras makes a new one for every layer that it loads.
    if "shared_object_id" in config and config["class_name"] != "DTypePolicy":
        renumbered["shared_object_id"] = numbers.setdefault(config["shared_object_id"], len(numbers) + 1)
    return renumbered
