"""Neural-network layers, losses and gates, one file each, every backward pass written by hand.

    out, cache = layer.forward(x)
    dx, grads = layer.backward(dout, cache)

`Layer` states the contract; `layers.init` holds the schemes for the first weights.
"""

from layers.add import Add
from layers.affine import Affine
from layers.batchnorm import BatchNorm
from layers.cross_entropy import CrossEntropy
from layers.dropout import Dropout
from layers.elu import ELU
from layers.exp import Exp
from layers.hinge import Hinge
from layers.init import glorot_normal, he_normal, lecun_normal, plain_normal
from layers.layer import Layer, Loss
from layers.layernorm import LayerNorm
from layers.leaky_relu import LeakyReLU
from layers.log import Log
from layers.matmul import MatMul
from layers.max import Max
from layers.maxout import Maxout
from layers.mse import MSE
from layers.multiply import Multiply
from layers.negate import Negate
from layers.prelu import PReLU
from layers.reciprocal import Reciprocal
from layers.relu import ReLU
from layers.scale import Scale
from layers.shift import Shift
from layers.sigmoid import Sigmoid
from layers.sigmoid_cross_entropy import SigmoidCrossEntropy
from layers.softmax import Softmax
from layers.softmax_cross_entropy import SoftmaxCrossEntropy
from layers.softplus import Softplus
from layers.square import Square
from layers.subtract import Subtract
from layers.sum import Sum
from layers.tanh import Tanh

__all__ = [
    "ELU",
    "MSE",
    "Add",
    "Affine",
    "BatchNorm",
    "CrossEntropy",
    "Dropout",
    "Exp",
    "Hinge",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Log",
    "Loss",
    "MatMul",
    "Max",
    "Maxout",
    "Multiply",
    "Negate",
    "PReLU",
    "ReLU",
    "Reciprocal",
    "Scale",
    "Shift",
    "Sigmoid",
    "SigmoidCrossEntropy",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Softplus",
    "Square",
    "Subtract",
    "Sum",
    "Tanh",
    "glorot_normal",
    "he_normal",
    "lecun_normal",
    "plain_normal",
]
