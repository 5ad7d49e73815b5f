import numpy as np
import pytest

from chainrule.solvers import SGD


def test_without_momentum_two_steps_by_hand(twice):
    assert twice(SGD(lr=0.1), grads=[2, 1]) == pytest.approx([0.8, 0.7], rel=1e-14)


def test_with_momentum_two_steps_by_hand(twice):
    # v = -0.2, then 0.9 · -0.2 - 0.1 = -0.28
    assert twice(SGD(0.1, momentum=0.9), grads=[2, 1]) == pytest.approx([0.8, 0.52], rel=1e-14)


def test_with_nesterov_momentum_two_steps_by_hand(twice):
    # 1 - 0.18 - 0.2, then 0.62 - 0.252 - 0.1
    rule = SGD(0.1, momentum=0.9, nesterov=True)
    assert twice(rule, grads=[2, 1]) == pytest.approx([0.62, 0.268], rel=1e-14)


def test_a_new_learning_rate_leaves_the_gathered_velocity_as_it_is():
    rule, params = SGD(0.1, momentum=0.9), {"b": np.array([1.0])}
    rule.update(params, {"b": np.array([2.0])})
    rule.lr = 0.01
    rule.update(params, {"b": np.array([1.0])})
    assert rule.state["b.velocity"] == pytest.approx(-0.19)  # 0.9 · -0.2 - 0.01
    assert params["b"] == pytest.approx(0.61)


def test_the_velocity_is_the_decaying_sum_of_all_gradients(many_steps, decaying_sum):
    path, dw = many_steps(SGD(0.1, momentum=0.9))
    velocity = -0.1 * decaying_sum(dw, 0.9)
    np.testing.assert_allclose(path, np.cumsum(velocity, axis=0), rtol=1e-12, atol=1e-12)


def test_nesterov_is_ahead_of_plain_momentum_by_the_velocity_to_come(many_steps, decaying_sum):
    plain, dw = many_steps(SGD(0.1, momentum=0.9))
    ahead, _ = many_steps(SGD(0.1, momentum=0.9, nesterov=True))
    velocity = -0.1 * decaying_sum(dw, 0.9)
    np.testing.assert_allclose(ahead, plain + 0.9 * velocity, rtol=1e-12, atol=1e-12)


def test_without_momentum_nothing_is_remembered(twice):
    rule = SGD(0.1)
    twice(rule, grads=[2, 1])
    assert rule.state == {}


def test_momentum_of_one_is_refused():
    with pytest.raises(ValueError, match=r"SGD: momentum must be a finite number in \[0, 1\), got"):
        SGD(0.1, momentum=1.0)


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(ValueError, match="momentum must be above 0"):
        SGD(0.1, nesterov=True)


def test_repr_is_the_constructor_call():
    assert repr(SGD(0.1, momentum=0.9)) == "SGD(lr=0.1, momentum=0.9, nesterov=False)"
