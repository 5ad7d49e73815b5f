"""Neural-network layers, losses and gates, one file each, every backward pass written by hand.

    out, cache = layer.forward(x)
    dx, grads = layer.backward(dout, cache)

`Layer` states the contract; `layers.init` holds the schemes for the first weights.
"""

from chainrule.layers.add import Add
from chainrule.layers.affine import Affine
from chainrule.layers.attention import Attention
from chainrule.layers.average_pool import AveragePool
from chainrule.layers.batchnorm import BatchNorm
from chainrule.layers.concatenate import Concatenate
from chainrule.layers.conv import Conv
from chainrule.layers.conv_transpose import ConvTranspose
from chainrule.layers.cross_entropy import CrossEntropy
from chainrule.layers.dropout import Dropout
from chainrule.layers.dropout2d import Dropout2D
from chainrule.layers.elu import ELU
from chainrule.layers.embedding import Embedding
from chainrule.layers.exp import Exp
from chainrule.layers.flatten import Flatten
from chainrule.layers.gelu import GELU
from chainrule.layers.global_average_pool import GlobalAveragePool
from chainrule.layers.groupnorm import GroupNorm
from chainrule.layers.gru import GRU
from chainrule.layers.gru_step import GRUStep
from chainrule.layers.hard_swish import HardSwish
from chainrule.layers.hinge import Hinge
from chainrule.layers.huber import Huber
from chainrule.layers.init import (
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    plain_normal,
)
from chainrule.layers.instancenorm import InstanceNorm
from chainrule.layers.l1 import L1
from chainrule.layers.last import Last
from chainrule.layers.layer import Layer, Loss
from chainrule.layers.layernorm import LayerNorm
from chainrule.layers.leaky_relu import LeakyReLU
from chainrule.layers.linear import Linear
from chainrule.layers.log import Log
from chainrule.layers.lstm import LSTM
from chainrule.layers.lstm_step import LSTMStep
from chainrule.layers.matmul import MatMul
from chainrule.layers.max import Max
from chainrule.layers.max_pool import MaxPool
from chainrule.layers.maxout import Maxout
from chainrule.layers.mean_over_time import MeanOverTime
from chainrule.layers.min import Min
from chainrule.layers.mish import Mish
from chainrule.layers.mse import MSE
from chainrule.layers.multi_head_attention import MultiHeadAttention
from chainrule.layers.multiply import Multiply
from chainrule.layers.negate import Negate
from chainrule.layers.pad import Pad
from chainrule.layers.patch_embedding import PatchEmbedding
from chainrule.layers.positional_embedding import PositionalEmbedding
from chainrule.layers.positional_encoding import PositionalEncoding
from chainrule.layers.prelu import PReLU
from chainrule.layers.reciprocal import Reciprocal
from chainrule.layers.relu import ReLU
from chainrule.layers.reshape import Reshape
from chainrule.layers.rms_norm import RMSNorm
from chainrule.layers.rnn import RNN
from chainrule.layers.rnn_step import RNNStep
from chainrule.layers.rotary_encoding import RotaryEncoding
from chainrule.layers.scale import Scale
from chainrule.layers.selu import SELU
from chainrule.layers.sequence_cross_entropy import SequenceCrossEntropy
from chainrule.layers.shift import Shift
from chainrule.layers.sigmoid import Sigmoid
from chainrule.layers.sigmoid_cross_entropy import SigmoidCrossEntropy
from chainrule.layers.softmax import Softmax
from chainrule.layers.softmax_cross_entropy import SoftmaxCrossEntropy
from chainrule.layers.softplus import Softplus
from chainrule.layers.softsign import Softsign
from chainrule.layers.square import Square
from chainrule.layers.subtract import Subtract
from chainrule.layers.sum import Sum
from chainrule.layers.swish import Swish
from chainrule.layers.tanh import Tanh
from chainrule.layers.upsample import Upsample

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "L1",
    "LSTM",
    "MSE",
    "RNN",
    "SELU",
    "Add",
    "Affine",
    "Attention",
    "AveragePool",
    "BatchNorm",
    "Concatenate",
    "Conv",
    "ConvTranspose",
    "CrossEntropy",
    "Dropout",
    "Dropout2D",
    "Embedding",
    "Exp",
    "Flatten",
    "GRUStep",
    "GlobalAveragePool",
    "GroupNorm",
    "HardSwish",
    "Hinge",
    "Huber",
    "InstanceNorm",
    "LSTMStep",
    "Last",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "Log",
    "Loss",
    "MatMul",
    "Max",
    "MaxPool",
    "Maxout",
    "MeanOverTime",
    "Min",
    "Mish",
    "MultiHeadAttention",
    "Multiply",
    "Negate",
    "PReLU",
    "Pad",
    "PatchEmbedding",
    "PositionalEmbedding",
    "PositionalEncoding",
    "RMSNorm",
    "RNNStep",
    "ReLU",
    "Reciprocal",
    "Reshape",
    "RotaryEncoding",
    "Scale",
    "SequenceCrossEntropy",
    "Shift",
    "Sigmoid",
    "SigmoidCrossEntropy",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Softplus",
    "Softsign",
    "Square",
    "Subtract",
    "Sum",
    "Swish",
    "Tanh",
    "Upsample",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "plain_normal",
]
