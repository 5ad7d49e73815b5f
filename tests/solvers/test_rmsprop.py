import numpy as np
import pytest

from chainrule.solvers import RMSProp


def test_two_steps_by_hand(twice):
    # s = 0.25 · 4 = 1, then 0.75 · 1 + 0.25 · 1 = 1: steps of 0.2 and 0.1
    assert twice(RMSProp(0.1, decay=0.75), grads=[2, 1]) == pytest.approx([0.8, 0.7], rel=1e-7)


def test_eps_is_outside_the_root(twice):
    rule = RMSProp(0.1, decay=0.75, eps=1.0)
    assert twice(rule, grads=[2, 0]) == pytest.approx([0.9, 0.9], rel=1e-14)


def test_each_step_is_divided_by_the_root_of_the_decaying_average(many_steps, decaying_sum):
    path, dw = many_steps(RMSProp(0.1))
    steps = 0.1 * dw / (np.sqrt(0.01 * decaying_sum(dw**2, 0.99)) + 1e-8)
    np.testing.assert_allclose(path, -np.cumsum(steps, axis=0), rtol=1e-12, atol=1e-12)


def test_a_negative_decay_is_refused():
    with pytest.raises(ValueError, match=r"RMSProp: decay must be .* in \[0, 1\), got"):
        RMSProp(0.1, decay=-0.1)


def test_repr_is_the_constructor_call():
    assert repr(RMSProp()) == "RMSProp(lr=0.01, decay=0.99, eps=1e-08)"
