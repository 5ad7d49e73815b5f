import numpy as np
import pytest

from chainrule.layers import Softsign


def test_out_and_slope_are_the_hand_worked_ones(dtype):
    x = np.array([-3, -1, 0, 1, 4], dtype)
    out, cache = Softsign().forward(x)
    dx, _ = Softsign().backward(np.full(5, 400, dtype), cache)
    np.testing.assert_allclose(out, [-0.75, -0.5, 0, 0.5, 0.8], rtol=2 * np.finfo(dtype).eps)
    np.testing.assert_allclose(dx, [25, 100, 400, 100, 16], rtol=2 * np.finfo(dtype).eps)


def test_the_slope_of_a_large_number_is_its_square_and_no_nonsense(dtype):
    large = np.sqrt(np.finfo(dtype).max) * 4
    out, cache = Softsign().forward(np.array([large, -large], dtype))
    np.testing.assert_array_equal(out, [1, -1])
    dx, _ = Softsign().backward(np.array([large, -large]), cache)
    np.testing.assert_allclose(dx * large, [1, -1], rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("scale", [1, 30])
def test_out_and_gradient_are_pytorchs(scale):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, dout = scale * rng.standard_normal((20, 30)), rng.standard_normal((20, 30))
    x_there = torch.tensor(x, requires_grad=True)
    want = torch.nn.functional.softsign(x_there)
    want.backward(torch.tensor(dout))
    out, cache = Softsign().forward(x)
    np.testing.assert_allclose(out, want.detach().numpy(), rtol=1e-12, atol=1e-12)
    dx, _ = Softsign().backward(dout, cache)
    np.testing.assert_allclose(dx, x_there.grad.numpy(), rtol=1e-12, atol=1e-12)
