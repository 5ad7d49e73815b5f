import numpy as np
import pytest

from chainrule.layers import HardSwish


def test_out_and_slope_are_the_hand_worked_ones(dtype):
    x = np.array([-7, -3, -1.5, 0, 1, 3, 5], dtype)
    out, cache = HardSwish().forward(x)
    dx, _ = HardSwish().backward(np.full(7, 6, dtype), cache)
    np.testing.assert_allclose(out, [0, 0, -0.375, 0, 2 / 3, 3, 5], rtol=2 * np.finfo(dtype).eps)
    np.testing.assert_allclose(dx, [0, 0, 0, 3, 5, 6, 6], rtol=2 * np.finfo(dtype).eps)


@pytest.mark.parametrize("scale", [1, 30])
def test_out_and_gradient_are_pytorchs(scale):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, dout = scale * rng.standard_normal((20, 30)), rng.standard_normal((20, 30))
    x_there = torch.tensor(x, requires_grad=True)
    want = torch.nn.functional.hardswish(x_there)
    want.backward(torch.tensor(dout))
    out, cache = HardSwish().forward(x)
    np.testing.assert_allclose(out, want.detach().numpy(), rtol=1e-12, atol=1e-12)
    dx, _ = HardSwish().backward(dout, cache)
    np.testing.assert_allclose(dx, x_there.grad.numpy(), rtol=1e-12, atol=1e-12)
