"""Activations and losses at infinite inputs: the limit, or a nan that the docstring states."""

import math

import numpy as np
import pytest

from chainrule.layers import (
    ELU,
    GELU,
    L1,
    MSE,
    SELU,
    Exp,
    HardSwish,
    Hinge,
    Huber,
    LeakyReLU,
    Log,
    Max,
    Mish,
    Negate,
    PReLU,
    Reciprocal,
    ReLU,
    Scale,
    Shift,
    Sigmoid,
    SigmoidCrossEntropy,
    Softmax,
    SoftmaxCrossEntropy,
    Softplus,
    Softsign,
    Square,
    Swish,
    Tanh,
)

INF, NAN = math.inf, math.nan
LN2, LN3 = math.log(2), math.log(3)

# layer, x, out, dx for dout = 1
ENTRIES = [
    (ReLU(), -INF, 0, 0),
    (ReLU(), INF, INF, 1),
    (LeakyReLU(0.5), -INF, -INF, 0.5),
    (LeakyReLU(0.5), INF, INF, 1),
    (LeakyReLU(0), -INF, 0, 0),
    (LeakyReLU(0), INF, INF, 1),
    (PReLU(alpha=0.5), -INF, -INF, 0.5),
    (PReLU(alpha=0), -INF, 0, 0),
    (PReLU(alpha=0), INF, INF, 1),
    (PReLU(alpha=-2), -INF, INF, -2),
    (ELU(2), -INF, -2, 0),
    (ELU(2), INF, INF, 1),
    (ELU(0), -INF, 0, 0),
    (ELU(0), INF, INF, 1),
    (Softplus(), -INF, 0, 0),
    (Softplus(), INF, INF, 1),
    (GELU(), -INF, 0, 0),
    (GELU(), INF, INF, 1),
    (GELU("tanh"), -INF, 0, 0),
    (GELU("tanh"), INF, INF, 1),
    (Swish(), -INF, 0, 0),
    (Swish(), INF, INF, 1),
    (Mish(), -INF, 0, 0),
    (Mish(), INF, INF, 1),
    (HardSwish(), -INF, 0, 0),
    (HardSwish(), INF, INF, 1),
    (SELU(), -INF, -1.7580993408473766, 0),
    (SELU(), INF, INF, 1.0507009873554805),
    (Softsign(), -INF, -1, 0),
    (Softsign(), INF, 1, 0),
    (Sigmoid(), -INF, 0, 0),
    (Sigmoid(), INF, 1, 0),
    (Tanh(), -INF, -1, 0),
    (Tanh(), INF, 1, 0),
    (Exp(), -INF, 0, 0),
    (Exp(), INF, INF, INF),
    (Log(), INF, INF, 0),
    (Reciprocal(), -INF, 0, 0),
    (Reciprocal(), INF, 0, 0),
    (Square(), -INF, INF, -INF),
    (Square(), INF, INF, INF),
    (Negate(), -INF, INF, -1),
    (Scale(2), -INF, -INF, 2),
    (Shift(2), INF, INF, 1),
]

# x, softmax, dx for dout (1, 0, 0)
ROWS = [
    ([INF, 0, 0], [1, 0, 0], [0, 0, 0]),
    ([INF, INF, 0], [0.5, 0.5, 0], [0.25, -0.25, 0]),
    ([-INF, -INF, 0], [0, 0, 1], [0, 0, 0]),
    ([-INF, 0, 0], [0, 0.5, 0.5], [0, 0, 0]),
    ([-INF, -INF, -INF], [1 / 3, 1 / 3, 1 / 3], [2 / 9, -1 / 9, -1 / 9]),
    ([INF, -INF, 0], [1, 0, 0], [0, 0, 0]),
]

DISTRIBUTION = [[0.5, 0.5, 0]]

# loss, scores, targets, value, dscores
LOSSES = [
    (SigmoidCrossEntropy(), [[INF]], [1], 0, [[0]]),
    (SigmoidCrossEntropy(), [[-INF]], [0], 0, [[0]]),
    (SigmoidCrossEntropy(), [[INF]], [0], INF, [[1]]),
    (SigmoidCrossEntropy(), [[-INF]], [1], INF, [[-1]]),
    (SigmoidCrossEntropy(), [[INF]], [[0.25]], INF, [[0.75]]),
    (SigmoidCrossEntropy(), [[-INF]], [[0.25]], INF, [[-0.25]]),
    (SigmoidCrossEntropy("sum"), [[INF, 0]], [[1, 1]], LN2, [[0, -0.5]]),
    (SoftmaxCrossEntropy(), [[INF, 0, 0]], [0], 0, [[0, 0, 0]]),
    (SoftmaxCrossEntropy(), [[INF, 0, 0]], [1], INF, [[1, -1, 0]]),
    (SoftmaxCrossEntropy(), [[INF, INF, 0]], [0], LN2, [[-0.5, 0.5, 0]]),
    (SoftmaxCrossEntropy(), [[-INF, 0, 0]], [1], LN2, [[0, -0.5, 0.5]]),
    (SoftmaxCrossEntropy(), [[-INF, 0, 0]], [0], INF, [[-1, 0.5, 0.5]]),
    (SoftmaxCrossEntropy(), [[-INF, -INF, -INF]], [2], LN3, [[1 / 3, 1 / 3, -2 / 3]]),
    (SoftmaxCrossEntropy(), [[0, 0, -INF]], DISTRIBUTION, LN2, [[0, 0, 0]]),
    (SoftmaxCrossEntropy(), [[INF, INF, 0]], DISTRIBUTION, LN2, [[0, 0, 0]]),
    (Hinge(), [[INF, 0, 0]], [0], 0, [[0, 0, 0]]),
    (Hinge(), [[INF, 0, 0]], [1], INF, [[1, -2, 1]]),
    (Hinge(), [[-INF, 0, 0]], [1], 1, [[0, -1, 1]]),
    (Hinge(), [[-INF, 0, 0]], [0], INF, [[-2, 1, 1]]),
    (Hinge(), [[INF, INF, 0]], [0], 1, [[-1, 1, 0]]),
    (Hinge(), [[-INF, -INF, -INF]], [0], 2, [[-2, 1, 1]]),
    (MSE(), [[INF]], [[1.0]], INF, [[INF]]),
    (MSE(), [[-INF]], [[1.0]], INF, [[-INF]]),
    (L1(), [[INF]], [[1.0]], INF, [[1]]),
    (L1(), [[-INF]], [[1.0]], INF, [[-1]]),
    (Huber(2), [[INF]], [[1.0]], INF, [[2]]),
    (Huber(2), [[-INF]], [[1.0]], INF, [[-2]]),
    (SoftmaxCrossEntropy(smoothing=0.5), [[INF, 0]], [0], INF, [[0.25, -0.25]]),
    (SoftmaxCrossEntropy(class_weights=[2, 1]), [[INF, 0]], [0], 0, [[0, 0]]),
    (SoftmaxCrossEntropy("sum", class_weights=[2, 1]), [[INF, 0]], [1], INF, [[1, -1]]),
]


def close(found, expected, dtype):
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(dtype).eps, atol=1e-37)


@pytest.mark.parametrize(("layer", "x", "out", "dx"), ENTRIES, ids=str)
@np.errstate(invalid="raise")
def test_activations_and_gates_reach_their_limits(layer, x, out, dx, dtype):
    x = np.full((2, 3), x, dtype)
    found, cache = layer.astype(dtype).forward(x)
    close(found, np.full((2, 3), out), dtype)
    close(layer.backward(np.ones((2, 3), dtype), cache)[0], np.full((2, 3), dx), dtype)


@pytest.mark.parametrize(("x", "out", "dx"), ROWS, ids=str)
@np.errstate(invalid="raise")
def test_softmax_treats_equal_infinities_as_equal(x, out, dx, dtype):
    found, cache = Softmax().forward(np.array([x], dtype))
    close(found, [out], dtype)
    close(Softmax().backward(np.array([[1, 0, 0]], dtype), cache)[0], [dx], dtype)


@pytest.mark.parametrize(("loss", "scores", "targets", "value", "dscores"), LOSSES, ids=str)
@np.errstate(invalid="raise")
def test_losses_reach_their_limits(loss, scores, targets, value, dscores, dtype):
    out, cache = loss.forward(np.array(scores, dtype), np.array(targets))
    close(out, value, dtype)
    close(loss.backward(1, cache)[0], dscores, dtype)


@pytest.mark.parametrize("layer", [GELU(), GELU("tanh"), Swish(), Mish(), HardSwish()], ids=str)
def test_a_denormal_number_is_halved_or_what_the_slope_at_0_makes_of_it(layer, dtype):
    x = np.array([-1, 1], dtype) * np.finfo(dtype).tiny / 8
    out, cache = layer.forward(x)
    slope = 0.6 if isinstance(layer, Mish) else 0.5
    np.testing.assert_allclose(out, slope * x, rtol=1e-5)
    np.testing.assert_allclose(layer.backward(np.ones(2), cache)[0], slope, rtol=1e-6)


def test_the_larger_of_two_infinities():
    out, cache = Max().forward(np.array([INF, -INF, -INF]), np.array([0.0, 0.0, -INF]))
    np.testing.assert_array_equal(out, [INF, 0, -INF])
    da, db = Max().backward(np.ones(3), cache)[0]
    np.testing.assert_array_equal([da, db], [[1, 0, 1], [0, 1, 0]])


def test_what_has_no_limit_is_nan():
    with np.errstate(invalid="ignore"):
        assert np.isnan(MSE().forward(np.array([INF]), np.array([INF]))[0])
        layer = PReLU(alpha=0.5)
        _, cache = layer.forward(np.array([[-INF]]))
        assert np.isnan(layer.backward(np.zeros((1, 1)), cache)[1]["alpha"]).all()
        assert layer.backward(np.ones((1, 1)), cache)[1]["alpha"] == -INF


@pytest.mark.parametrize(
    "layer",
    [
        *(Softmax(), LeakyReLU(0), PReLU(alpha=0), ReLU(), Softplus(), GELU(), GELU("tanh")),
        *(Swish(), Mish(), SELU(), HardSwish(), Softsign()),
    ],
)
def test_nan_stays_nan_beside_infinities(layer):
    out, _ = layer.forward(np.array([[NAN, -INF, INF]]))
    assert np.isnan(out[0, 0])
