import numpy as np
import pytest

from chainrule.layers import Affine, Linear
from tests.layers.beside_torch import drawn


def test_each_step_is_an_affine_layer():
    layer, rng = drawn(Linear(3, 4)), np.random.default_rng(0)
    affine = Affine(3, 4)
    affine.params = layer.params
    x, dout = rng.standard_normal((2, 5, 3)), rng.standard_normal((2, 5, 4))
    out, cache = layer.forward(x)
    dx, grads = layer.backward(dout, cache)
    total = {"W": 0, "b": 0}
    for t in range(5):
        one, own = affine.forward(x[:, t])
        np.testing.assert_allclose(out[:, t], one, rtol=1e-14)
        d, parts = affine.backward(dout[:, t], own)
        np.testing.assert_allclose(dx[:, t], d, rtol=1e-13)
        total = {name: total[name] + parts[name] for name in total}
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, total[name], rtol=1e-13)


def test_other_features_on_the_last_axis_are_refused():
    with pytest.raises(ValueError, match=r"x has 4 features \(shape \(2, 3, 4\)\), expected 3"):
        Linear(3, 2).forward(np.ones((2, 3, 4)))
