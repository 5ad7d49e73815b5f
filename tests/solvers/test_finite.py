import math

import numpy as np
import pytest

from chainrule.solvers.finite import global_norm, non_finite


def test_the_norm_spans_all_arrays():
    grads = {"W": np.array([[1.0, 2.0], [4.0, 2.0]]), "b": np.array(12.0)}
    assert global_norm(grads) == 13.0


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        (np.float32, 1e30),
        (np.float32, 1e-22),
        (np.float32, 1e-38),
        (np.float64, 1e250),
        (np.float64, 1e-250),
    ],
)
def test_the_norm_neither_overflows_nor_underflows(dtype, size):
    grads = {"W": np.full((3, 3), size, dtype), "b": np.full(7, -size, dtype)}
    assert global_norm(grads) == pytest.approx(4 * size, rel=1e-6, abs=0)


def test_the_norm_of_many_float32_entries_is_accurate():
    grads = {"W": np.full((1000, 1000), 0.1, np.float32)}
    assert global_norm(grads) == pytest.approx(1000 * float(np.float32(0.1)), rel=1e-6)


def test_the_norm_of_nothing_and_of_zeros_is_zero():
    assert global_norm({}) == global_norm({"W": np.zeros(3), "b": np.zeros(0)}) == 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_bad_entry_makes_the_norm_not_finite(bad, dtype):
    grads = {"W": np.ones((5, 5), dtype), "b": np.array([1, bad], dtype), "c": np.ones(3, dtype)}
    assert not math.isfinite(global_norm(grads))


def test_bad_arrays_are_named_with_counts():
    arrays = {"W": np.array([[1.0, np.nan, np.inf]]), "b": np.ones(3)}
    assert non_finite(arrays) == "W (2 of 3 entries)"
    many = {name: np.array([np.nan]) for name in "abcde"}
    assert non_finite(many).endswith("c (1 of 1 entries), and 2 more")
    assert non_finite({"b": np.ones(3)}) == ""
