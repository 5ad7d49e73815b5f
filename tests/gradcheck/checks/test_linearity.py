"""Gradients grow with dout, and are 0 where dout is."""

import numpy as np
import pytest

from chainrule.gradcheck import check_functions

X = np.random.default_rng(0).standard_normal((5, 4))


def forward(x):
    return x * x, x


@pytest.mark.parametrize(
    ("factor", "cause"),
    [
        (np.ones_like, "dout-ignored"),
        (np.abs, "not-linear"),
        (np.square, "not-linear"),
        (lambda dout: 0.5 + 0.5 * dout, "not-zero-at-zero"),
    ],
    ids=["ignored", "sign", "square", "constant"],
)
def test_the_gradient_of_a_sum_that_is_right_for_dout_1_alone_is_wrong(factor, cause):
    def backward(dout, x):
        return factor(dout) * np.ones_like(x)

    report = check_functions(lambda x: (x.sum(), x), backward, X)
    assert [finding.cause for finding in report.findings] == [cause]


def test_a_gradient_that_is_not_0_for_dout_0_is_found_where_its_values_are_right():
    def backward(dout, x):
        # The part without dout is nothing but for dout = 0.
        return 2 * x * dout + (0.0 if dout.any() else 0.1)

    (finding,) = check_functions(forward, backward, X).findings
    assert finding.cause == "not-zero-at-zero"
    assert finding.message == "dx is not 0 for dout = 0, as a gradient has to be"


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_a_linear_pass_is_linear_in_whatever_precision_it_computes(dtype):
    def coarse(dout, x):
        return (dout.astype(dtype) * (2 * x).astype(dtype)).astype(np.float64)

    assert check_functions(forward, coarse, X).probes["linearity in dout"].outcome == "passed"
