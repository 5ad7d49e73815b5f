"""A convolution takes little memory beyond what goes in and comes out, however large its kernel."""

import tracemalloc

import numpy as np
import pytest

from chainrule.layers import Conv


@pytest.mark.parametrize(
    ("channels", "filters", "size", "image"),
    [(32, 32, 3, (32, 32, 32)), (1, 32, 5, (100, 28, 28)), (32, 32, 7, (16, 32, 32))],
    ids=str,
)
def test_the_peak_is_at_most_half_as_much_again_as_what_is_necessary(
    channels, filters, size, image
):
    N, H, W = image
    conv = Conv(channels, filters, size, pad="same", dtype=np.float32)
    x = np.ones((N, channels, H, W), np.float32)
    dout = np.ones((N, filters, H, W), np.float32)
    necessary = 2 * (x.nbytes + dout.nbytes) + conv.params["W"].nbytes
    tracemalloc.start()
    try:
        out, cache = conv.forward(x)
        dx, _ = conv.backward(dout, cache)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (out.shape, dx.shape) == (dout.shape, x.shape)
    assert x.nbytes + dout.nbytes + conv.params["W"].nbytes + peak <= 1.5 * necessary
