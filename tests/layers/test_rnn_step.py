import numpy as np
import pytest

from chainrule.layers import RNN, RNNStep
from tests.layers.beside_torch import drawn, grid


def test_steps_one_after_the_other_are_the_layer_over_time():
    step, layer, rng = drawn(RNNStep(3, 4)), drawn(RNN(3, 4)), np.random.default_rng(0)
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
        RNNStep(3, 4).forward(np.ones((2, 1, 3)), np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"expected none, or h0.* of shape \(2, 4\)"):
        RNNStep(3, 4).forward(np.ones((2, 3)), np.ones((2, 5)))


def test_it_has_the_numbers_of_the_course():
    """CS231n, RNN_Captioning.ipynb, rnn_step_forward: to 1e-8."""
    step = RNNStep(10, 4)
    step.params["Wx"][...], step.params["Wh"][...] = grid(-0.1, 0.9, 10, 4), grid(-0.3, 0.7, 4, 4)
    step.params["b"][...] = np.linspace(-0.2, 0.4, 4)
    out, _ = step.forward(grid(-0.4, 0.7, 3, 10), grid(-0.2, 0.5, 3, 4))
    expected = [
        [-0.58172089, -0.50182032, -0.41232771, -0.31410098],
        [0.66854692, 0.79562378, 0.87755553, 0.92795967],
        [0.97934501, 0.99144213, 0.99646691, 0.99854353],
    ]
    np.testing.assert_allclose(out, expected, rtol=1e-8, atol=1e-8)
