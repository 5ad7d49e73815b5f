import re

import numpy as np
import pytest

from chainrule.layers import Reshape


def test_rows_become_images_whose_last_axis_runs_fastest_and_dx_is_rows_again(dtype):
    x = np.arange(12).reshape(2, 6).astype(dtype)
    layer = Reshape((1, 2, 3))
    out, cache = layer.forward(x)
    dx, _ = layer.backward(10 * out, cache)
    np.testing.assert_array_equal(out, [[[[0, 1, 2], [3, 4, 5]]], [[[6, 7, 8], [9, 10, 11]]]])
    np.testing.assert_array_equal(dx, 10 * x)


def test_a_list_means_the_same_as_a_tuple():
    assert Reshape([3, 4]).shape == Reshape((3, 4)).shape == (3, 4)


def test_another_number_of_entries_is_refused():
    message = "Reshape((1, 2, 3)): x has 4 features (shape (5, 4)), expected 6"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Reshape((1, 2, 3)).forward(np.zeros((5, 4)))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (5, "Reshape: shape must be that of one example, such as (3, 32, 32), got 5"),
        ((), "Reshape: shape must be that of one example, such as (3, 32, 32), got ()"),
        ("34", "Reshape: each number of shape must be a whole number of at least 1, got '3'"),
        ((3, -1), "Reshape: each number of shape must be a whole number of at least 1, got -1"),
        ((3, 2.0), "Reshape: each number of shape must be a whole number of at least 1, got 2.0"),
    ],
)
def test_what_is_no_shape_is_refused(shape, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Reshape(shape)
