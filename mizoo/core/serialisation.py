"""Objects that Keras saves and loads with all that they are made of."""

import inspect

import keras

from mizoo.compat import ObjectSharingScope, record_object_after_deserialization
from mizoo.physics.process import Process


def serialisable(cls):
    """Class decorator: register with Keras, with a configuration of the constructor's arguments.

    Each argument, those passed on to base classes included, is kept by the object as an attribute of its
    name; but for those that the class finds out for itself, which it lists as `excluded_from_config`.
    Arguments may be objects and lists of objects; a `Process` is kept as its description. Methods of the class's own are left alone; a
    `from_config` of its own reads the arguments by `revived`.
    """
    names = _arguments(cls)

    def get_config(self):
        common = keras.layers.Layer.get_config(self) if isinstance(self, keras.layers.Layer) else {}
        return {**common, **{name: _listed(getattr(self, name)) for name in names}}

    def from_config(cls, config):
        """An object of what `get_config` gave."""
        return cls(**revived(config))

    if "get_config" not in vars(cls):
        cls.get_config = get_config
    if "from_config" not in vars(cls):
        cls.from_config = classmethod(from_config)
    return keras.saving.register_keras_serializable("mizoo")(cls)


def clone(thing, kept=()):
    """An object of its own with the same configuration (and fresh weights).

    Args:
        kept: parts of it that both objects have in common, such as statistics of the data.
    """
    with ObjectSharingScope():
        for part in kept:
            keras.saving.serialize_keras_object(part)
        config = keras.saving.serialize_keras_object(thing)
    with ObjectSharingScope():
        for part in kept:
            record_object_after_deserialization(part, id(part))
        return keras.saving.deserialize_keras_object(config)


def serialize_shared(parts):
    """Configurations of parts, `{name: object}`, in which an object met twice is known as one.

    Keras does so for a whole file; here it holds for a model's configuration by itself as well.
    """
    with ObjectSharingScope():
        return _numbered(keras.saving.serialize_keras_object(parts), {})


def deserialize_shared(config):
    """The parts that `serialize_shared` wrote, by name; what was one object is one again."""
    with ObjectSharingScope():
        return revived(config)


def revived(config):
    """The arguments that a configuration holds, by name."""
    return {key: _revive(value) for key, value in config.items()}


def build(layer, *shapes):
    """Build a layer, unless it came built (from a file, or from the user)."""
    if not layer.built:
        layer.build(*shapes)


def unique(things):
    """Without repetitions, in order; things are told apart by identity."""
    return list({id(thing): thing for thing in things}.values())


def _arguments(cls):
    """Names of the constructor's arguments, and of those it passes on to its bases."""
    names = []
    for base in cls.__mro__:
        if base in (keras.layers.Layer, object):
            break
        if "__init__" in vars(base):
            parameters = inspect.signature(base.__init__).parameters.values()
            names += [p.name for p in parameters if p.kind == p.POSITIONAL_OR_KEYWORD and p.name != "self"]
            if not any(p.kind == p.VAR_KEYWORD for p in parameters):
                break
    return [name for name in dict.fromkeys(names) if name not in getattr(cls, "excluded_from_config", ())]


def _listed(value):
    if isinstance(value, Process):
        return value.to_dict()
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value


def _revive(value):
    if isinstance(value, dict) and "class_name" in value:
        return keras.saving.deserialize_keras_object(value)
    if isinstance(value, list):
        return [_revive(item) for item in value]
    return value


def _numbered(config, numbers):
    """With shared objects numbered in the order they appear, instead of by their addresses."""
    if isinstance(config, list):
        return [_numbered(item, numbers) for item in config]
    if not isinstance(config, dict):
        return config
    renumbered = {key: _numbered(v, numbers) for key, v in config.items() if key != "shared_object_id"}
    # Policies are values: Keras makes a new one for every layer it loads.
    if "shared_object_id" in config and config["class_name"] != "DTypePolicy":
        renumbered["shared_object_id"] = numbers.setdefault(config["shared_object_id"], len(numbers) + 1)
    return renumbered
