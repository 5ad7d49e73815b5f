"""What the checker says of a slip holds for every entry it speaks of."""

import numpy as np
import pytest

from chainrule.gradcheck import check
from chainrule.gradcheck.explain import Scene, diagnose
from chainrule.gradcheck.explain.causes import CAUSES
from chainrule.gradcheck.report.findings import KINDS
from chainrule.gradcheck.subject.vocabulary import Vocabulary

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
            "dx is 0 where 1.04 <= |x|, but the forward pass has a slope there (5 of 20 entries)",
        ),
        (
            lambda x: np.clip(x, 0, 1),
            lambda x: x > 0,
            "dx should be 0 where 1.04 <= x, and is not (2 of 20 entries)",
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


def scene(yours, right, inputs=None, dout=None, **more):
    """What is known about one or several gradients, by their names."""
    some = np.random.default_rng(1).standard_normal(right["x"].shape)
    fields = {"params": {}, "cache": {}, "settings": {}, "error": dict.fromkeys(right, 1e-12)}
    inputs = {"x": some} if inputs is None else inputs
    dout = some**2 if dout is None else dout
    return Scene(inputs=inputs, out=dout, dout=dout, yours=yours, right=right, **fields | more)


def say(scene, name="x"):
    return Vocabulary(params=frozenset(scene.params)).finding(diagnose(scene, name)).message


def test_every_cause_has_a_known_kind_and_can_be_put_in_words():
    assert {kind for kind, *_ in CAUSES.values()} <= set(KINDS)


def random(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("shape", [(5, 4), (2, 3, 4), (2, 3, 2, 2)])
def test_nothing_is_told_of_random_numbers_but_where_they_are(shape):
    for seed in range(20):
        yours, right = random(shape, seed), random(shape, seed + 100)
        cause = diagnose(scene({"x": yours}, {"x": right}), "x")
        assert (cause.key, cause.kind, cause.evidence) == ("unexplained", "unknown", None)
        part = np.where(np.arange(shape[-1]) == 1, yours, right)
        assert "all in [" in say(scene({"x": part}, {"x": right}))


def test_what_was_not_measured_agrees_with_nothing():
    yours, right = random((5, 4)), random((5, 4), 1)
    few = np.where(np.arange(20).reshape(5, 4) < 2, right, np.nan)
    assert diagnose(scene({"x": 3 * right}, {"x": few}), "x").key == "unexplained"
    nothing = np.full((5, 4), np.nan)
    both = {"x": yours, "w": random((5, 4), 2)}
    assert diagnose(scene(both, {"x": right, "w": nothing}), "x").key == "unexplained"


def test_gradients_are_swapped_where_both_say_so():
    right = {"x": random((5, 4)), "w": random((5, 4), 1)}
    swapped = scene({"x": right["w"], "w": right["x"]}, right)
    assert {say(swapped, "x"), say(swapped, "w")} == {"dx and dw are swapped"}
    assert say(scene({"x": right["w"], "w": right["w"]}, right)) == "dx holds what belongs into dw"


def test_evidence_is_what_was_measured():
    right = random((5, 4))
    exact = diagnose(scene({"x": -right}, {"x": right}), "x")
    rough = diagnose(scene({"x": -right + 1e-9 * random((5, 4), 2)}, {"x": right}), "x")
    assert exact.evidence == 0
    assert 1e-11 < rough.evidence < 1e-8


@pytest.mark.parametrize(
    ("shape", "factor", "said"),
    [
        ((5, 4), 5, "dx is too large by a factor 5 = N, the batch size"),
        ((5, 4), 1 / 4, "dx is too small by a factor 4 = D"),
        ((4, 4), 4, "dx is too large by a factor 4"),  # N or D, who knows
        ((2, 5), 2, "dx is too large by a factor 2"),
        ((2, 7, 5), 7, "dx is too large by a factor 7 = T"),
        ((5, 4), -1.23, "dx has the wrong sign and is too large by a factor 1.23"),
    ],
)
def test_a_number_has_a_name_where_only_one_fits(shape, factor, said):
    right = random(shape)
    assert say(scene({"x": factor * right}, {"x": right})) == said


def test_rows_with_the_same_index_overwrite_each_other():
    ids, dout = np.array([0, 2, 2, 1]), random((4, 3))
    right, last = np.zeros((3, 3)), np.zeros((3, 3))
    np.add.at(right, ids, dout)
    last[ids] += dout
    table = scene({"x": last}, {"x": right}, {"ids": ids}, dout)
    assert say(table) == "dx holds only the last of the rows with the same ids"


@pytest.mark.parametrize("axis", [1, 2])
def test_a_winner_is_spoken_of_only_where_there_is_one(axis):
    def averaged(right):
        yours = np.broadcast_to(right.mean(axis=axis, keepdims=True), right.shape)
        return say(scene({"x": yours}, {"x": right}))

    routed = random((2, 3, 4, 5)) * (random((2, 3, 4, 5), 1) > 0)  # as a maximum does
    assert averaged(routed) == f"dx is the same along axis {axis}: which one won is ignored"
    outside = random((2, 3, 4, 5))  # of all windows of an average: a row and a column
    outside[:, :, 3] = outside[..., 4] = 0
    assert averaged(outside) == f"dx is what it should be, averaged over its axis {axis} as well"


def test_an_axis_is_the_wrong_one_only_where_another_is_the_right_one():
    x, dout = random((4, 4)), random((4, 4), 1)
    inputs = {"x": x}

    def of(yours, right):
        slope = {"slope": np.ones(4)}
        both = ({"x": x, "slope": yours}, {"x": x, "slope": right})
        return diagnose(scene(*both, inputs, dout, params=slope), "slope")

    product = dout * x
    cause = of(product.sum(axis=1), product.sum(axis=0))
    assert (cause.key, cause.values["axis"]) == ("sum-over-wrong-axis", "axis 0")
    cause = of(product.sum(axis=0), (product * (x <= 0)).sum(axis=0))  # a forgotten mask
    assert (cause.key, cause.values["factor"]) == ("lacks-factor", "(x <= 0)")


def test_a_product_that_is_no_summand_is_not_called_a_contribution():
    x, dout, W = random((5, 4)), random((5, 3), 1), random((4, 3), 2)
    found = scene({"x": dout @ W.T}, {"x": random((5, 4), 3)}, {"x": x}, dout, params={"W": W})
    assert say(found) == "dx is just dout @ W.T, which is not the whole gradient"
    lack = random((5, 4), 3)
    found = scene({"x": lack}, {"x": lack + dout @ W.T}, {"x": x}, dout, params={"W": W})
    assert say(found) == "dx lacks the contribution dout @ W.T"


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
    report = check(layer, positive)
    (remark,) = report.remarks
    assert report
    assert remark.message == "out is log2(x)"
    assert remark.hint.endswith("If it means something else, pass reference=False.")
    assert not check(layer, positive, reference=False, strict=True).findings
    (finding,) = check(layer, positive, reference="log").findings
    assert finding.message == "out is log2(x)"
    with pytest.raises(TypeError, match="reference is 3, expected a name"):
        check(layer, positive, reference=3)


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_function_that_is_small_and_overflows_is_written_wrong():
    def naive(x):
        return np.log(1 + np.exp(x))

    (remark,) = check(Unit(naive, sigmoid), X).remarks
    (finding,) = check(Unit(naive, sigmoid), X, strict=True).findings
    for said in (remark, finding):
        assert said.message == "for inputs 1000 times as large, the output is inf"
    assert check(Unit(lambda x: np.logaddexp(0, x), sigmoid), X, strict=True)
    assert check(Unit(np.exp, np.exp), X, strict=True)
    double = Unit(lambda x: np.exp(np.exp(x)), lambda x: np.exp(x + np.exp(x)))
    assert check(double, X, strict=True)
