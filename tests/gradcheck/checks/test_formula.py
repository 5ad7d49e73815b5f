"""Forward beside a formula: one that was named, and one that was guessed from a name."""

import numpy as np
import pytest

from chainrule.gradcheck import check, check_functions
from chainrule.layers import Affine

X = np.random.default_rng(0).standard_normal((5, 4))


class Shifted(Affine):
    """out = x W - b, forward and backward alike."""

    def forward(self, x, *, train=True):
        out, cache = super().forward(x, train=train)
        return out - 2 * self.params["b"], cache

    def backward(self, dout, cache):
        dx, grads = super().backward(dout, cache)
        return dx, grads | {"b": -grads["b"]}


def shifted():
    layer = Shifted(4, 3, rng=0)
    layer.params["b"] += 1.0
    return layer


def test_a_difference_from_a_formula_that_was_guessed_is_a_remark_and_names_the_way_out():
    Shifted.__name__ = "Affine"
    report = check(shifted(), X)
    assert report
    (remark,) = report.remarks
    assert remark.message == "the bias is subtracted"
    assert remark.hint.endswith("If it means something else, pass reference=False.")
    assert not check(shifted(), X, reference=False).remarks


@pytest.mark.parametrize("reference", ["affine", "object"])
def test_a_difference_from_a_reference_that_was_given_is_wrong(reference):
    given = Affine(4, 3, rng=0) if reference == "object" else reference
    (finding,) = check(shifted(), X, reference=given).findings
    assert (finding.kind, finding.tensor, finding.level) == ("forward-bug", "out", "wrong")


def test_a_forward_pass_that_is_the_odd_one_out_is_wrong_though_its_formula_was_guessed():
    def sigmoid_forward(x):
        out = 1 / (1 + np.exp(x))
        return out, 1 / (1 + np.exp(-x))

    report = check_functions(sigmoid_forward, lambda dout, s: dout * s * (1 - s), X)
    assert not report
    assert report.findings[0].tensor == "out"


def relu_forward(x):
    """Another function of that name, as one may mean it, or a slip that nothing explains."""
    return np.where(x > 0, x, 0.3 * np.sin(x)), x


def test_backward_is_blamed_where_a_guessed_formula_explains_neither_pass():
    report = check_functions(
        relu_forward, lambda dout, x: dout * np.where(x > 0, 2, 0.6 * np.cos(x)), X
    )
    assert [finding.tensor for finding in report.findings] == ["x"]
    assert any("no known mistake explains it" in note for note in report.notes)


def test_forward_is_blamed_where_backward_has_the_gradients_of_the_guessed_formula():
    report = check_functions(relu_forward, lambda dout, x: dout * (x > 0), X)
    (finding,) = report.findings
    assert finding.tensor == "out"
    assert finding.message.startswith("out differs from the formula max(x, 0)")
