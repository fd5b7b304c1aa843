"""The version, where it can be read without importing TensorFlow."""

__version__ = "0.1.0"
