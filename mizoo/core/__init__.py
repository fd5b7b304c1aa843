"""Serialisation with Keras, shared graphs, types of signatures and optional dependencies."""
