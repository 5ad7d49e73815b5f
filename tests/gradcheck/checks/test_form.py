"""The form of gradients: presence, shape and dtype."""

import numpy as np
import pytest

from chainrule.gradcheck import check, check_functions
from chainrule.layers import Affine

X = np.random.default_rng(0).standard_normal((5, 4))


class Changed(Affine):
    def __init__(self, change):
        super().__init__(4, 3, rng=0)
        self.change = change

    def param_grads(self, dout, cache):
        return self.change(super().param_grads(dout, cache))


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda g: {"W": g["W"]}, "no-entry"),
        (lambda g: g | {"b": g["b"][:, np.newaxis]}, "shape"),
        (lambda g: g | {"b": "0"}, "no-array"),
    ],
)
def test_a_gradient_that_is_missing_or_of_another_shape_is_wrong(change, cause):
    report = check(Changed(change), X)
    assert [(finding.cause, finding.tensor) for finding in report.findings] == [(cause, "b")]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda g: g | {"b": g["b"].astype(np.float32)}, "gradient-dtype"),
        (lambda g: g | {"extra": g["b"]}, "alien-entry"),
    ],
)
def test_another_dtype_and_an_entry_too_many_are_remarks(change, cause):
    report = check(Changed(change), X, reference=False)
    assert report
    assert [remark.cause for remark in report.remarks] == [cause]
    assert not check(Changed(change), X, strict=True)


@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_what_has_another_dtype_is_compared_all_the_same(factor):
    def backward(dout, x):
        return (factor * 2 * x * dout).astype(np.float32)

    assert bool(check_functions(lambda x: (x * x, x), backward, X)) is (factor == 1)
