"""What holds for every update rule."""

import numpy as np
import pytest
from safetensors.numpy import load, save

from chainrule.solvers import SGD, AdaGrad, Adam, AdamW, NonFiniteError, RMSProp, UpdateRule
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
    with pytest.raises(ValueError, match="Adam: lr must be a finite number above 0, got "):
        Adam(lr=lr)


def test_a_learning_rate_is_checked_when_it_is_changed_too():
    rule = SGD(0.1)
    with pytest.raises(ValueError, match="SGD: lr must be a finite number above 0, got -1"):
        rule.lr = -1


#: Steps of two equal gradients g, however large: a textbook step in units of lr.
STEADY = {
    "adam": [1, 1],  # m̂ = g, v̂ = g²
    "adamw": [1, 1],
    "adagrad": [1, 0.5**0.5],  # s = g², 2 g²
    "rmsprop": [10, 1 / 0.0199**0.5],  # s = 0.01 g², 0.0199 g²
}


@pytest.mark.parametrize("kind", ["adam", "adamw", "adagrad", "rmsprop"])
@pytest.mark.parametrize("size", [1e10, 1e17, 1e20, 3e38, -3e38])
def test_gradients_whose_squares_are_beyond_float32_move_a_parameter_as_any_do(kind, size):
    rule, params = RULES[kind](), {"b": np.zeros(2, np.float32)}
    for share in STEADY[kind]:
        before = params["b"].copy()
        rule.update(params, {"b": np.full(2, size, np.float32)})
        moved = params["b"] - before
        np.testing.assert_allclose(moved, -0.1 * share * np.sign(size), rtol=1e-5)
    assert params["b"].dtype == np.float32
    assert all(np.isfinite(array).all() for array in rule.state.values())


def test_small_gradients_after_a_large_one_are_remembered_too():
    rule, params = AdaGrad(0.1), {"b": np.zeros(1, np.float32)}
    rule.update(params, {"b": np.array([1e20], np.float32)})
    rule.update(params, {"b": np.array([1e19], np.float32)})
    # -0.1, then -0.1 · 0.1 / √(1 + 0.01)
    np.testing.assert_allclose(params["b"], -0.1 - 0.00995037190209989, rtol=1e-6)


def test_a_large_gradient_leaves_the_memory_of_other_parameters_as_it_is():
    rule = Adam(0.1)
    params = {name: np.zeros(2, np.float32) for name in "ab"}
    rule.update(params, {"a": np.full(2, 1e20, np.float32), "b": np.ones(2, np.float32)})
    assert rule.state["a.V"].dtype == np.float64
    assert rule.state["b.V"].dtype == np.float32


@pytest.mark.parametrize("kind", ["adam", "adamw", "adagrad", "rmsprop", "momentum", "nesterov"])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.nan, r"the gradient of W has the norm nan: W \(1 of 2 entries\)"),
        (np.inf, r"the gradient of W has the norm inf: W \(1 of 2 entries\)"),
        (1e200, r"the gradient of W has the norm 1e\+200, too large to be squared"),
    ],
)
def test_a_gradient_that_would_poison_the_memory_is_refused_by_name(kind, bad, message):
    rule, params = RULES[kind](), {"a": np.ones(2), "W": np.ones(2)}
    with pytest.raises(NonFiniteError, match=message):
        rule.update(params, {"a": np.ones(2), "W": np.array([1, bad])})
    assert all((w == 1).all() for w in params.values())
    assert rule.state.get("t", 0) == 0


@pytest.mark.parametrize("kind", ["adam", "adagrad", "rmsprop"])
def test_an_eps_that_float32_cannot_hold_is_kept_in_float64(kind):
    rule, params = RULES[kind](), {"b": np.zeros(2, np.float32)}
    rule.eps = 1e-60
    rule.update(params, {"b": np.array([0, 1e-30], np.float32)})
    np.testing.assert_allclose(params["b"], [0, -0.1 * STEADY[kind][0]], rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, np.int64, np.complex128])
def test_parameters_of_another_dtype_are_refused(make, dtype):
    params = {"W": np.zeros((2, 2), dtype)}
    with pytest.raises(TypeError, match=rf"parameter W has dtype {np.dtype(dtype)}, expected flo"):
        make().update(params, {"W": np.zeros((2, 2), dtype)})


def test_a_rule_without_a_formula_says_what_is_missing():
    class Idle(UpdateRule):
        pass

    with pytest.raises(NotImplementedError, match="Idle does not define step"):
        Idle(0.1).update({"W": np.ones(2)}, {"W": np.ones(2)})
