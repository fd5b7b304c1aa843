"""What all parts are made of: serialisation with Keras, shared graphs, optional dependencies."""
