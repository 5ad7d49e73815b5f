import re

import numpy as np
import pytest

from chainrule.layers import Flatten


def test_the_last_axis_runs_fastest_and_the_gradient_takes_the_shape_of_x(dtype):
    x = np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], dtype)
    out, cache = Flatten().forward(x)
    dx, _ = Flatten().backward(10 * out, cache)
    np.testing.assert_array_equal(out, [[1, 2, 3, 4], [5, 6, 7, 8]])
    np.testing.assert_array_equal(dx, 10 * x)


def test_an_empty_batch_has_the_right_width():
    assert Flatten().forward(np.zeros((0, 3, 2, 4)))[0].shape == (0, 24)


def test_a_single_example_is_refused_with_advice():
    message = (
        "Flatten(): x has shape (3,), expected (N, …) with one example per row; a single example "
        "is x[np.newaxis]"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Flatten().forward(np.zeros(3))
