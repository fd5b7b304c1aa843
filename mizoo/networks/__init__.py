"""Plain Keras blocks, without any loss."""

from mizoo.networks.mlp import mlp

__all__ = ["mlp"]
