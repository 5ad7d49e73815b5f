"""What `check` says of layers that are right, and of layers that are wrong in one way."""

import re
from typing import ClassVar

import numpy as np
import pytest

from chainrule.gradcheck import GradientError, assert_correct, check
from chainrule.layers import (
    Affine,
    BatchNorm,
    Dropout,
    Layer,
    MatMul,
    Maxout,
    ReLU,
    Sigmoid,
    SoftmaxCrossEntropy,
    Square,
    Tanh,
)
from chainrule.nets import MLP, Sequential


def rows(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def only(report):
    (finding,) = report.findings
    return finding


class AveragesTheBias(Affine):
    def param_grads(self, dout, cache):
        return super().param_grads(dout, cache) | {"b": dout.mean(axis=0)}


class ForgetsTheTranspose(Affine):
    def backward(self, dout, cache):
        _, W = cache
        dx = dout @ W
        return dx, self.param_grads(dout, cache)


class OffByAMillionth(Square):
    def backward(self, dout, cache):
        dx, grads = super().backward(dout, cache)
        return dx * (1 + 1e-6), grads


def test_a_right_layer_is_true_and_a_wrong_one_false_with_the_tensor_and_the_cause_named():
    x = rows(5, 4)
    assert check(Affine(4, 3, rng=0), x)
    report = check(AveragesTheBias(4, 3, rng=0), x)
    assert not report
    finding = only(report)
    assert (finding.kind, finding.tensor) == ("scale", "b")
    assert "grads['b'] is too small by a factor 5 = N" in finding.message
    assert report.tensors["W"].ok
    assert not report.tensors["b"].ok


def test_the_line_that_computes_a_wrong_gradient_is_quoted():
    finding = only(check(ForgetsTheTranspose(4, 4, rng=0), rows(5, 4)))
    assert (finding.kind, finding.tensor) == ("transpose", "x")
    assert finding.line.endswith("dx = dout @ W")
    assert "dout @ W.T" in finding.message


def test_an_error_of_a_millionth_is_found():
    assert check(Square(), rows(5, 4))
    assert not check(OffByAMillionth(), rows(5, 4))


def test_one_wrong_entry_among_many_is_found():
    class OneEntry(Affine):
        def param_grads(self, dout, cache):
            grads = super().param_grads(dout, cache)
            grads["W"][17, 3] *= 1.001
            return grads

    x = rows(20, 40)
    report = check(OneEntry(40, 30, rng=0), x)
    assert only(report).tensor == "W"
    assert check(Affine(40, 30, rng=0), x)


@pytest.mark.parametrize("effort", ["quick", "full", "entrywise"])
def test_every_effort_finds_a_plain_mistake_and_passes_a_right_layer(effort):
    x = rows(5, 4)
    assert check(BatchNorm(4), x, effort=effort)
    assert not check(AveragesTheBias(4, 3, rng=0), x, effort=effort)


def test_layer_inputs_generators_and_the_global_generator_are_left_as_they_were():
    net = Sequential(Affine(4, 3, rng=0), BatchNorm(3), Dropout(0.5, rng=1))
    x = rows(5, 4)
    arrays = [x, *net.params.values(), *net.state.values()]
    before = [array.tobytes() for array in arrays]
    generator = net.layers[2].rng.bit_generator.state
    legacy = np.random.get_state()[1].tobytes()  # noqa: NPY002 - that it is untouched is the point
    assert check(net, x)
    assert [array.tobytes() for array in arrays] == before
    assert net.layers[2].rng.bit_generator.state == generator
    assert np.random.get_state()[1].tobytes() == legacy  # noqa: NPY002


def test_the_same_seed_gives_the_same_report():
    x = rows(5, 4)
    one, two = (check(AveragesTheBias(4, 3, rng=0), x, seed=3).as_dict() for _ in range(2))
    one.pop("seconds"), two.pop("seconds")
    assert one == two


def test_kinks_are_told_and_any_slope_between_is_right():
    class ReLUWithSlopeOneAtZero(ReLU):
        def forward(self, x, *, train=True):
            return np.maximum(x, 0), x

        def backward(self, dout, cache):
            return dout * (cache >= 0), {}

    x = np.array([[-1.0, 0.0, 2.0], [0.0, -0.5, 0.0]])
    for layer in (ReLU(), ReLUWithSlopeOneAtZero()):
        report = check(layer, x)
        assert report
        assert report.notes == [
            "3 entries of x are exactly 0: any slope between the one-sided ones is right"
        ]


def test_a_slope_outside_the_two_sides_of_a_kink_is_wrong():
    class SlopeTwoAtZero(ReLU):
        def forward(self, x, *, train=True):
            return np.maximum(x, 0), x

        def backward(self, dout, cache):
            return np.where(cache == 0, 2 * dout, dout * (cache > 0)), {}

    x = np.array([[-1.0, 0.0, 2.0], [0.0, -0.5, 0.0]])
    assert not check(SlopeTwoAtZero(), x)


def test_networks_on_kinks_and_ties_raise_no_alarm():
    x = np.zeros((6, 4))
    x[:3] = np.round(rows(3, 4))
    assert check(MLP([4, 5, 3], rng=0), x)
    tied = Maxout(4, 3, 2, rng=0)
    tied.params["W"][:, 1] = tied.params["W"][:, 0]
    assert check(tied, rows(5, 4))


def test_a_network_on_kinks_everywhere_is_judged_at_a_point_nearby():
    class PassesTooMuch(ReLU):
        def backward(self, dout, cache):
            return dout * (1 + (cache > 0)) / 2, {}

    def net(activation):
        return Sequential(Affine(4, 5, rng=0), activation, Affine(5, 3, rng=1))

    x = np.zeros((6, 4))  # with biases of 0 every unit sits on its kink
    report = check(net(ReLU()), x)
    assert report
    assert "not judged there, but at a point nearby" in report.notes[0]
    report = check(net(PassesTooMuch()), x)
    assert report.findings[0].message.startswith("off the kinks, ")


def test_only_what_wrt_names_is_looked_at():
    layer, x = AveragesTheBias(4, 3, rng=0), rows(5, 4)
    assert list(check(layer, x, wrt=("x", "W"), modes=("train",)).tensors) == ["x", "W"]
    assert check(layer, x, wrt=("x", "W"))
    with pytest.raises(ValueError, match=r"wrt names \['V'\], expected some of \['x', 'W', 'b'\]"):
        check(layer, x, wrt=("V",))


def test_a_dout_of_ones_own_is_used_and_must_have_the_shape_of_the_output():
    x = rows(5, 4)
    dout = np.zeros((5, 3))
    dout[0, 0] = 7.0
    report = check(Affine(4, 3, rng=0), x, dout=dout)
    np.testing.assert_array_equal(report.tensors["b"].analytic, [7, 0, 0])
    with pytest.raises(ValueError, match=r"dout has shape \(3,\), expected \(5, 3\)"):
        check(Affine(4, 3, rng=0), x, dout=np.ones(3))


def test_float32_layers_are_judged_in_float64_and_should_stay_float32():
    class Lifts(Tanh):
        def forward(self, x, *, train=True):
            out = np.tanh(x) * np.float64(1.0)
            return out, out

    x = rows(5, 4).astype(np.float32)
    assert check(Affine(4, 3, rng=0, dtype=np.float32), x)
    (remark,) = check(Lifts(), x).remarks
    assert (remark.kind, remark.tensor) == ("dtype", "out")
    finding = only(check(Lifts(), x, strict=True))
    assert (finding.kind, finding.tensor) == ("dtype", "out")


def test_a_network_names_the_layer_that_is_wrong_and_the_rest_follows():
    class BadTanh(Tanh):
        def backward(self, dout, cache):
            return dout * (1 - cache), {}

    net = Sequential(Affine(4, 4, rng=0), BadTanh(), Affine(4, 2, rng=1))
    finding = only(check(net, rows(5, 4)))
    assert finding.message.startswith("layer badtanh1: dx lacks the factor (1 + out)")


class FromMemory(ReLU):
    def forward(self, x, *, train=True):
        self.mask = x > 0
        return super().forward(x, train=train)

    def backward(self, dout, cache):
        return dout * self.mask, {}


class Accumulates(Affine):
    def param_grads(self, dout, cache):
        grads = super().param_grads(dout, cache)
        self.total = grads["W"] + getattr(self, "total", 0)
        return grads | {"W": self.total}


class WritesIntoItsInput(ReLU):
    def forward(self, x, *, train=True):
        np.maximum(x, 0, out=x)
        return x.copy(), x.copy()


class WritesIntoTheCache(Tanh):
    def backward(self, dout, cache):
        np.square(cache, out=cache)
        return dout * (1 - cache), {}


class IgnoresTheMode(Dropout):
    def forward(self, x, *, train=True):
        return super().forward(x, train=True)


class Overflows(Sigmoid):
    def forward(self, x, *, train=True):
        out = np.exp(x) / (1 + np.exp(x))
        return out, (out, 1 / (1 - out))


class DoubleAtTies(Layer):
    def forward(self, a, b, *, train=True):
        return np.maximum(a, b), (a, b)

    def backward(self, dout, cache):
        a, b = cache
        return (dout * (a >= b), dout * (a <= b)), {}


@pytest.mark.parametrize(
    ("layer", "kind", "message"),
    [
        (FromMemory(), "stale-cache", "comes from the latest forward call, not from the cache"),
        (Accumulates(4, 4, rng=0), "stale-cache", "a second backward call .* twice grads\\['W'\\]"),
        (WritesIntoItsInput(), "mutation", "forward changed its input x in place"),
    ],
)
def test_mistakes_beyond_values_are_named(layer, kind, message):
    finding = check(layer, rows(5, 4)).findings[0]
    assert finding.kind == kind
    assert re.search(message, finding.message)


@pytest.mark.parametrize(
    ("layer", "kind", "message"),
    [
        (WritesIntoTheCache(), "mutation", "backward changed the cache in place"),
        (IgnoresTheMode(0.5, rng=0), "mode", "train=False"),
        (Overflows(), "stability", "for inputs 1000 times as large, the output is nan"),
    ],
)
def test_what_may_bite_later_is_a_remark_and_under_strict_a_mistake(layer, kind, message):
    report, strict = check(layer, rows(5, 4)), check(layer, rows(5, 4), strict=True)
    assert report
    assert not strict
    for said in (report.remarks, strict.findings):
        assert said[0].kind == kind
        assert re.search(message, said[0].message)


def test_a_gradient_counted_twice_at_ties_is_found_though_each_is_a_legal_slope():
    a = rows(5, 4)
    (remark,) = check(DoubleAtTies(), a, rows(5, 4, seed=1)).remarks
    assert not check(DoubleAtTies(), a, rows(5, 4, seed=1), strict=True)
    for said in (remark, only(check(DoubleAtTies(), a, a.copy()))):
        assert said.kind == "mask"
        assert "in da and db add up to 2 times what they should" in said.message


def test_what_is_not_written_yet_is_no_mistake_in_a_formula():
    class Later(ReLU):
        def backward(self, dout, cache):
            raise NotImplementedError

    assert only(check(Later(), rows(3, 2))).message == "backward is not written yet"


def test_random_output_without_a_generator_is_told():
    class Restless(Layer):
        calls = 0

        def forward(self, x, *, train=True):
            Restless.calls += 1
            return x * Restless.calls, Restless.calls

        def backward(self, dout, cache):
            return dout * cache, {}

    assert "forward gives different results" in only(check(Restless(), rows(3, 2))).message


def test_a_reference_by_name_or_by_object_shows_a_forward_that_is_wrong_with_its_backward():
    class HalfSquare(Square):
        def forward(self, x, *, train=True):
            return x * x / 2, x

        def backward(self, dout, cache):
            return cache * dout, {}

    x = rows(5, 4)
    for reference in ("square", Square()):
        finding = only(check(HalfSquare(), x, reference=reference))
        assert (finding.kind, finding.tensor) == ("forward-bug", "out")
    with pytest.raises(ValueError, match="there is no reference called 'cube'"):
        check(Square(), x, reference="cube")


def test_a_layer_that_asserts_its_domain_is_measured_with_steps_that_stay_inside():
    class Root(Layer):
        def forward(self, x, *, train=True):
            assert (x > 0).all()
            out = np.sqrt(x)
            return out, out

        def backward(self, dout, cache):
            return dout / (2 * cache), {}

    assert check(Root(), np.array([[1e-6, 1.0, 2.0], [0.5, 3e-4, 1e-5]]))


def test_labels_are_not_differentiated_and_gates_owe_every_input_a_gradient():
    assert list(check(MatMul(), rows(3, 2), rows(2, 4)).tensors)[:2] == ["a", "b"]
    report = check(SoftmaxCrossEntropy(), rows(5, 4), np.array([0, 1, 2, 3, 0]))
    assert list(report.tensors)[:1] == ["scores"]


def test_assert_correct_raises_with_the_report_as_text():
    assert_correct(Affine(4, 3, rng=0), rows(5, 4))
    with pytest.raises(GradientError, match="too small by a factor 5 = N"):
        assert_correct(AveragesTheBias(4, 3, rng=0), rows(5, 4))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"effort": "some"}, ValueError, "effort is 'some', expected 'quick', 'full'"),
        ({"modes": ("test",)}, ValueError, "mode 'test', expected 'train' or 'inference'"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        check(ReLU(), rows(2, 2), **arguments)
    with pytest.raises(TypeError, match="got the class ReLU, not an object of it; expected an"):
        check(ReLU, rows(2, 2))


class RowNorm:
    """x - mean over std + eps, row by row, exactly."""

    params: ClassVar[dict] = {}
    state: ClassVar[dict] = {}

    def forward(self, x, *, train=True):
        centred = x - x.mean(axis=1, keepdims=True)
        std = np.sqrt(np.square(centred).mean(axis=1, keepdims=True))
        return centred / (std + 1e-8), (centred, std)

    def backward(self, dout, cache):
        centred, std = cache
        along = (dout * centred).mean(axis=1, keepdims=True) / (std + 1e-8)
        d = (dout - along * centred / std) / (std + 1e-8)
        return d - d.mean(axis=1, keepdims=True), {}


def test_a_gradient_that_cancels_to_its_rounding_is_not_called_nonlinear():
    """With dout = x all but 1e-8 of it cancels, and the rest is rounding in part."""
    x = np.random.default_rng(0).standard_normal((5, 4))
    assert check(RowNorm(), x, dout=x)


@pytest.mark.parametrize("seed", range(5))
def test_the_upstream_gradient_is_not_drawn_as_x_was(seed):
    """With dout = x, much cancels, and xᵀ dout is its own transpose."""
    x = np.random.default_rng(seed).standard_normal((5, 4))
    seen = []

    class Spy(Tanh):
        def backward(self, dout, cache):
            if dout.any():  # dout = 0 is asked too
                seen.append(dout)
            return super().backward(dout, cache)

    assert check(Spy(), x, seed=seed)
    assert len(seen) > 5
    assert all(
        abs(np.corrcoef(d.ravel(), x.ravel())[0, 1]) < 0.9 for d in seen if d.shape == x.shape
    )


class PlainReLU:
    """As somebody writes it first: no params, no state, no constructor."""

    def forward(self, x, train=True):
        return np.maximum(x, 0), x

    def backward(self, dout, cache):
        return dout * (cache > 0), {}


def test_a_known_name_without_params_is_compared_with_its_formula():
    PlainReLU.__name__ = "ReLU"
    assert check(PlainReLU(), rows(5, 4))


def test_a_failure_of_backward_in_inference_is_told_as_one():
    class Forgetful(PlainReLU):
        def forward(self, x, train=True):
            out, cache = super().forward(x)
            return out, (cache if train else None)

    finding = only(check(Forgetful(), rows(5, 4), reference=False, strict=True))
    said = "after forward with train=False, backward raises TypeError"
    assert finding.message.startswith(said)
    assert finding.tensor == "x"
    assert check(Forgetful(), rows(5, 4), reference=False)


def test_wrt_and_modes_may_be_one_name():
    report = check(BatchNorm(4), rows(5, 4), wrt="gamma", modes="train")
    assert [*report.tensors] == ["gamma"]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_missing_one_at_the_true_class_is_told_for_means_and_sums(reduction):
    y = np.array([0, 3, 1, 2, 3])

    class Lacking(SoftmaxCrossEntropy):
        def backward(self, dout, cache):
            dx, _ = super().backward(dout, cache)
            dx[np.arange(5), y] += dout / 5 if reduction == "mean" else dout
            return dx, {}

    finding = only(check(Lacking(reduction), rows(5, 4), y))
    assert finding.message == "dscores lacks the -1 at the true class"


def test_a_line_of_an_inherited_backward_pass_is_told_with_its_module():
    class Unscaled(Dropout):
        def forward(self, x, *, train=True):
            out, cache = super().forward(x, train=train)
            return (out * self.keep if train else out), cache

    finding = only(check(Unscaled(0.5, rng=0), rows(5, 4)))
    assert finding.line.startswith("chainrule.layers.dropout, line ")


class RootMeanSquareNorm(Layer):
    """out = x / r with r = √(mean x² + eps), row by row."""

    eps = 1e-5

    def forward(self, x, *, train=True):
        r = np.sqrt(np.square(x).mean(axis=1, keepdims=True) + self.eps)
        return x / r, (x / r, r)

    def backward(self, dout, cache):
        xhat, r = cache
        return (dout - xhat * (dout * xhat).mean(axis=1, keepdims=True)) / r, {}


def test_paths_through_statistics_that_are_left_out_are_told_by_the_statistics():
    class Constant(RootMeanSquareNorm):
        def backward(self, dout, cache):
            return dout / cache[1], {}

    class Both(BatchNorm):
        def backward(self, dout, cache):
            _, grads = super().backward(dout, cache)
            _, rstd, gamma, _ = cache
            return dout * gamma * rstd, grads

    assert check(RootMeanSquareNorm(), rows(5, 4))
    found = only(check(Constant(), rows(5, 4))).message
    assert found == "dx lacks the path through the row mean square"
    found = only(check(Both(4), rows(5, 4), modes="train")).message
    assert found == (
        "dx lacks the path through the batch mean and the path through the batch variance"
    )


def test_an_eps_in_another_place_is_told_with_the_factors_by_which_it_shows():
    class Outside(RowNorm):
        def backward(self, dout, cache):
            centred, std = cache
            xhat = centred / (std + 1e-3)
            d = dout - dout.mean(axis=1, keepdims=True)
            return (d - xhat * (dout * xhat).mean(axis=1, keepdims=True)) / (std + 1e-3), {}

        def forward(self, x, *, train=True):
            _, (centred, std) = super().forward(x)
            return centred / (std + 1e-3), (centred, std)

    found = only(check(Outside(), rows(5, 4), reference=False)).message
    assert re.fullmatch(
        r"dx is nearly right: the path through the row variance is off by factors from 0\.99\d+ to "
        r"0\.99\d+",
        found,
    )


@pytest.mark.parametrize("n", [6, 16])
def test_a_gradient_that_is_0_but_for_rounding_may_depend_on_the_order_of_summation(n):
    class Centred(BatchNorm):
        """A bias in front of a batch normalisation, whose gradient is 0."""

        def __init__(self):
            super().__init__(3)
            self.params["b"] = np.zeros(3)

        def forward(self, x, *, train=True):
            return super().forward(x + self.params["b"], train=train)

        def backward(self, dout, cache):
            dx, grads = super().backward(dout, cache)
            return dx, grads | {"b": dx.sum(axis=0)}

    report = check(Centred(), rows(n, 3))
    assert report.probes["memory layout"].outcome == "passed"
    assert report


def test_a_verdict_goes_by_what_is_wrong_and_strict_counts_remarks_too():
    x = rows(5, 4)
    report, strict = check(Overflows(), x), check(Overflows(), x, strict=True)
    assert (bool(report), len(report.findings), len(report.remarks)) == (True, 0, 1)
    assert (bool(strict), len(strict.findings), len(strict.remarks)) == (False, 1, 0)
    assert "correct, 1 remark" in str(report)
    outcomes = [one.probes["large inputs"].outcome for one in (report, strict)]
    assert outcomes == ["remark", "failed"]
    assert "1 mistake" in str(strict)
    assert report.as_dict()["correct"] is True
    (told,) = report.as_dict()["remarks"]
    assert (told["cause"], told["level"]) == ("overflow", "remark")
    assert_correct(Overflows(), x)
    with pytest.raises(GradientError, match="for inputs 1000 times as large"):
        assert_correct(Overflows(), x, strict=True)


def test_a_mistake_and_a_remark_stand_side_by_side():
    class WrongInInferenceToo(WritesIntoTheCache):
        def backward(self, dout, cache):
            dx, grads = super().backward(dout, cache)
            return 2 * dx, grads

    report = check(WrongInInferenceToo(), rows(5, 4))
    assert [finding.cause for finding in report.findings] == ["factor"]
    assert [remark.cause for remark in report.remarks] == ["backward-writes"]


class DoublesInInference(Tanh):
    def forward(self, x, *, train=True):
        out, _ = super().forward(x, train=train)
        return out, (out, 1.0 if train else 2.0)

    def backward(self, dout, cache):
        out, factor = cache
        return factor * dout * (1 - out * out), {}


def test_a_wrong_gradient_in_inference_is_a_remark_unless_inference_alone_is_asked_for():
    report = check(DoublesInInference(), rows(5, 4))
    (remark,) = report.remarks
    assert report
    assert remark.message.startswith("with train=False dx is too large by a factor 2, and would")
    (finding,) = check(DoublesInInference(), rows(5, 4), modes="inference").findings
    assert finding.message.startswith("dx is too large by a factor 2, and would agree")


def test_every_finding_names_its_cause_and_its_level():
    finding = only(check(AveragesTheBias(4, 3, rng=0), rows(5, 4)))
    assert (finding.cause, finding.level) == ("factor", "wrong")
    assert finding.as_dict()["cause"] == "factor"
    assert finding.values


def test_what_no_cause_explains_is_of_an_unknown_kind():
    class Noisy(Tanh):
        def backward(self, dout, cache):
            dx, grads = super().backward(dout, cache)
            return dx + np.random.default_rng(0).standard_normal(dx.shape), grads

    class Tangled(Affine):
        def param_grads(self, dout, cache):
            grads = super().param_grads(dout, cache)
            return grads | {"W": np.random.default_rng(1).normal(size=(4, 4)) @ grads["W"]}

    assert only(check(Tangled(4, 3, rng=0), rows(5, 4))).kind == "unknown"
    assert not check(Noisy(), rows(5, 4))
