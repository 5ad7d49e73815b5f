# ruff: noqa: ARG001, ARG005  (vjps are given what they may need)
"""The gradients of HIPS autograd's functions: right ones, wrong ones, and what tells them apart."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("autograd")
import autograd.numpy as anp
from autograd.builtins import tuple as boxes
from autograd.extend import defvjp, primitive

from chainrule.gradcheck.autograd import check
from tests.gradcheck.front_ends import autograd_functions, autograd_strangers

CASES = autograd_functions.CASES
WRONG = [(name, vjps) for name, case in CASES.items() for vjps in case.wrong]
DTYPES = [np.float64, np.float32]
X = np.random.default_rng(0).standard_normal((4, 3))
PARAMS = {"W": X[:3] / 2, "b": X[3]}


def checked(name, wrong=None, dtype=np.float64, **options):
    case = CASES[name]
    arguments = in_dtype(case.arguments(np.random.default_rng(3)), dtype)
    return check(case.made(case.wrong[wrong] if wrong else None), *arguments, **options)


def in_dtype(arguments, dtype):
    """The arguments, with arrays of floats in another dtype."""
    floats = [isinstance(a, np.ndarray) and a.dtype.kind == "f" for a in arguments]
    pairs = zip(arguments, floats, strict=True)
    return [a.astype(dtype) if is_float else a for a, is_float in pairs]


def with_vjps(fun, *vjps):
    function = primitive(fun)
    defvjp(function, *vjps)
    return function


# ---- right and wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_right_ones_are_right(name, dtype):
    report = checked(name, dtype=dtype)
    assert report
    assert not report.remarks
    assert report.tensors


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "wrong"), WRONG)
def test_wrong_ones_are_found(name, wrong, dtype):
    assert not checked(name, wrong, dtype)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", autograd_strangers.STRANGERS)
def test_functions_of_autograd_itself_are_right(name, dtype):
    function, arguments = autograd_strangers.STRANGERS[name]
    assert check(function, *in_dtype(arguments, dtype))


def test_what_is_wrong_in_float32_alone_is_found():
    def vjp(ans, x):
        return lambda g: g * np.cos(x) * (2 if x.dtype == np.float32 else 1)

    sine = with_vjps(np.sin, vjp)
    assert check(sine, X)
    (finding,) = check(sine, X.astype(np.float32)).findings
    assert "in float32, dx is off by 100%" in finding.message


# ---- what is said -------------------------------------------------------------------------------


def test_a_variable_of_the_vjp_and_its_line_are_named():
    (finding,) = checked("logsumexp", "jacobian").findings
    assert finding.message == "dx has the factor (1 - p) too much"
    assert finding.line.endswith("return lambda g: anp.expand_dims(g, axis) * p * (1 - p)")


def test_an_argument_without_a_vjp_is_told_unless_it_is_not_looked_at():
    product = with_vjps(lambda x, y: x * y, lambda ans, x, y: lambda g: g * y)
    (finding,) = check(product, X, X + 1).findings
    assert finding.message.startswith("there is no d")
    assert check(product, X, X + 1, wrt="x")


def test_a_vjp_that_is_none_says_that_there_is_no_gradient():
    product = with_vjps(lambda x, y: x * y, lambda ans, x, y: lambda g: g * y, None)
    (finding,) = check(product, X, X + 1).findings
    assert finding.message == "dy is 0 everywhere"
    assert check(with_vjps(lambda x, y: x + 0 * y, lambda ans, x, y: lambda g: g, None), X, X)


def test_a_vjp_that_writes_into_what_it_is_given_is_told():
    def vjp(ans, x):
        def back(g):
            g *= np.cos(x)
            return g

        return back

    (finding,) = check(with_vjps(np.sin, vjp), X).findings
    assert finding.cause == "backward-writes"


def test_a_gradient_of_another_shape_is_told():
    product = with_vjps(lambda x: x * 2, lambda ans, x: lambda g: (2 * g).sum(axis=0))
    (finding,) = check(product, X).findings
    assert "dx has shape (3,), x has (4, 3)" in finding.message


# ---- arguments and outputs ----------------------------------------------------------------------


def two_outputs(params, x):
    h = anp.tanh(x @ params["W"] + params["b"])
    return h, {"total": anp.sum(h**2), "signs": np.sign(0 * X)}


def boxed_outputs(params, x):
    return boxes(two_outputs(params, x)[:1])


@pytest.mark.parametrize("several", [two_outputs, boxed_outputs])
def test_containers_as_arguments_and_outputs(several):
    report = check(several, PARAMS, X)
    assert report
    assert {*report.tensors} == {"x", "params['W']", "params['b']"}


def test_second_derivatives():
    right = with_vjps(np.sin, lambda ans, x: lambda g: g * anp.cos(x))
    held = with_vjps(np.sin, lambda ans, x: lambda g: g * np.cos(getattr(x, "_value", x)))
    report = check(right, X, order=2)
    assert report
    assert {"x (second)", "upstream[0] (second)"} < {*report.tensors}
    assert check(held, X)
    (finding,) = check(held, X, order=2).findings
    assert finding.message.startswith("second derivatives: ")


def test_what_is_meant_has_another_derivative():
    sign = with_vjps(np.sign, lambda ans, x: lambda g: g)
    assert not check(sign, X)
    assert check(sign, X, surrogate=lambda x: x)
    assert not check(sign, X, surrogate=lambda x: 2 * x)


# ---- what comes from outside --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((3, X), TypeError, "3 is not a function"),
        ((anp.sin, 1j * X), TypeError, "x is complex"),
        ((anp.sin, np.arange(3)), ValueError, "expected an array of floats among the arguments"),
        ((anp.sin, X * np.nan), ValueError, "x holds nan or inf"),
        ((anp.sin,), ValueError, "expected an array of floats"),
    ],
)
def test_what_cannot_be_checked_is_one_sentence(arguments, error, said):
    with pytest.raises(error, match=said):
        check(*arguments)


def test_an_order_that_there_is_not():
    with pytest.raises(ValueError, match="order is 3, expected 1 or 2"):
        check(anp.sin, X, order=3)


def test_a_complex_output_is_told():
    (finding,) = check(anp.fft.fft, X).findings
    assert "out must be an array of real numbers, and has dtype complex128" in finding.message


def test_importing_it_imports_numpy_alone():
    code = "import sys, chainrule.gradcheck.autograd; sys.exit('autograd' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
