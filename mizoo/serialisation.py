"""Objects that Keras saves and loads with all that they are made of."""

import keras
from keras.src.saving.serialization_lib import ObjectSharingScope


def serialisable(cls):
    """Class decorator: register with Keras; `get_config` may hold objects and lists of objects.

    A class with a `from_config` of its own keeps it.
    """

    def from_config(cls, config):
        return cls(**{key: _revive(value) for key, value in config.items()})

    if "from_config" not in vars(cls):
        cls.from_config = classmethod(from_config)
    return keras.saving.register_keras_serializable("mizoo")(cls)


def clone(thing):
    """An object of its own with the same configuration (and fresh weights)."""
    return keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(thing))


def together(parts):
    """Configurations of parts, `{name: object}`, in which an object met twice is known as one.

    Keras does so for a whole file; here it holds for a model's configuration by itself as well.
    """
    with ObjectSharingScope():
        return _numbered(keras.saving.serialize_keras_object(parts), {})


def apart(config):
    """The parts that `together` wrote, by name; what was one object is one again."""
    with ObjectSharingScope():
        return {key: _revive(value) for key, value in config.items()}


def build(layer, *shapes):
    """Build a layer, unless it came built (from a file, or from the user)."""
    if not layer.built:
        layer.build(*shapes)


def unique(things):
    """Without repetitions, in order; things are told apart by identity."""
    return list({id(thing): thing for thing in things}.values())


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
