import re

import numpy as np
import pytest

from chainrule.layers import Log


def test_out_and_slope_are_the_hand_worked_ones(dtype):
    out, cache = Log().forward(np.array([1, 4, 0.5], dtype))
    dx, _ = Log().backward(np.array([3, 2, -5], dtype), cache)
    expected = [0, 1.3862943611198906, -0.6931471805599453]
    np.testing.assert_allclose(out, expected, rtol=8 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(dx, [3, 0.5, -10])


def test_the_logarithm_of_a_tiny_number_is_finite():
    out, _ = Log().forward(np.array([1e-300, 1e300]))
    np.testing.assert_allclose(out, [-690.7755278982137, 690.7755278982137], rtol=1e-15)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1.0, 2], [0, -3]], "Log(): x[1, 0] is 0.0, expected a positive number"),
        ([1, -0.0], "Log(): x[1] is -0.0, expected a positive number"),
        (-2.5, "Log(): x is -2.5, expected a positive number"),
    ],
)
def test_the_first_number_that_has_no_logarithm_is_shown(x, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Log().forward(np.array(x, float))
