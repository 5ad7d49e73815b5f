"""Functions of numbers that are huge, tiny, empty, or no numbers at all."""

import numpy as np
import pytest

from chainrule.gradcheck import check, check_functions
from chainrule.layers import BatchNorm

X = np.random.default_rng(0).standard_normal((5, 4))
SCALES = [1e-300, 1e-200, 1e-20, 1e20, 1e150]


@pytest.mark.parametrize("scale", SCALES)
def test_outputs_of_any_size_are_judged(scale):
    def forward(x):
        return scale * x, None

    assert check_functions(forward, lambda dout, _: scale * dout, X)
    assert not check_functions(forward, lambda dout, _: 1.5 * scale * dout, X)


@pytest.mark.parametrize("scale", SCALES)
def test_inputs_of_any_size_are_judged(scale):
    assert check_functions(lambda x: (3 * x, None), lambda dout, _: 3 * dout, scale * X)
    assert not check_functions(lambda x: (3 * x, None), lambda dout, _: 2 * dout, scale * X)


@pytest.mark.parametrize("shape", [(), (0, 4), (4, 0), (1,), (1, 1), (2, 3, 4, 5)])
def test_inputs_of_any_shape_are_judged(shape):
    x = np.random.default_rng(1).standard_normal(shape)
    assert check_functions(lambda x: (np.sin(x), x), lambda dout, x: dout * np.cos(x), x)
    wrong = check_functions(lambda x: (np.sin(x), x), lambda dout, x: dout * np.sin(x), x)
    assert bool(wrong) == (x.size == 0)


@pytest.mark.parametrize("out", ["a", np.array(["a", "b"]), np.array([None])])
def test_what_is_no_array_of_numbers_is_told(out):
    report = check_functions(lambda x: (out, x), lambda dout, _: dout, X)
    assert not report
    assert "out must be an array of numbers, and has dtype" in report.findings[0].message


def test_a_pass_that_gives_no_cache_in_inference_is_told_in_words():
    def forward(x, settings):
        return (2 * x, None) if settings["mode"] == "train" else 2 * x

    report = check_functions(forward, lambda dout, _: 2 * dout, X, {"mode": "train"})
    assert report
    assert report.probes["inference mode"].why.startswith("forward must return out, cache, and")


def test_a_bend_is_no_kink():
    """A constant feature of size 2,000: behind its mean the slope turns within 1e-6 of it."""
    x = 1000 * np.random.default_rng(2).standard_normal((5, 4))
    x[:, 3] = 2000
    assert check(BatchNorm(4), x, strict=True)
