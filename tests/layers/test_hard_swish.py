import numpy as np

from chainrule.layers import HardSwish


def test_out_and_slope_are_the_hand_worked_ones(dtype):
    x = np.array([-7, -3, -1.5, 0, 1, 3, 5], dtype)
    out, cache = HardSwish().forward(x)
    dx, _ = HardSwish().backward(np.full(7, 6, dtype), cache)
    np.testing.assert_allclose(out, [0, 0, -0.375, 0, 2 / 3, 3, 5], rtol=2 * np.finfo(dtype).eps)
    np.testing.assert_allclose(dx, [0, 0, 0, 3, 5, 6, 6], rtol=2 * np.finfo(dtype).eps)
