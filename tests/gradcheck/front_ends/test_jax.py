# ruff: noqa: ARG001, ARG005  (fwd and bwd are given what they may need)
"""The gradients of JAX functions: right ones, wrong ones, and what they are told apart by."""

import subprocess
import sys
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

from chainrule.gradcheck.jax import check  # noqa: E402
from tests.gradcheck.front_ends import jax_functions, jax_strangers  # noqa: E402

CASES = jax_functions.CASES
QUICK = ("log1pexp", "reversal", "safe norm", "cross-entropy", "dense")  # the others are slow
X = np.random.default_rng(0).standard_normal((4, 3))
PARAMS = {"W": X[:3] / 2, "b": X[3]}


def in_dtype(arguments, dtype):
    """The arguments, with arrays of floats as arrays of JAX in another dtype."""

    def cast(a):
        return jnp.asarray(a, dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a

    return jax.tree_util.tree_map(cast, arguments)


def checked(name, wrong=None, dtype=None, **options):
    case = CASES[name]
    arguments = case.arguments(np.random.default_rng(3))
    function = case.made(case.wrong[wrong] if wrong else None)
    arguments = in_dtype(arguments, dtype) if dtype else arguments
    return check(function, *arguments, surrogate=case.surrogate, **options)


def with_bwd(fun, bwd, fwd=None):
    """A custom_vjp function that keeps its arguments, unless fwd is given."""
    function = jax.custom_vjp(fun)
    function.defvjp(fwd or (lambda *args: (fun(*args), args)), bwd)
    return function


def linear(params, x):
    return x @ params["W"] + params["b"]


# ---- right and wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUICK)
def test_right_ones_are_right_and_wrong_ones_are_found(name):
    report = checked(name, effort="quick")
    assert report
    assert not report.remarks
    assert report.tensors
    for wrong in CASES[name].wrong:
        assert not checked(name, wrong, effort="quick")


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("name", CASES)
def test_in_full_and_in_every_dtype_right_ones_are_right_and_wrong_ones_are_found(name, dtype):
    dtype = None if dtype == "float64" else dtype
    report = checked(name, dtype=dtype)
    assert report
    assert not report.remarks
    for wrong in CASES[name].wrong:
        assert not checked(name, wrong, dtype)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", jax_strangers.STRANGERS)
def test_functions_of_jax_itself_are_right(name, dtype):
    function, arguments = jax_strangers.STRANGERS[name]
    arguments = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arguments]
    assert check(function, *arguments)


def test_in_full_it_is_right_too():
    report = check(with_bwd(jnp.sin, lambda r, g: (g * jnp.cos(r[0]),)), X)
    assert report
    assert not report.remarks
    assert report.probes["large inputs"].outcome == "passed"
    assert report.probes["the dtype given"].outcome == "passed"


def test_bfloat16_is_right():
    report = checked("reversal", dtype="bfloat16")
    assert report
    assert report.probes["the dtype given"].outcome == "passed"
    assert not report.remarks


def test_what_is_wrong_in_float32_alone_is_found():
    def bwd(residuals, g):
        (x,) = residuals
        return (g * jnp.cos(x) * (2 if x.dtype == jnp.float32 else 1),)

    report = check(with_bwd(jnp.sin, bwd), in_dtype((X,), "float32")[0])
    assert [finding.cause for finding in report.findings] == ["off-in-dtype"]
    assert "in float32, dx is off by 100%" in report.findings[0].message


def test_a_function_that_takes_float32_alone_is_judged_in_float32():
    def only(x):
        if x.dtype != jnp.float32:
            raise TypeError("float32, please")
        return jnp.sin(x) * x

    for factor, right in ((1, True), (1.1, False)):

        def bwd(residuals, g, factor=factor):
            (x,) = residuals
            return (g * (jnp.cos(x) * x + factor * jnp.sin(x)),)

        report = check(with_bwd(only, bwd), in_dtype((X,), "float32")[0], effort="quick")
        assert bool(report) is right
        assert any("judged in float32" in note for note in report.notes)


# ---- what is said -------------------------------------------------------------------------------


def test_leaves_have_the_names_of_their_paths_and_the_sentence_names_a_residual():
    report = checked("dense", "not squared")
    assert {*report.tensors} == {"x", "params['W']", "params['b']"}
    (finding,) = report.findings
    assert finding.message == (
        "dx, dparams['W'] and dparams['b'] lack the factor (1 + out) on dout"
    )
    assert 'return {"W": x.T @ dz' in finding.line


@pytest.mark.slow
def test_the_edit_that_mends_bwd_is_named():
    (finding,) = checked("quantise", "scaled").findings
    assert "without `* 8`" in finding.message
    assert "jnp.where(inside, g, 0)," in finding.hint


def test_the_number_that_is_missing_is_named():
    (finding,) = checked("reversal", "without strength").findings
    assert "1/strength" in finding.message


@pytest.mark.parametrize(
    ("bwd", "said"),
    [
        (lambda r, g: (g @ r[0]["W"].T,), "returns 1 gradient for the 2 inputs params, x"),
        (lambda r, g: g @ r[0]["W"].T, "must return a tuple of gradients, and returns an array"),
        (lambda r, g: None, "must return a tuple of gradients, and returns None"),
        (
            lambda r, g: ({"W": r[1].T @ g}, g @ r[0]["W"].T),
            "returns for params a dict of 1, which holds nothing for params['b']",
        ),
        (
            lambda r, g: ([r[1].T @ g, g.sum(0)], g @ r[0]["W"].T),
            "returns for params a list of 2, which holds nothing for params['W']",
        ),
        (
            lambda r, g: ({"W": r[1].T @ g, "b": g}, g @ r[0]["W"].T),
            "dparams['b'] has shape (4, 3), params['b'] has (3,)",
        ),
    ],
)
def test_what_jax_refuses_is_one_finding(bwd, said):
    (finding,) = check(with_bwd(linear, bwd), PARAMS, X, effort="quick").findings
    assert said in finding.message


def test_fwd_has_to_return_the_output_of_the_function():
    def bwd(r, g):
        return {"W": r[1].T @ g, "b": g.sum(0)}, g @ r[0]["W"].T

    def fwd(params, x):
        return x @ params["W"], (params, x)

    (finding,) = check(with_bwd(linear, bwd, fwd), PARAMS, X).findings
    assert finding.cause == "fwd-differs"
    (finding,) = check(with_bwd(linear, bwd, linear), PARAMS, X).findings
    assert finding.message == "linear must return out, residuals, and returns an array"


def test_a_bwd_that_raises_is_told():
    def bwd(r, g):
        raise KeyError("nothing")

    (finding,) = check(with_bwd(jnp.sin, bwd), X).findings
    assert "bwd raises KeyError: 'nothing'" in finding.message


# ---- arguments ----------------------------------------------------------------------------------


class Cell(NamedTuple):
    h: object
    c: object


def test_named_tuples_nothing_and_what_is_no_array():
    def step(cell, bias, form, power):
        out = (jnp.tanh(cell.h) * cell.c) ** power
        return Cell(out if bias is None else out + bias, out.sum()) if form == "pair" else out

    cell = Cell(X, jnp.asarray(2 * X))
    for form in ("pair", "one"):
        report = check(step, cell, None, form, 2, effort="quick")
        assert report
        assert {*report.tensors} == {"cell.h", "cell.c"}


def test_python_floats_are_not_differentiated_and_that_is_told():
    report = check(lambda x, eps: x / (x**2 + eps), X, 0.1, effort="quick")
    assert report
    assert report.notes == [
        "eps = 0.1 is a Python number: passed on as it is, and not differentiated; make it an "
        "array to look at its gradient"
    ]


def test_keys_are_passed_on():
    def dropout(key, x):
        return jnp.where(jax.random.bernoulli(key, 0.7, x.shape), x / 0.7, 0)

    def bwd(residuals, g):
        key, x = residuals
        return None, jnp.where(jax.random.bernoulli(key, 0.7, x.shape), g, 0)

    assert check(dropout, jax.random.PRNGKey(0), X, effort="quick")
    assert not check(with_bwd(dropout, bwd), jax.random.key(0), X, effort="quick")


def test_an_argument_or_a_leaf_can_be_chosen():
    wrong = CASES["dense"].made(CASES["dense"].wrong["mean of b"])
    quick = partial(check, wrong, PARAMS, X, effort="quick")
    assert quick(wrt="x")
    assert quick(wrt=("x", "params['W']"))
    assert not quick(wrt="params")
    with pytest.raises(ValueError, match="wrt names"):
        quick(wrt="weights")


def test_jit_around_and_inside_changes_nothing():
    wrong = with_bwd(jnp.sin, lambda r, g: (-g * jnp.cos(r[0]),))
    for around in (jax.jit(wrong), lambda x: 2 * jax.jit(wrong)(x)):
        (finding,) = check(around, X, effort="quick").findings
        assert finding.message == "dx has the wrong sign everywhere"
    assert check(jax.jit(wrong), X, effort="quick").subject == "sin, <lambda>"


def test_a_function_that_cannot_be_compiled():
    def branches(x):
        return jnp.sin(x) if float(jax.lax.stop_gradient(x).sum()) > -100 else x

    assert check(branches, X, effort="quick")


@pytest.mark.parametrize("slope", [jnp.cos, lambda x: -jnp.cos(x)])
def test_a_custom_jvp(slope):
    @jax.custom_jvp
    def sine(x):
        return jnp.sin(x)

    @sine.defjvp
    def sine_jvp(primals, tangents):
        (x,), (t,) = primals, tangents
        return sine(x), slope(x) * t

    assert bool(check(sine, X)) is (slope is jnp.cos)


def test_what_is_meant_has_another_derivative():
    sign = with_bwd(jnp.sign, lambda residuals, g: (g,))
    assert not check(sign, X, effort="quick")
    assert check(sign, X, effort="quick", surrogate=lambda x: x)
    assert not check(sign, X, effort="quick", surrogate=lambda x: 2 * x)


def test_a_clipped_gradient_is_not_linear():
    clip = partial(jax.custom_vjp, nondiff_argnums=(0,))(lambda _, x: x)
    clip.defvjp(lambda _, x: (x, None), lambda most, _, g: (jnp.clip(g, -most, most),))
    assert not check(clip, 0.1, X, effort="quick")
    assert check(clip, 1e3, X, effort="quick")


def test_second_derivatives():
    def bwd(residuals, g):
        (x,) = residuals
        return (g * jnp.cos(x),)

    def held(residuals, g):
        (x,) = residuals
        return (g * jnp.cos(jax.lax.stop_gradient(x)),)

    report = check(with_bwd(jnp.sin, bwd), X, order=2)
    assert report
    assert {"x (second)", "upstream[0] (second)"} < {*report.tensors}
    (finding,) = check(with_bwd(jnp.sin, held), X, order=2).findings
    assert finding.message.startswith("second derivatives: ")


# ---- what comes from outside --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((3, X), TypeError, "3 is not a function"),
        ((jnp.sin, 1j * X), TypeError, "x is complex"),
        ((jnp.sin, np.arange(3)), ValueError, "expected an array of floats among the arguments"),
        ((jnp.sin, X * np.nan), ValueError, "x holds nan or inf"),
        ((jnp.sin,), ValueError, "expected an array of floats"),
    ],
)
def test_what_cannot_be_checked_is_one_sentence(arguments, error, said):
    with pytest.raises(error, match=said):
        check(*arguments)


def test_an_order_that_there_is_not():
    with pytest.raises(ValueError, match="order is 3, expected 1 or 2"):
        check(jnp.sin, X, order=3)


def test_a_complex_output_is_told():
    (finding,) = check(lambda x: jnp.fft.fft(x), X).findings
    assert "out must be an array of real numbers, and has dtype complex128" in finding.message


@pytest.mark.parametrize("enabled", [False, True])
def test_the_setting_of_float64_stays_as_it_was(enabled):
    with jax.enable_x64(enabled):
        assert check(jnp.sin, X, effort="quick")
        assert jax.config.jax_enable_x64 is enabled
        with pytest.raises(ZeroDivisionError):
            check(lambda x: x, X, wrt=1 // 0)
        assert jax.config.jax_enable_x64 is enabled


def test_importing_it_imports_numpy_alone():
    code = "import sys, chainrule.gradcheck.jax; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
