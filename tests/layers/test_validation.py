import re
from fractions import Fraction

import numpy as np
import pytest

from chainrule.layers.validation import number, whole


@pytest.mark.parametrize("value", [2, np.int8(2), np.uint64(2)])
def test_a_whole_number_of_any_kind_becomes_one_of_python(value):
    assert type(whole("Net", "n", value)) is int
    assert whole("Net", "n", value, 2) == 2


@pytest.mark.parametrize("value", [1, 2.0, True, "2", None, np.bool_(True), np.array([2, 3])])
def test_what_is_no_whole_number_or_too_small_is_refused(value):
    with pytest.raises(ValueError, match=r"^Net: n must be a whole number of at least 2, got "):
        whole("Net", "n", value, 2)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), Fraction(1, 2), np.longdouble(0.5)])
def test_a_number_of_any_kind_becomes_a_float(value):
    assert type(number("Net", "p", value)) is float
    assert number("Net", "p", value, 0.5, but=1) == 0.5


@pytest.mark.parametrize(
    ("value", "bounds", "expected"),
    [
        ("1", {}, "a finite number"),
        (np.nan, {}, "a finite number"),
        (10**400, {}, "a finite number"),
        (1j, {}, "a finite number"),
        (-1, {"low": 0}, "a finite number of at least 0"),
        (np.inf, {"low": 0}, "a finite number of at least 0"),
        (0, {"low": 0, "but": 0}, "a finite number above 0"),
        (2, {"low": 0, "high": 1}, "a finite number in [0, 1]"),
        (1, {"low": 0, "high": 1, "but": 1}, "a finite number in [0, 1)"),
        (0.0, {"low": 0, "high": 1, "but": 0}, "a finite number in (0, 1]"),
    ],
)
def test_what_is_no_such_number_is_refused_with_the_range(value, bounds, expected):
    message = f"list: p must be {expected}, got {value!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        number([], "p", value, **bounds)
