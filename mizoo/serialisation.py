"""Objects that Keras saves and loads with all that they are made of."""

import keras


def serialisable(cls):
    """Class decorator: register with Keras; `get_config` may hold objects and lists of objects."""

    def from_config(cls, config):
        return cls(**{key: _revive(value) for key, value in config.items()})

    cls.from_config = classmethod(from_config)
    return keras.saving.register_keras_serializable("mizoo")(cls)


def clone(thing):
    """An object of its own with the same configuration (and fresh weights)."""
    return keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(thing))


def build(layer, *shapes):
    """Build a layer, unless it came built (from a file, or from the user)."""
    if not layer.built:
        layer.build(*shapes)


def _revive(value):
    if isinstance(value, dict) and "class_name" in value:
        return keras.saving.deserialize_keras_object(value)
    if isinstance(value, list):
        return [_revive(item) for item in value]
    return value
