"""What the checker says of a slip holds for every entry it speaks of."""

import numpy as np
import pytest

from chainrule.gradcheck import check

X = np.random.default_rng(0).standard_normal((5, 4))


class Unit:
    """out = f(x), with a backward pass that takes `slope` for f'."""

    def __init__(self, f, slope):
        self.params, self.state = {}, {}
        self.f, self.slope = f, slope

    def forward(self, x, *, train=True):
        return self.f(x), x

    def backward(self, dout, cache):
        return (dout * self.slope(cache)).astype(cache.dtype), {}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def hard_sigmoid(x):
    return np.clip(0.2 * x + 0.5, 0, 1)


def leaky(x):
    return np.where(x > 0, x, 0.1 * x)


@pytest.mark.parametrize(
    ("f", "slope", "said"),
    [
        (
            hard_sigmoid,
            lambda x: 0.2 * (abs(x) < 2),
            "dx is 0 where x = -2.33, but the forward pass has a slope there (1 of 20 entries)",
        ),
        (
            hard_sigmoid,
            lambda x: 0.2 * (abs(x) < 1),
            "dx is 0 where |x| >= 1.04, but the forward pass has a slope there (5 of 20 entries)",
        ),
        (
            lambda x: np.clip(x, 0, 1),
            lambda x: x > 0,
            "dx should be 0 where x >= 1.04, and is not (2 of 20 entries)",
        ),
        (
            lambda x: np.clip(x, -1, 1),
            lambda x: abs(x) < 1.2,
            "dx should be 0 where x = 1.04, and is not (1 of 20 entries)",
        ),
        (
            leaky,
            lambda x: np.where(x > 0, 1, 0.01),
            "dx is too small by a factor 10 where x <= 0 (11 of 20 entries)",
        ),
        (
            leaky,
            lambda x: x > 0,
            "dx is 0 where x <= 0, but the forward pass has a slope there (11 of 20 entries)",
        ),
        (
            np.tanh,
            lambda x: 1 - np.tanh(x) ** 2 + 1e-4,
            "the term dout in dx is too large by a factor 1.0001",
        ),
        (
            np.tanh,
            lambda x: (1 - np.tanh(x) ** 2) * (1 + 1e-6),
            "dx is nearly right: off by a factor 1.000001",
        ),
        (
            sigmoid,
            lambda x: sigmoid(x) * (1 - sigmoid(x)) + 1e-3 * np.sin(7 * x),
            "dx is wrong everywhere",
        ),
    ],
)
def test_a_slip_is_told_as_it_is(f, slope, said):
    assert check(Unit(f, slope), X).findings[0].message == said


def test_the_two_numbers_of_an_example_differ():
    report = check(Unit(np.tanh, lambda x: (1 - np.tanh(x) ** 2) * (1 + 1e-6)), X)
    is_, should_be = report.findings[0].example.partition(" = ")[2].split(", should be ")
    assert is_ != should_be
    assert float(is_) == pytest.approx(float(should_be), rel=1e-5)


class Named(Unit):
    """A unit that is called like a formula."""

    def __repr__(self):
        return type(self).__name__


class Linear:
    """out = x Wᵀ, as some libraries have it."""

    def __init__(self, D, M):
        self.params, self.state = {"W": np.random.default_rng(0).standard_normal((M, D))}, {}

    def forward(self, x, *, train=True):
        W = self.params["W"]
        return x @ W.T, (x, W)

    def backward(self, dout, cache):
        x, W = cache
        return dout @ W, {"W": dout.T @ x}


class HalfMSELoss:
    def __init__(self):
        self.params, self.state = {}, {}

    def forward(self, y, t, *, train=True):
        return 0.5 * np.mean((y - t) ** 2), y - t

    def backward(self, dout, cache):
        return dout * cache / cache.size, {}


HalfMSELoss.__name__ = "MSELoss"


@pytest.mark.parametrize("M", [3, 4])
def test_another_layout_is_a_convention_whether_or_not_the_matrix_is_square(M):
    assert check(Linear(4, M), X)


def test_another_factor_is_a_convention():
    report = check(HalfMSELoss(), X, X + 1)
    assert report
    assert "consistent, but the loss is the reference divided by 2" in str(report)


def test_a_class_may_mean_something_else_by_a_name():
    class Log(Named):
        pass

    layer = Log(np.log2, lambda x: 1 / (x * float(np.log(2))))
    positive = np.abs(X) + 0.1
    (finding,) = check(layer, positive).findings
    assert finding.message == "out is log2(x)"
    assert finding.hint.endswith("If the class means something else, pass reference=False.")
    assert check(layer, positive, reference=False)
    with pytest.raises(TypeError, match="reference is 3, expected a name"):
        check(layer, positive, reference=3)


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_function_that_is_small_and_overflows_is_written_wrong():
    def naive(x):
        return np.log(1 + np.exp(x))

    (finding,) = check(Unit(naive, sigmoid), X).findings
    assert finding.message == "for inputs 1000 times as large, the output is inf"
    assert check(Unit(lambda x: np.logaddexp(0, x), sigmoid), X)
    assert check(Unit(np.exp, np.exp), X)
    assert check(Unit(lambda x: np.exp(np.exp(x)), lambda x: np.exp(x + np.exp(x))), X)
