"""The homework files in course/ are right: their backward passes agree with differences taken
here. What their forward passes compute is a matter of test_course_numbers.py."""

from types import ModuleType

import numpy as np
import pytest

from tests.gradcheck.course import (
    columns,
    fast_layers,
    layer_utils,
    layers,
    linear_classifier,
    michigan,
    nndl_conv_layers,
    nndl_layers,
)
from tests.gradcheck.course import rnn_layers as rnn
from tests.gradcheck.course import scratch_layers as scratch
from tests.gradcheck.course import textbook_layers as textbook
from tests.gradcheck.course import textbook_time_layers as steps
from tests.gradcheck.course import transformer_layers as transformer

pytestmark = pytest.mark.slow  # of the files themselves, whatever the library does


def slopes(f, x, h=1e-5):
    """Central differences of the number f() with respect to every entry of x, which f sees."""
    found = np.zeros_like(x)
    for at in np.ndindex(*x.shape):
        before = x[at]
        x[at] = before + h
        above = f()
        x[at] = before - h
        found[at] = (above - f()) / (2 * h)
        x[at] = before
    return found


def as_tuple(value):
    return value if isinstance(value, tuple) else (value,)


def is_floats(value):
    return isinstance(value, np.ndarray) and value.dtype == np.float64


def agree(forward, backward, arrays):
    """Whether backward(*douts) returns the gradients for the arrays that forward() sees, by
    differences. Each forward pass draws the same random numbers."""

    def outs():
        np.random.seed(0)  # noqa: NPY002
        return as_tuple(forward())

    def weighted():
        return sum(np.sum(out * dout) for out, dout in zip(outs(), douts, strict=True))

    rng = np.random.default_rng(1)
    douts = [rng.standard_normal(np.shape(out)) for out in outs()]
    for array, gradient in zip(arrays, backward(*douts), strict=True):
        assert gradient.shape == array.shape
        np.testing.assert_allclose(gradient, slopes(weighted, array), rtol=1e-6, atol=1e-8)


def pair_agrees(forward, backward, inputs):
    """For `*outs, cache = forward(*inputs)` and `grads = backward(*douts, cache)`."""
    caches = []

    def run():
        fresh = (dict(x) if isinstance(x, dict) else x for x in inputs)
        *outs, cache = forward(*fresh)
        caches[:] = [cache]
        return tuple(outs)

    agree(run, lambda *douts: as_tuple(backward(*douts, *caches)), [*filter(is_floats, inputs)])


def layer_agrees(layer, inputs, params, grads):
    """For a layer that keeps its state on itself; `grads()` are the gradients of `params`."""

    def back(*douts):
        returned = [g for g in as_tuple(layer.backward(*douts)) if g is not None]
        return [*returned, *grads()]

    agree(lambda: layer.forward(*inputs), back, [*filter(is_floats, inputs), *params])


@pytest.fixture(autouse=True)
def np_random_is_put_back():
    before = np.random.get_state()  # noqa: NPY002
    yield
    np.random.set_state(before)  # noqa: NPY002


@pytest.fixture
def g():
    """Standard normal arrays of the shapes asked for."""
    rng = np.random.default_rng(0)
    return lambda *shape: rng.standard_normal(shape)


TRAIN = {"mode": "train"}
DROP = {"mode": "train", "p": 0.6, "seed": 3}
CONV = {"stride": 2, "pad": 1}
FULL = {"stride": 1, "pad": 1}
POOL = {"pool_height": 2, "pool_width": 2, "stride": 2}


def affine(g):
    return g(3, 2, 2), g(4, 5), g(5)


def rows(g):
    return (g(4, 3),)


def norm(g):
    return g(5, 4), g(4), g(4), TRAIN


def conv(g):
    return g(2, 2, 5, 3), g(3, 2, 3, 3), g(3), CONV


def step(gates):
    return lambda g: (g(2, 4), g(2, 3), g(4, gates * 3), g(3, gates * 3), g(gates * 3))


def sequence(gates):
    return lambda g: (g(2, 3, 4), g(2, 3), g(4, gates * 3), g(3, gates * 3), g(gates * 3))


def embedding(g):
    return np.array([[0, 2, 2], [1, 0, 0]]), g(5, 3)


def images(g):
    return g(3, 2, 2, 3), g(2), g(2), TRAIN


def pooling(g):
    return g(2, 2, 4, 4), POOL


def overlapping(g):
    return g(1, 2, 4, 5), POOL | {"stride": 1}


def projected(g):
    return [g(*shape) for _ in range(4) for shape in ((4, 4), (4,))]


def encoder(g):
    feed = g(4, 5), g(5), g(5, 4), g(4)
    return g(2, 3, 4), g(4, 4, 4), g(4, 4), g(4), g(4), *feed, g(4), g(4), 2, np.tri(3, dtype=int)


def decoder(g):
    attentions = g(4, 4, 4), g(4, 4), g(4), g(4), g(4, 4, 4), g(4, 4), g(4), g(4)
    feed = g(4, 5), g(5), g(5, 4), g(4)
    return g(2, 3, 4), g(2, 2, 4), *attentions, *feed, g(4), g(4), 2, np.tri(3, dtype=int)


# Names of functions, with {} for forward and backward
PAIRS = {
    layers: {
        "affine_{}": affine,
        "relu_{}": rows,
        "batchnorm_{}": norm,
        "layernorm_{}": lambda g: (g(5, 4), g(4), g(4), {}),
        "dropout_{}": lambda g: (g(5, 4), DROP),
        "conv_{}_naive": conv,
        "max_pool_{}_naive": pooling,
        "spatial_batchnorm_{}": images,
        "spatial_groupnorm_{}": lambda g: (g(2, 4, 2, 3), g(1, 4, 1, 1), g(1, 4, 1, 1), 2, {}),
    },
    layer_utils: {
        "affine_relu_{}": affine,
        "affine_bn_relu_{}": lambda g: (g(4, 3), g(3, 2), g(2), g(2), g(2), TRAIN),
        "conv_relu_{}": conv,
        "conv_bn_relu_{}": lambda g: (*conv(g)[:3], g(3), g(3), CONV, TRAIN),
        "conv_relu_pool_{}": lambda g: (g(2, 2, 6, 6), g(3, 2, 3, 3), g(3), FULL, POOL),
    },
    fast_layers: {
        "conv_{}_im2col": conv,
        "conv_{}_strides": conv,
        "conv_{}_fast": conv,
        "max_pool_{}_reshape": pooling,
        "max_pool_{}_im2col": overlapping,
        "max_pool_{}_fast": overlapping,
    },
    rnn: {
        "rnn_step_{}": step(1),
        "rnn_{}": sequence(1),
        "word_embedding_{}": embedding,
        "gru_step_{}": step(3),
        "lstm_step_{}": lambda g: (g(2, 4), g(2, 3), g(2, 3), g(4, 12), g(3, 12), g(12)),
        "lstm_{}": sequence(4),
        "attention_{}": lambda g: (g(2, 3), g(2, 3, 4, 4)),
        "attention_lstm_step_{}": lambda g: (
            *(g(2, 2), g(2, 3), g(2, 3), g(2, 3)),
            *(g(2, 12), g(3, 12), g(3, 12), g(12)),
        ),
        "attention_lstm_{}": lambda g: (
            *(g(2, 3, 2), g(2, 3, 4, 4)),
            *(g(2, 12), g(3, 12), g(3, 12), g(12)),
        ),
        "temporal_affine_{}": lambda g: (g(2, 3, 4), g(4, 5), g(5)),
    },
    transformer: {
        "linear_{}": lambda g: (g(2, 3, 4), g(4, 5), g(5)),
        "layernorm_{}": lambda g: (g(2, 3, 4), g(4), g(4)),
        "gelu_{}": rows,
        "positional_encoding_{}": lambda g: (g(2, 3, 4),),
        "scaled_dot_product_attention_{}": lambda g: (g(2, 3, 4), g(2, 5, 4), g(2, 5, 4)),
        "multi_head_attention_{}": lambda g: (g(2, 3, 4), g(2, 5, 4), g(2, 5, 4), *projected(g)),
        "feed_forward_{}": lambda g: (g(2, 3, 4), g(4, 5), g(5), g(5, 4), g(4)),
        "encoder_layer_{}": encoder,
        "decoder_layer_{}": decoder,
        "patch_embedding_{}": lambda g: (g(2, 3, 4, 6), g(12, 5), g(5)),
    },
    nndl_layers: {
        "affine_{}": affine,
        "relu_{}": rows,
        "batchnorm_{}": norm,
        "dropout_{}": lambda g: (g(5, 4), DROP),
    },
    nndl_conv_layers: {
        "conv_{}_naive": conv,
        "max_pool_{}_naive": overlapping,
        "spatial_batchnorm_{}": images,
    },
    michigan.Linear: {"{}": affine},
    michigan.ReLU: {"{}": rows},
    michigan.Linear_ReLU: {"{}": affine},
    michigan.Dropout: {"{}": lambda g: (g(5, 4), DROP)},
    michigan.BatchNorm: {"{}": norm},
    michigan.SpatialBatchNorm: {"{}": images},
    michigan.Conv: {"{}": conv},
    michigan.MaxPool: {"{}": overlapping},
    michigan.Conv_ReLU_Pool: {
        "{}": lambda g: (g(2, 2, 6, 6), g(3, 2, 3, 3), g(3), FULL, POOL),
    },
}
EACH = [
    pytest.param(home, name, inputs, id=f"{home.__name__.split('.')[-1]}.{name.format('*')}")
    for home, pairs in PAIRS.items()
    for name, inputs in pairs.items()
]


@pytest.mark.parametrize(("home", "name", "inputs"), EACH)
def test_a_pair_is_right(home, name, inputs, g):
    forward, backward = (getattr(home, name.format(way)) for way in ("forward", "backward"))
    pair_agrees(forward, backward, inputs(g))


@pytest.mark.parametrize("module", [home for home in PAIRS if isinstance(home, ModuleType)])
def test_every_pair_of_a_file_is_looked_at(module):
    own = [key for key, one in vars(module).items() if is_own_function(one, module)]
    backwards = {key.replace("backward", "{}") for key in own if "_backward" in key}
    assert backwards - {"batchnorm_{}_alt"} == set(PAIRS[module])


def is_own_function(one, module):
    return callable(one) and getattr(one, "__module__", "") == module.__name__


def test_other_ways_to_the_same_gradients_are_right(g):
    pair_agrees(layers.batchnorm_forward, layers.batchnorm_backward_alt, norm(g))
    pair_agrees(michigan.BatchNorm.forward, michigan.BatchNorm.backward_alt, norm(g))
    pair_agrees(fast_layers.max_pool_forward_fast, fast_layers.max_pool_backward_fast, pooling(g))


def listed(layer):
    return layer.params, lambda: layer.grads


def named(*names):
    """Parameters on the layer, with their gradients under d and the name."""

    def on(layer):
        found = [getattr(layer, name) for name in names]
        return found, lambda: [getattr(layer, f"d{name}") for name in names]

    return on


def labelled(g):
    return g(4, 3), np.array([0, 2, 1, 2])


def each_step(g):
    return (g(2, 3, 4),)


def given(*arguments):
    return lambda _: arguments


def weights(*shapes):
    return lambda g: tuple(g(*shape) for shape in shapes)


def recurrent(gates):
    return weights((4, 3 * gates), (3, 3 * gates), (3 * gates,))


# Class, arguments of the constructor and of forward, where the parameters are
TEXTBOOK = [
    ("Relu", given(), rows, named()),
    ("Sigmoid", given(), rows, named()),
    ("Affine", weights((4, 5), (5,)), lambda g: (g(3, 2, 2),), named("W", "b")),
    ("SoftmaxWithLoss", given(), labelled, named()),
    ("SoftmaxWithLoss", given(), lambda g: (g(3, 3), np.eye(3, dtype=int)), named()),
    ("Dropout", given(0.4), rows, named()),
    ("BatchNormalization", weights((3,), (3,)), rows, named("gamma", "beta")),
    (
        "BatchNormalization",
        weights((8,), (8,)),
        lambda g: (g(3, 2, 2, 2),),
        named("gamma", "beta"),
    ),
    (
        "Convolution",
        lambda g: (g(3, 2, 3, 3), g(3), 2, 1),
        lambda g: (g(2, 2, 5, 3),),
        named("W", "b"),
    ),
    ("Convolution", weights((2, 2, 2, 3), (2,)), lambda g: (g(2, 2, 4, 3),), named("W", "b")),
    ("Pooling", given(2, 2, 2), lambda g: (g(2, 2, 4, 4),), named()),
    ("Pooling", given(3, 2), lambda g: (g(1, 2, 4, 4),), named()),
]
STEPS = [
    ("MatMul", weights((3, 2)), rows),
    ("Affine", weights((3, 2), (2,)), rows),
    ("Sigmoid", given(), rows),
    ("Softmax", given(), rows),
    ("SoftmaxWithLoss", given(), labelled),
    ("SigmoidWithLoss", given(), lambda g: (g(4), np.array([0, 1, 1, 0]))),
    ("Dropout", given(0.4), rows),
    ("Embedding", weights((4, 3)), given(np.array([2, 0, 2, 2]))),
    ("RNN", recurrent(1), weights((2, 4), (2, 3))),
    ("TimeRNN", recurrent(1), each_step),
    ("LSTM", recurrent(4), weights((2, 4), (2, 3), (2, 3))),
    ("TimeLSTM", recurrent(4), each_step),
    ("GRU", recurrent(3), weights((2, 4), (2, 3))),
    ("TimeEmbedding", weights((4, 3)), given(np.array([[2, 0, 2], [1, 2, 1]]))),
    ("TimeAffine", weights((4, 2), (2,)), each_step),
    (
        "TimeSoftmaxWithLoss",
        given(),
        lambda g: (g(2, 3, 4), np.array([[1, -1, 0], [3, 3, -1]])),
    ),
    ("TimeDropout", given(0.4), each_step),
    ("WeightSum", given(), weights((2, 3, 4), (2, 3))),
    ("AttentionWeight", given(), weights((2, 3, 4), (2, 4))),
    ("Attention", given(), weights((2, 3, 4), (2, 4))),
    ("TimeAttention", given(), weights((2, 3, 4), (2, 5, 4))),
]
LAYERS = [(textbook, *case) for case in TEXTBOOK] + [(steps, *case, listed) for case in STEPS]


@pytest.mark.parametrize(("module", "name", "arguments", "inputs", "parameters"), LAYERS)
def test_a_layer_with_its_state_on_itself_is_right(module, name, arguments, inputs, parameters, g):
    layer = getattr(module, name)(*arguments(g))
    layer_agrees(layer, inputs(g), *parameters(layer))


@pytest.mark.parametrize("module", [textbook, steps])
def test_every_class_of_a_file_is_looked_at(module):
    own = {key for key, one in vars(module).items() if isinstance(one, type)}
    assert own == {name for home, name, *_ in LAYERS if home is module}


def sequences(g):
    return g(2, 3, 4), np.array([[0, 3, 1], [2, 2, 0]]), np.array([[1, 1, 0], [1, 0, 1]])


def classified(g):
    return g(4, 3), g(5, 4), np.array([2, 0, 1, 1, 2]), 0.1


LOSSES = [
    (layers, "softmax_loss", labelled),
    (layers, "svm_loss", labelled),
    (nndl_layers, "softmax_loss", labelled),
    (nndl_layers, "svm_loss", labelled),
    (rnn, "temporal_softmax_loss", sequences),
    (linear_classifier, "svm_loss_naive", classified),
    (linear_classifier, "svm_loss_vectorized", classified),
    (linear_classifier, "softmax_loss_naive", classified),
    (linear_classifier, "softmax_loss_vectorized", classified),
]


@pytest.mark.parametrize(("module", "name", "inputs"), LOSSES)
def test_a_loss_is_right(module, name, inputs, g):
    loss = getattr(module, name)
    first, *others = inputs(g)
    _, gradient = loss(first, *others)
    numeric = slopes(lambda: loss(first, *others)[0], first)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-8)


# Examples as columns: gradients of W and b are means over the m examples


@pytest.mark.parametrize("name", ["sigmoid", "relu"])
def test_activations_of_columns_are_right(name, g):
    pair_agrees(getattr(columns, name), getattr(columns, f"{name}_backward"), rows(g))


@pytest.mark.parametrize("activation", [None, "sigmoid", "relu"])
def test_layers_of_columns_are_right_but_for_1_over_m(activation, g):
    kind = () if activation is None else (activation,)
    middle = "" if activation is None else "activation_"

    def backward(dout, cache):
        dA, dW, db = getattr(columns, f"linear_{middle}backward")(dout, cache, *kind)
        return dA, 5 * dW, 5 * db

    forward = getattr(columns, f"linear_{middle}forward")
    pair_agrees(lambda *arrays: forward(*arrays, *kind), backward, (g(3, 5), g(2, 3), g(2, 1)))


def test_the_whole_network_of_columns_is_right(g):
    X, Y = g(3, 5), np.array([[0, 1, 1, 0, 1]])
    parameters = {"W1": g(4, 3), "b1": g(4, 1), "W2": g(1, 4), "b2": g(1, 1)}
    AL, caches = columns.L_model_forward(X, parameters)
    found = columns.L_model_backward(AL, Y, caches)
    assert set(found) == {f"d{name}" for name in parameters}
    for name, array in parameters.items():
        numeric = slopes(
            lambda: columns.compute_cost(columns.L_model_forward(X, parameters)[0], Y), array
        )
        np.testing.assert_allclose(found[f"d{name}"], numeric, rtol=1e-6, atol=1e-8)


# The styles of small frameworks

SLOPES = [
    (scratch.sigmoid, lambda x: scratch.sigmoid(x, derivative=True)),
    (scratch.tanh, lambda x: scratch.tanh(x, derivative=True)),
    (scratch.relu, scratch.relu_prime),
    (scratch.softplus, scratch.softplus_prime),
    (scratch.swish, scratch.dswish),
    *((one, one.gradient) for one in (scratch.Sigmoid(), scratch.TanH(), scratch.ReLU())),
    *((one, one.gradient) for one in (scratch.LeakyReLU(), scratch.ELU())),
]


@pytest.mark.parametrize(("f", "slope"), SLOPES)
def test_a_slope_is_right(f, slope, g):
    x = g(4, 3)
    numeric = slopes(lambda: np.sum(f(x)), x)
    np.testing.assert_allclose(slope(x), numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("loss", "slope"),
    [
        (scratch.mse, scratch.mse_prime),
        (scratch.binary_cross_entropy, scratch.binary_cross_entropy_prime),
        (scratch.SquareLoss().loss, scratch.SquareLoss().gradient),
        (scratch.CrossEntropy().loss, scratch.CrossEntropy().gradient),
    ],
)
def test_the_slope_of_a_loss_of_truth_and_prediction_is_right(loss, slope, g):
    truth, predicted = (g(4, 3) > 0).astype(float), 1 / (1 + np.exp(-g(4, 3)))
    numeric = slopes(lambda: np.sum(loss(truth, predicted)), predicted)
    np.testing.assert_allclose(slope(truth, predicted), numeric, rtol=1e-6, atol=1e-8)


class Recorder:
    """An optimizer that keeps the gradient, and leaves the weights as they are."""

    def update(self, w, gradient):
        self.gradient = gradient
        return w


class Passes:
    """A layer with forward_pass and backward_pass."""

    def __init__(self, layer):
        self.forward, self.backward = layer.forward_pass, layer.backward_pass


def test_layers_with_an_optimizer_in_hand_are_right(g):
    dense = scratch.Dense(3, input_shape=(4,))
    dense.initialize(Recorder())
    layer_agrees(
        Passes(dense),
        (g(5, 4),),
        [dense.W, dense.w0],
        lambda: [dense.W_opt.gradient, dense.w0_opt.gradient],
    )
    norm = scratch.BatchNormalization()
    norm.initialize(Recorder(), (4,))
    norm.gamma, norm.beta = g(4), g(4)
    layer_agrees(
        Passes(norm),
        (g(5, 4),),
        [norm.gamma, norm.beta],
        lambda: [norm.gamma_opt.gradient, norm.beta_opt.gradient],
    )
    for layer in (scratch.Activation(scratch.TanH()), scratch.Dropout(0.4)):
        layer_agrees(Passes(layer), (g(5, 4),), [], list)


def test_the_optimizer_steps_down_with_momentum():
    rule = scratch.StochasticGradientDescent(learning_rate=0.5, momentum=0.75)
    w = rule.update(np.array([1.0]), np.array([4.0]))
    np.testing.assert_array_equal(w, [0.5])
    np.testing.assert_array_equal(rule.update(w, np.array([4.0])), [-0.375])


class Stepping:
    """A layer whose backward pass takes a step of the learning rate given."""

    def __init__(self, layer):
        self.layer, self.forward = layer, layer.forward

    def backward(self, dout):
        arrays = [one for one in vars(self.layer).values() if is_floats(one)]
        before = [one.copy() for one in arrays]
        dx = self.layer.backward(dout, 1.0)
        self.steps = [old - new for old, new in zip(before, arrays, strict=True)]
        for old, new in zip(before, arrays, strict=True):
            new[...] = old
        return dx


def test_layers_that_update_themselves_are_right(g):
    dense = Stepping(scratch.DenseLayer(4, 3))
    layer_agrees(
        dense, (g(4, 5),), [dense.layer.weights, dense.layer.bias], lambda: dense.steps[:2]
    )
    layer_agrees(Stepping(scratch.Tanh()), (g(4, 5),), [], list)
    layer_agrees(Stepping(scratch.Softmax()), (g(4, 1),), [], list)


class Stored:
    """A layer that returns nothing, and keeps output and dinputs."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, inputs):
        self.layer.forward(inputs)
        return self.layer.output

    def backward(self, dvalues):
        self.layer.backward(dvalues)
        return self.layer.dinputs


def test_layers_that_return_nothing_are_right(g):
    dense = scratch.Layer_Dense(4, 3)
    layer_agrees(
        Stored(dense),
        (g(5, 4),),
        [dense.weights, dense.biases],
        lambda: [dense.dweights, dense.dbiases],
    )
    layer_agrees(Stored(scratch.Activation_ReLU()), (g(5, 4),), [], list)


def test_layers_with_objects_and_dicts_of_parameters_are_right(g):
    layer, x = scratch.Linear(4, 3), g(5, 4)
    found = [one.value for one in layer.parameters()]
    layer_agrees(layer, (x,), found, lambda: [one.grad for one in layer.parameters()])
    layer = scratch.LinearLayer(4, 3)
    layer_agrees(layer, (x,), layer.params.values(), lambda: [layer.grads[k] for k in layer.params])
    layer = scratch.FullyConnected(3)
    layer.forward(x, retain_derived=False)
    layer_agrees(layer, (x,), layer.parameters.values(), layer.gradients.values)
