import numpy as np
import pytest

from chainrule.layers import GRU, GRUStep
from tests.layers.beside_torch import drawn


def test_steps_one_after_the_other_are_the_layer_over_time():
    step, layer, rng = drawn(GRUStep(3, 4)), drawn(GRU(3, 4)), np.random.default_rng(0)
    x = rng.standard_normal((2, 5, 3))
    states = [rng.standard_normal((2, 4)) for _ in layer.states]
    (h, *last), cache = layer.forward(x, *states)
    now, caches = tuple(states), []
    for t in range(5):
        out, one = step.forward(x[:, t], *now)
        now = out if isinstance(out, tuple) else (out,)
        caches.append(one)
        np.testing.assert_allclose(now[0], h[:, t], rtol=1e-13)
    np.testing.assert_allclose(now, last, rtol=1e-13)

    dlast = [rng.standard_normal((2, 4)) for _ in last]
    (dx, *dfirst), grads = layer.backward((None, *dlast), cache)
    total = dict.fromkeys(grads, 0)
    for t in reversed(range(5)):
        (dx_t, *dlast), own = step.backward(tuple(dlast) if len(dlast) > 1 else dlast[0], caches[t])
        np.testing.assert_allclose(dx_t, dx[:, t], rtol=1e-12)
        total = {name: total[name] + own[name] for name in total}
    np.testing.assert_allclose(dlast, dfirst, rtol=1e-12)
    for name, grad in grads.items():
        np.testing.assert_allclose(total[name], grad, rtol=1e-12)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"x has shape \(2, 1, 3\), expected \(N, 3\), a step of"):
        GRUStep(3, 4).forward(np.ones((2, 1, 3)), np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"expected none, or h0.* of shape \(2, 4\)"):
        GRUStep(3, 4).forward(np.ones((2, 3)), np.ones((2, 5)))
