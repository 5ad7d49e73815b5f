import numpy as np
import pytest

from chainrule.layers import InstanceNorm


def test_every_channel_of_every_image_is_normalised_by_itself(dtype):
    """[0, 2, 4] has mean 2 and biased variance 8/3, so that √(var + eps) is 2."""
    layer = InstanceNorm(2, eps=4 / 3, dtype=dtype)
    layer.params["gamma"][...] = [3, 2]
    layer.params["beta"][...] = [1, 5]
    x = np.array([[[0, 2, 4], [7, 7, 7]], [[4, 2, 0], [-1, 1, 3]]], dtype)
    out, cache = layer.forward(x)
    want = [[[-2, 1, 4], [5, 5, 5]], [[4, 1, -2], [3, 5, 7]]]
    np.testing.assert_allclose(out, want, rtol=8 * np.finfo(dtype).eps)
    dx, grads = layer.backward(np.array([[[1, 0, 2], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]]]), cache)
    np.testing.assert_allclose(dx[0, 0], [0.5, -1.5, 1], rtol=8 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(dx[1], np.zeros((2, 3)))
    np.testing.assert_allclose(grads["gamma"], [1, 0], rtol=8 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(grads["beta"], [3, 0])


def test_out_and_gradients_are_pytorchs():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, dout = rng.standard_normal((2, 3, 4, 5, 6))
    x_there = torch.tensor(x, requires_grad=True)
    want = torch.nn.InstanceNorm2d(4, affine=True).double()(x_there)
    want.backward(torch.tensor(dout))
    out, cache = InstanceNorm(4).forward(x)
    dx, _ = InstanceNorm(4).backward(dout, cache)
    np.testing.assert_allclose(out, want.detach().numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dx, x_there.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_it_is_named_by_its_own_settings():
    assert repr(InstanceNorm(3)) == "InstanceNorm(channels=3, eps=1e-05)"
    with pytest.raises(ValueError, match=r"^InstanceNorm: channels must be a whole number"):
        InstanceNorm(0)
    with pytest.raises(
        ValueError, match=r"InstanceNorm\(channels=3.*more than one value per group"
    ):
        InstanceNorm(3).forward(np.ones((2, 3)))
