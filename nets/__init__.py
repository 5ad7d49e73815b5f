"""Networks: layers put together, and the models that a solver trains.

`Sequential` and `MLP` are layers themselves, so networks nest; `Classifier` and `Regressor` add a
loss and offer `loss(x, y)`, `predict(x)` and `score(x, y)`.
"""

from chainrule.nets.convnet import ConvNet
from chainrule.nets.files import FileError
from chainrule.nets.graph import Graph
from chainrule.nets.language_model import LanguageModel
from chainrule.nets.lenet5 import LeNet5
from chainrule.nets.loading import load
from chainrule.nets.mlp import MLP
from chainrule.nets.models import Classifier, Model, Regressor
from chainrule.nets.naming import weights_of
from chainrule.nets.node import exp, log, maximum, minimum, sigmoid
from chainrule.nets.residual import Residual
from chainrule.nets.resnet import ResNet
from chainrule.nets.sequence_classifier import SequenceClassifier
from chainrule.nets.sequential import Sequential
from chainrule.nets.transformer_decoder_block import TransformerDecoderBlock
from chainrule.nets.transformer_encoder_block import TransformerEncoderBlock
from chainrule.nets.vision_transformer import VisionTransformer

__all__ = [
    "MLP",
    "Classifier",
    "ConvNet",
    "FileError",
    "Graph",
    "LanguageModel",
    "LeNet5",
    "Model",
    "Regressor",
    "ResNet",
    "Residual",
    "SequenceClassifier",
    "Sequential",
    "TransformerDecoderBlock",
    "TransformerEncoderBlock",
    "VisionTransformer",
    "exp",
    "load",
    "log",
    "maximum",
    "minimum",
    "sigmoid",
    "weights_of",
]
