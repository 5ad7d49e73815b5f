"""What holds for every update rule."""

import numpy as np
import pytest
from safetensors.numpy import load, save

from chainrule.solvers import SGD, AdaGrad, Adam, AdamW, RMSProp, UpdateRule
from chainrule.solvers.rule import BLOCK

RULES = {
    "sgd": lambda: SGD(0.1),
    "momentum": lambda: SGD(0.1, momentum=0.9),
    "nesterov": lambda: SGD(0.1, momentum=0.9, nesterov=True),
    "adagrad": lambda: AdaGrad(0.1),
    "rmsprop": lambda: RMSProp(0.1),
    "adam": lambda: Adam(0.1),
    "adamw": lambda: AdamW(0.1),
}


@pytest.fixture(params=RULES)
def make(request):
    return RULES[request.param]


def arrays(rng, dtype=np.float64, rows=4):
    return {"W": rng.normal(size=(rows, 3)).astype(dtype), "b": rng.normal(size=3).astype(dtype)}


def test_parameters_are_updated_in_place_and_gradients_are_left_alone(make):
    rng, rule = np.random.default_rng(0), make()
    params, grads = arrays(rng), arrays(rng)
    identity = {name: id(array) for name, array in params.items()}
    before = {name: array.copy() for name, array in params.items()}
    for dw in grads.values():
        dw.flags.writeable = False
    rule.update(params, grads)
    assert {name: id(array) for name, array in params.items()} == identity
    assert all(np.all(params[name] != before[name]) for name in params)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_and_memory_keep_their_dtype_with_a_numpy_learning_rate(make, dtype):
    rng, rule = np.random.default_rng(0), make()
    rule.lr = np.float64(0.05)
    params, grads = arrays(rng, dtype), arrays(rng, dtype)
    rule.update(params, grads)
    floats = [*params.values(), *(array for key, array in rule.state.items() if key != "t")]
    assert {array.dtype for array in floats} == {np.dtype(dtype)}
    assert type(rule.lr) is float


def test_state_is_flat_and_survives_a_file(make):
    rng = np.random.default_rng(0)
    params, gradients = arrays(rng), [arrays(rng) for _ in range(6)]
    rule = make()
    for grads in gradients[:3]:
        rule.update(params, grads)
    other, theirs = make(), {name: array.copy() for name, array in params.items()}
    other.state = load(save(rule.state))
    for grads in gradients[3:]:
        rule.update(params, grads)
        other.update(theirs, grads)
    assert all(np.array_equal(params[name], theirs[name]) for name in params)


def test_parameters_larger_than_a_block_move_as_their_parts_do(make):
    rng, rows = np.random.default_rng(0), BLOCK // 3 + 5
    whole, grads = arrays(rng, rows=rows), arrays(rng, rows=rows)
    parts = {f"W{i}": whole["W"][i : i + 700].copy() for i in range(0, rows, 700)}
    part_grads = {f"W{i}": grads["W"][i : i + 700] for i in range(0, rows, 700)}
    by_whole, by_parts = make(), make()
    for _ in range(2):
        by_whole.update(whole, grads)
        by_parts.update(parts, part_grads)
    assert np.array_equal(whole["W"], np.concatenate([*parts.values()]))


def test_a_transposed_view_larger_than_a_block_is_updated_too(make):
    base = np.ones((3, BLOCK))
    make().update({"W": base.T}, {"W": np.ones((BLOCK, 3))})
    assert np.all(base != 1)


def test_a_parameter_without_gradient_is_named_and_nothing_changes(make):
    params = arrays(np.random.default_rng(0))
    rule, before = make(), params["W"].copy()
    with pytest.raises(ValueError, match=r"parameter b has no gradient; gradients came for \['W'"):
        rule.update(params, {"W": np.ones((4, 3))})
    assert np.array_equal(params["W"], before)
    assert rule.state.get("t", 0) == 0


def test_a_gradient_without_parameter_is_named(make):
    with pytest.raises(ValueError, match=r"gradient c has no parameter; parameters are \['W'\]"):
        make().update({"W": np.ones(2)}, {"W": np.ones(2), "c": np.ones(2)})


def test_a_gradient_of_another_shape_is_named_with_both_shapes(make):
    with pytest.raises(ValueError, match=r"gradient of W has shape \(2, 1\), expected \(2,\)"):
        make().update({"W": np.ones(2)}, {"W": np.ones((2, 1))})


def test_state_of_another_model_is_refused_before_anything_changes():
    rule, params = SGD(0.1, momentum=0.9), {"a": np.ones(2), "W": np.ones(2)}
    rule.state["W.velocity"] = np.zeros(3)
    with pytest.raises(ValueError, match=r"state W.velocity has shape \(3,\).* W has \(2,\)"):
        rule.update(params, {"a": np.ones(2), "W": np.ones(2)})
    assert np.all(params["a"] == 1)


@pytest.mark.parametrize("lr", [-1, 0, float("nan"), float("inf"), "0.1", None])
def test_a_learning_rate_that_is_no_positive_number_is_refused(lr):
    with pytest.raises(ValueError, match=r"Adam\(lr=.*\): lr must be a positive number"):
        Adam(lr=lr)


def test_a_learning_rate_is_checked_when_it_is_changed_too():
    rule = SGD(0.1)
    with pytest.raises(ValueError, match=r"SGD\(lr=-1\): lr must be a positive number"):
        rule.lr = -1


def test_a_rule_without_a_formula_says_what_is_missing():
    class Idle(UpdateRule):
        pass

    with pytest.raises(NotImplementedError, match="Idle does not define step"):
        Idle(0.1).update({"W": np.ones(2)}, {"W": np.ones(2)})
