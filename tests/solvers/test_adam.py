import numpy as np
import pytest

from chainrule.solvers import Adam, AdamW


def test_two_steps_by_hand(twice):
    # m̂ = 2, v̂ = 4; then m = 0.5 + 2.5 = 3, m̂ = 4, v = 0.75 + 6.25 = 7, v̂ = 16
    rule = Adam(lr=0.1, beta1=0.5, beta2=0.75)
    assert twice(rule, grads=[2, 5]) == pytest.approx([0.9, 0.8], rel=1e-8)


def test_eps_is_added_to_the_corrected_root(twice):
    # 0.1 · 2 / (2 + 2), then 0.1 · 4 / (4 + 2)
    rule = Adam(lr=0.1, beta1=0.5, beta2=0.75, eps=2.0)
    expected = [0.95, 0.95 - 0.4 / 6]
    assert twice(rule, grads=[2, 5]) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 2e-5)])
def test_200_steps_are_the_paper_s_within_rounding(many_steps, decaying_sum, dtype, tolerance):
    path, dw = many_steps(Adam(0.1), dtype)
    ones = np.ones((200, 1, 1))
    m_hat = decaying_sum(dw, 0.9) / decaying_sum(ones, 0.9)
    v_hat = decaying_sum(dw.astype(np.float64) ** 2, 0.999) / decaying_sum(ones, 0.999)
    steps = 0.1 * m_hat / (np.sqrt(v_hat) + 1e-8)
    np.testing.assert_allclose(path, -np.cumsum(steps, axis=0), rtol=0, atol=10 * tolerance)


def test_all_parameters_share_one_count_of_steps():
    rule = Adam(0.1)
    params = {name: np.ones(2) for name in ("W1", "b1", "W2")}
    rule.update(params, params)
    rule.update(params, params)
    assert rule.state["t"] == 2


def adamw(weights=None):
    rule = AdamW(lr=0.1, beta1=0.5, beta2=0.75, weight_decay=0.5)
    rule.weights = weights
    return rule


def test_adamw_shrinks_weights_before_adam_s_step(twice):
    # 1 · 0.95 - 0.1, then 0.85 · 0.95 - 0.1
    assert twice(adamw(["w"]), grads=[2, 5], name="w") == pytest.approx([0.85, 0.7075], rel=1e-8)


def test_adamw_leaves_biases_to_adam(twice):
    assert twice(adamw([]), grads=[2, 5], name="W") == pytest.approx([0.9, 0.8], rel=1e-8)


def test_adamw_told_nothing_decays_what_has_two_dimensions_whatever_its_name():
    rule, params = adamw(), {"kernel": np.ones((1, 1)), "W": np.ones(1)}
    rule.update(params, {"kernel": np.full((1, 1), 2.0), "W": np.full(1, 2.0)})
    assert params["kernel"].item() == pytest.approx(0.85, rel=1e-8)
    assert params["W"].item() == pytest.approx(0.9, rel=1e-8)


def test_a_weight_that_is_no_parameter_is_refused_and_nothing_changes():
    rule, params = adamw(["affine1.W"]), {"W": np.ones((1, 1))}
    with pytest.raises(ValueError, match=r"weights names 'affine1.W', but parameters are \['W'\]"):
        rule.update(params, {"W": np.ones((1, 1))})
    assert params["W"].item() == 1
    assert rule.state["t"] == 0


def test_a_beta_of_one_is_refused():
    with pytest.raises(ValueError, match=r"Adam: beta2 must be a finite number in \[0, 1\), got 1"):
        Adam(beta2=1)


def test_a_decay_of_zero_is_refused():
    with pytest.raises(ValueError, match="AdamW: weight_decay must be a finite number above 0"):
        AdamW(weight_decay=0)


def test_repr_is_the_constructor_call():
    expected = "AdamW(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08, weight_decay=0.01)"
    assert repr(AdamW()) == expected
