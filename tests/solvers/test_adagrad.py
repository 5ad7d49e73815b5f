import numpy as np
import pytest

from chainrule.solvers import AdaGrad


def test_two_steps_by_hand(twice):
    # s = 9, then 9 + 16 = 25: steps of 0.1 · 3/3 and 0.1 · 4/5
    assert twice(AdaGrad(lr=0.1), grads=[3, 4]) == pytest.approx([0.9, 0.82], rel=1e-8)


def test_eps_is_outside_the_root(twice):
    assert twice(AdaGrad(lr=0.1, eps=1.0), grads=[4, 0]) == pytest.approx([0.92, 0.92], rel=1e-14)


def test_each_step_is_divided_by_the_root_of_all_squares_so_far(many_steps):
    path, dw = many_steps(AdaGrad(0.1))
    steps = 0.1 * dw / (np.sqrt(np.cumsum(dw**2, axis=0)) + 1e-8)
    np.testing.assert_allclose(path, -np.cumsum(steps, axis=0), rtol=1e-12, atol=1e-12)


def test_an_eps_of_zero_is_refused():
    with pytest.raises(ValueError, match="AdaGrad: eps must be a finite number above 0, got 0"):
        AdaGrad(0.1, eps=0)


def test_repr_is_the_constructor_call():
    assert repr(AdaGrad()) == "AdaGrad(lr=0.01, eps=1e-08)"
