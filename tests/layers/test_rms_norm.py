import numpy as np
import pytest

from chainrule.layers import RMSNorm
from tests.layers.beside_torch import compare, drawn


def test_out_and_gradients_are_the_hand_worked_ones(dtype):
    """[3, -3] has root mean square 3 with eps 0."""
    layer = RMSNorm(2, eps=0, dtype=dtype)
    layer.params["gamma"][...] = [1, 2]
    out, cache = layer.forward(np.array([[3, -3]], dtype))
    dx, grads = layer.backward(np.array([[3, 0]], dtype), cache)
    eps = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(out, [[1, -2]], rtol=eps)
    np.testing.assert_allclose(dx, [[0.5, 0.5]], rtol=eps)  # (3 - 1 · 1.5) / 3, (0 + 1.5) / 3
    np.testing.assert_allclose(grads["gamma"], [3, 0], rtol=eps)


def test_it_agrees_with_pytorch():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((2, 3, 5))

    def theirs(x, *, gamma):
        return torch.nn.functional.rms_norm(x, (5,), gamma, 1e-6)

    compare(drawn(RMSNorm(5)), [x], theirs)


def test_squares_beyond_the_dtype_are_refused():
    with pytest.raises(FloatingPointError, match="1 of 1 variances of x are too large"):
        RMSNorm(2).forward(np.full((1, 2), 1e200))
