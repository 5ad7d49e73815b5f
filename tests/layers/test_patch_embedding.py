import numpy as np
import pytest

from chainrule.layers import Conv, PatchEmbedding
from tests.layers.beside_torch import drawn


def test_it_is_a_convolution_whose_windows_touch():
    """As in Dosovitskiy et al., 2021, section 3.1: kernels of p × p with a stride of p."""
    layer, rng = drawn(PatchEmbedding(3, 2, 5)), np.random.default_rng(0)
    conv = Conv(3, 5, 2, stride=2)
    conv.params["W"][...] = layer.params["W"].T.reshape(5, 3, 2, 2)
    conv.params["b"][...] = layer.params["b"]
    x = rng.standard_normal((2, 3, 4, 6))
    out, cache = layer.forward(x)
    images, own = conv.forward(x)
    np.testing.assert_allclose(out, images.reshape(2, 5, 6).swapaxes(1, 2), rtol=1e-12)
    dout = rng.standard_normal(out.shape)
    dx, grads = layer.backward(dout, cache)
    dimages, others = conv.backward(dout.swapaxes(1, 2).reshape(images.shape), own)
    np.testing.assert_allclose(dx, dimages, rtol=1e-12)
    np.testing.assert_allclose(grads["W"], others["W"].reshape(5, 12).T, rtol=1e-12)
    np.testing.assert_allclose(grads["b"], others["b"], rtol=1e-12)


def test_images_that_patches_do_not_fill_are_refused():
    with pytest.raises(ValueError, match=r"expected \(N, 3, H, W\), H and W multiples of 2"):
        PatchEmbedding(3, 2, 5).forward(np.ones((1, 3, 4, 5)))
