import re

import numpy as np
import pytest

from chainrule.layers import GlobalAveragePool


def test_each_channel_gives_its_mean_and_sends_an_equal_share_to_each_entry(dtype):
    x = np.array([[[[1, 2], [3, 6]], [[0, 0], [0, 4]]]], dtype)
    out, cache = GlobalAveragePool().forward(x)
    dx, _ = GlobalAveragePool().backward(np.array([[4, 8]], dtype), cache)
    np.testing.assert_array_equal(out, [[3, 1]])
    np.testing.assert_array_equal(dx, [[[[1, 1], [1, 1]], [[2, 2], [2, 2]]]])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 4), "x has shape (3, 4), expected images (N, C, H, W) of at least 1 × 1"),
        (
            (3, 4, 4),
            "x has shape (3, 4, 4), expected images (N, C, H, W) of at least 1 × 1; a single image "
            "is x[np.newaxis]",
        ),
        ((2, 3, 0, 4), "x has shape (2, 3, 0, 4), expected images (N, C, H, W) of at least 1 × 1"),
    ],
)
def test_what_is_no_image_is_refused(shape, message):
    with pytest.raises(ValueError, match=f"^{re.escape(f'GlobalAveragePool(): {message}')}$"):
        GlobalAveragePool().forward(np.zeros(shape))
