import re

import numpy as np
import pytest

from chainrule.layers import AveragePool, Upsample


def test_every_entry_stands_in_a_block_and_collects_the_gradient_of_all_of_it(dtype):
    layer, x = Upsample(2), np.array([[[[1, 2]]]], dtype)
    out, cache = layer.forward(x)
    dx, _ = layer.backward(np.array([[[[1, 2, 3, 4], [10, 20, 30, 40]]]], dtype), cache)
    np.testing.assert_array_equal(out, [[[[1, 1, 2, 2], [1, 1, 2, 2]]]])
    np.testing.assert_array_equal(dx, [[[[33, 77]]]])


def test_a_pair_is_for_height_and_width():
    out, _ = Upsample((1, 3)).forward(np.array([[[[1.0, 2.0]]]]))
    np.testing.assert_array_equal(out, [[[[1, 1, 1, 2, 2, 2]]]])


def test_the_average_of_each_block_is_the_entry_that_it_came_from():
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    larger, _ = Upsample((2, 4)).forward(x)
    np.testing.assert_allclose(AveragePool((2, 4)).forward(larger)[0], x, rtol=1e-15)


@pytest.mark.parametrize("factor", [0, 1.5, (2,), False])
def test_what_is_no_factor_is_refused(factor):
    message = (
        f"Upsample: factor must be a whole number of at least 1, or a pair of them for height and "
        f"width, got {factor!r}"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Upsample(factor)


def test_what_is_no_image_is_refused():
    message = "x has shape (3, 4, 4), expected images (N, C, H, W); a single image is x[np.newaxis]"
    with pytest.raises(ValueError, match=re.escape(message)):
        Upsample(2).forward(np.zeros((3, 4, 4)))
