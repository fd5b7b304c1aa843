from .card import write_card as write_card
from .catalogue import catalogue as catalogue
from .catalogue import names as names
from .onnx import write_onnx as write_onnx
from .pretrained import Pretrained as Pretrained
from .pretrained import load as load
from .registry import write_registry as write_registry
