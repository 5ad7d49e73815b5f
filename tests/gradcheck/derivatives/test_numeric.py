import re
from fractions import Fraction

import numpy as np
import pytest

from chainrule.gradcheck import numerical_gradient


def test_the_gradient_of_a_polynomial_is_found_entry_by_entry():
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    slopes = numerical_gradient(lambda: (x**3).sum(), x)
    np.testing.assert_allclose(slopes, [[3.0, 12.0], [0.75, 27.0]], rtol=1e-9)


def test_dout_weighs_the_outputs():
    x = np.array([1.0, 2.0])
    slopes = numerical_gradient(lambda: np.array([x[0] * x[1], x[1]]), x, np.array([10.0, 1.0]))
    np.testing.assert_allclose(slopes, [20.0, 11.0], rtol=1e-9)


def test_x_is_put_back_bit_for_bit_even_when_f_raises():
    x = np.array([0.1, 0.2])
    kept = x.tobytes()
    numerical_gradient(lambda: x.sum(), x)
    assert x.tobytes() == kept

    def fails():
        raise RuntimeError("no value here")

    with pytest.raises(RuntimeError, match="no value here"):
        numerical_gradient(fails, x)
    assert x.tobytes() == kept


def test_a_function_that_returns_x_itself_has_slope_one():
    x = np.array([0.1, 0.2])
    np.testing.assert_allclose(numerical_gradient(lambda: x, x, np.ones(2)), [1, 1], rtol=1e-9)


def test_large_inputs_get_large_steps():
    x = np.array([1e9])
    np.testing.assert_allclose(numerical_gradient(lambda: x * x, x, np.ones(1)), [2e9], rtol=1e-6)


def test_only_the_entries_asked_for_are_looked_at():
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(
        numerical_gradient(lambda: (x**2).sum(), x, entries=[5, 1]), [10, 2], rtol=1e-9
    )


def test_differences_are_taken_before_they_are_summed():
    x = np.array([0.5])
    large = np.full(1000, 1e6)  # a total of 1e9, in which a step of 1e-5 would drown
    slope = numerical_gradient(lambda: np.append(large, np.sin(x)), x, np.ones(1001))
    assert slope.item() == pytest.approx(0.8775825618903728, rel=1e-9)


def test_a_dout_of_another_shape_is_refused_not_broadcast():
    x = np.ones(3)
    with pytest.raises(ValueError, match=r"dout has shape \(3, 1\), expected \(3,\)"):
        numerical_gradient(lambda: x * 2, x, np.ones((3, 1)))


def test_float32_is_refused():
    with pytest.raises(TypeError, match="x has dtype float32, expected float64"):
        numerical_gradient(lambda: 0.0, np.ones(2, np.float32))


def cubes(method, **options):
    x = np.array([[1.0, -2.0], [0.5, 3.0]]).astype(complex if method == "complex" else float)
    return numerical_gradient(lambda: (x**3).sum(), x, method=method, **options)


@pytest.mark.parametrize(
    ("method", "error"), [("forward", 2e-7), ("central", 1e-9), ("complex", 1e-15)]
)
def test_every_method_is_as_exact_as_it_says(method, error):
    slopes = cubes(method)
    assert slopes.dtype == np.float64
    np.testing.assert_allclose(slopes, [[3.0, 12.0], [0.75, 27.0]], rtol=error)


def quotient_of_slopes(error):
    """Of the two slopes in the message, that of the complex step over that of differences."""
    mine, theirs = re.search(
        r"slope along a random direction is (\S+), but (\S+) by", str(error)
    ).groups()
    return float(mine) / float(theirs)


def test_the_methods_are_the_formulas_they_are_named_after():
    # ((1 + h)³ - 1) / h = 3 + 3h + h² and ((1 + h)³ - (1 - h)³) / 2h = 3 + h², for h = 0.1.
    x = np.ones(1)
    for method, slope in (("forward", 3.31), ("central", 3.01)):
        found = numerical_gradient(lambda: x**3, x, np.ones(1), method=method, step=0.1)
        assert found.item() == pytest.approx(slope, rel=1e-12)
    # Im (1 + ih)³ / h = 3 - h²: so large a step is found to be wrong.
    z = x.astype(complex)
    with pytest.raises(ValueError, match="complex step: ") as caught:
        numerical_gradient(lambda: z**3, z, np.ones(1), method="complex", step=0.1)
    assert quotient_of_slopes(caught.value) == pytest.approx(2.99 / 3, rel=1e-7)


def test_the_methods_call_f_as_often_as_they_say():
    for method, calls in (("forward", 5), ("central", 8), ("complex", 8)):
        x = np.ones(4, complex if method == "complex" else float)
        count = []
        numerical_gradient(lambda x=x, c=count: c.append(0) or (x**2).sum(), x, method=method)
        assert len(count) == calls, method


def test_the_complex_step_puts_x_back_and_takes_dout_and_entries():
    z = np.array([0.3, 0.7], complex)
    kept = z.tobytes()
    slopes = numerical_gradient(lambda: z * z, z, np.array([1.0, 10.0]), method="complex")
    np.testing.assert_allclose(slopes, [0.6, 14.0], rtol=1e-15)
    one = numerical_gradient(lambda: z * z, z, np.ones(2), method="complex", entries=[1])
    np.testing.assert_allclose(one, [1.4], rtol=1e-15)
    assert z.tobytes() == kept


def test_a_complex_step_stands_beside_large_terms_that_cancel():
    z = np.array([0.5], complex)
    large = np.array([1e9, -1e9])
    dout = np.ones(3)
    slope = numerical_gradient(lambda: np.append(large, np.sin(z)), z, dout, method="complex")
    assert slope.item() == pytest.approx(0.8775825618903728, rel=1e-15)


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (lambda z: z * np.abs(z), "random direction is .* but .* by differences"),
        (lambda z: z * z.conj(), "f takes absolute values, conjugates or real parts"),
        (lambda z: np.sqrt(z * z) + 1e-6 * np.abs(z), "random direction"),
        (lambda z: np.abs(z), "f returns real numbers for complex ones, as abs and casts do"),
        (lambda z: z.astype(float), r"does not compute with complex numbers \(.*discards"),
        (lambda z: [float(one) for one in z], r"does not compute with complex numbers \("),
    ],
)
def test_a_complex_step_that_would_be_wrong_is_refused(f, said):
    z = np.array([0.5, -1.5], complex)
    with pytest.raises(ValueError, match=f"^complex step: .*{said}.*; use differences$"):
        numerical_gradient(lambda: f(z), z, np.ones(2), method="complex")
    assert z.tolist() == [0.5, -1.5]


def test_what_a_method_does_not_take_is_refused():
    x = np.ones(2)
    with pytest.raises(ValueError, match="method is 'simple', expected one of forward, central, c"):
        numerical_gradient(lambda: x.sum(), x, method="simple")
    for step in (0, -1e-3, np.inf, np.nan, "small", 1j, True, np.True_, np.ones(1)):
        said = re.escape(f"step is {step!r}, expected a positive number")
        with pytest.raises(ValueError, match=said):
            numerical_gradient(lambda: x.sum(), x, step=step)
    with pytest.raises(TypeError, match=r"x is a list, expected the array that f reads"):
        numerical_gradient(lambda: 0.0, [1.0])
    with pytest.raises(
        TypeError, match=r"float64, expected complex128: write z = x.astype\(complex\) and let f r"
    ):
        numerical_gradient(lambda: x.sum(), x, method="complex")
    with pytest.raises(TypeError, match=r"x has dtype complex128, expected float64$"):
        numerical_gradient(lambda: 0.0, x.astype(complex), method="forward")
    with pytest.raises(ValueError, match="x has imaginary parts, expected real numbers in it"):
        numerical_gradient(lambda: 0.0, x + 1j, method="complex")
    with pytest.raises(TypeError, match="f is a float64, expected a function without arguments"):
        numerical_gradient(x.sum(), x)
    for dout, error in (
        (None, TypeError),
        ("a", TypeError),
        (1j, TypeError),
        ([[1], []], ValueError),
    ):
        with pytest.raises(error, match=r"numerical_gradient: dout has .*, expected "):
            numerical_gradient(lambda: x, x, dout)
    x.flags.writeable = False
    with pytest.raises(ValueError, match="x is read-only, expected an array that may move while"):
        numerical_gradient(lambda: x.sum(), x)


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
@pytest.mark.parametrize("dtype", [float, complex])
def test_numbers_that_are_not_finite_cannot_move(bad, dtype):
    x, method = np.array([1.0, bad], dtype), "complex" if dtype is complex else "central"
    with pytest.raises(ValueError, match=f"x has {bad} in it, expected finite numbers"):
        numerical_gradient(lambda: x.sum(), x, method=method)


@pytest.mark.parametrize(
    "step", [np.float32(0.5), np.float64(0.5), np.longdouble(0.5), Fraction(1, 2)]
)
def test_a_step_may_be_any_real_number(step):
    x = np.ones(1)
    assert numerical_gradient(lambda: x**3, x, np.ones(1), step=step).item() == 3.25


@pytest.mark.parametrize("step", [1e-17, 5e-324, 1e308])
@pytest.mark.parametrize("method", ["forward", "central"])
def test_a_step_that_is_lost_in_rounding_or_overflows_is_refused(step, method):
    x = np.array([3e8])
    said = (
        r"differences: a step of .* from 3e\+08 is lost in rounding or overflows, expected a step"
    )
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=said):
        numerical_gradient(lambda: x.sum(), x, method=method, step=step)


@pytest.mark.parametrize("method", ["forward", "central", "complex"])
def test_entries_are_indices_into_x_once_or_twice_or_none(method):
    x = np.array([[1.0, 2.0], [3.0, 4.0]]).astype(complex if method == "complex" else float)

    def slopes(entries):
        return numerical_gradient(lambda: (x**2).sum(), x, method=method, entries=entries)

    for entries in ([3, 0, 3], (3, 0, 3), np.array([3, 0, 3]), iter([3, 0, np.int8(3)])):
        np.testing.assert_allclose(slopes(entries), [8, 2, 8], rtol=1e-6)
    assert slopes([]).shape == (0,)
    with pytest.raises(ValueError, match=r"entries is 0, expected indices into x\.flat, as in"):
        slopes(0)
    for entries in ([4], [-1], [0.0], [True], [None], "a", [[0, 1]], np.array([True] * 4)):
        said = r"entries has .* in it, expected indices into x\.flat, whole numbers from 0 on and b"
        with pytest.raises(ValueError, match=said):
            slopes(entries)


@pytest.mark.parametrize("method", ["forward", "central", "complex"])
def test_an_f_that_writes_into_x_is_refused_and_x_put_back(method):
    x = np.array([1.0, 2.0]).astype(complex if method == "complex" else float)

    def squares():
        x[...] *= x
        return x.sum()

    with pytest.raises(ValueError, match="f writes into x, expected it to read x alone, or a copy"):
        numerical_gradient(squares, x, method=method)
    assert x.tolist() == [1, 2]


def test_an_f_that_returns_the_same_array_from_every_call_is_copied():
    x, out = np.array([1.0, 2.0]), np.zeros(2)
    slopes = numerical_gradient(lambda: np.multiply(x, x, out=out), x, np.ones(2))
    np.testing.assert_allclose(slopes, [2, 4], rtol=1e-9)


@pytest.mark.parametrize("method", ["forward", "central"])
@pytest.mark.parametrize("shapes", [[(2,), (1,)], [(2,), (2, 1)], [(), (1,)]])
def test_an_f_whose_shape_changes_is_refused(method, shapes):
    x, count = np.ones(2), iter(range(100))
    with pytest.raises(
        ValueError, match=r"f returns an array of shape .* after one of shape .*, ex"
    ):
        numerical_gradient(lambda: np.ones(shapes[next(count) % 2]), x, method=method)


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (None, TypeError, "f returns dtype object, expected real numbers"),
        ("1", TypeError, "f returns dtype <U1, expected real numbers"),
        (1j, TypeError, "f returns dtype complex128, expected real numbers"),
        ([[1.0], 2.0], ValueError, "f returns rows of unlike lengths, expected an array"),
        (np.float32(1), TypeError, "f returns float32, in which rounding swamps them, expected fl"),
    ],
)
def test_what_is_no_value_is_refused(value, error, said):
    with pytest.raises(error, match=said):
        numerical_gradient(lambda: value, np.ones(1))


def test_a_complex_step_that_is_wrong_in_a_small_output_beside_large_ones_is_refused():
    z = np.array([0.5], complex)
    dout = np.array([1.0, 1.0, 0.0])

    def f():
        return np.stack([1e9 + z[0], 1e-9 * z[0] * np.abs(z[0]), 1e-9 * z[0] ** 2])

    with pytest.raises(ValueError, match="complex step: ") as caught:
        numerical_gradient(f, z, dout, method="complex")
    assert quotient_of_slopes(caught.value) == pytest.approx(1 / 2, rel=1e-7)
    slope = numerical_gradient(f, z, dout[::-1] - [0, 1, 0], method="complex")
    np.testing.assert_allclose(slope, [1e-9], rtol=1e-15)


def test_a_complex_step_in_complex64_is_refused():
    z = np.ones(2, complex)
    with pytest.raises(ValueError, match="complex step: f returns complex64, expected complex128"):
        numerical_gradient(lambda: np.complex64(z), z, np.ones(2), method="complex")
