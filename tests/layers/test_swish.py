import numpy as np
import pytest

from chainrule.layers import Swish


def test_out_and_slope_where_e_to_the_x_is_a_simple_number(dtype):
    """σ(log 3) is 3/4, σ(-log 3) is 1/4, and the slope σ (1 + x (1 - σ))."""
    log3 = np.log(3)
    out, cache = Swish().forward(np.array([log3, -log3, 0], dtype))
    dx, _ = Swish().backward(np.array([16, 16, 2], dtype), cache)
    close = {"rtol": 8 * np.finfo(dtype).eps}
    np.testing.assert_allclose(out, [0.75 * log3, -0.25 * log3, 0], **close)
    np.testing.assert_allclose(dx, [12 + 3 * log3, 4 - 3 * log3, 1], **close)


@pytest.mark.parametrize("x", [-80, -30, -5])
def test_far_below_0_no_digits_are_lost(x, dtype):
    """Up to e²ˣ it is x eˣ (1 - eˣ), with the slope eˣ (1 + x - …)."""
    out, cache = Swish().forward(np.array([x], dtype))
    e = np.exp(np.float64(x))
    np.testing.assert_allclose(out, [x * e / (1 + e)], rtol=8 * np.finfo(dtype).eps)
    dx, _ = Swish().backward(np.ones(1), cache)
    np.testing.assert_allclose(dx, [(e + x * e / (1 + e)) / (1 + e)], rtol=9 * np.finfo(dtype).eps)


@pytest.mark.parametrize("scale", [1, 30])
def test_out_and_gradient_are_pytorchs(scale):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, dout = scale * rng.standard_normal((20, 30)), rng.standard_normal((20, 30))
    x_there = torch.tensor(x, requires_grad=True)
    want = torch.nn.functional.silu(x_there)
    want.backward(torch.tensor(dout))
    out, cache = Swish().forward(x)
    np.testing.assert_allclose(out, want.detach().numpy(), rtol=1e-12, atol=1e-12)
    dx, _ = Swish().backward(dout, cache)
    np.testing.assert_allclose(dx, x_there.grad.numpy(), rtol=1e-12, atol=1e-12)
