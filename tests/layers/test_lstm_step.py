import numpy as np
import pytest

from chainrule.layers import LSTM, LSTMStep
from tests.layers.beside_torch import drawn, grid


def test_steps_one_after_the_other_are_the_layer_over_time():
    step, layer, rng = drawn(LSTMStep(3, 4)), drawn(LSTM(3, 4)), np.random.default_rng(0)
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
        LSTMStep(3, 4).forward(np.ones((2, 1, 3)), np.ones((2, 4)), np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"expected none, or h0.* of shape \(2, 4\)"):
        LSTMStep(3, 4).forward(np.ones((2, 3)), np.ones((2, 5)), np.ones((2, 5)))


def test_it_has_the_numbers_of_the_course():
    """CS231n, LSTM_Captioning.ipynb, lstm_step_forward: to 1e-8."""
    step = LSTMStep(4, 5)
    step.params["Wx"][...], step.params["Wh"][...] = grid(-2.1, 1.3, 4, 20), grid(-0.7, 2.2, 5, 20)
    step.params["b"][...] = np.linspace(0.3, 0.7, 20)
    (h, c), _ = step.forward(grid(-0.4, 1.2, 3, 4), grid(-0.3, 0.7, 3, 5), grid(-0.4, 0.9, 3, 5))
    expected_h = [
        [0.24635157, 0.28610883, 0.32240467, 0.35525807, 0.38474904],
        [0.49223563, 0.55611431, 0.61507696, 0.66844003, 0.7159181],
        [0.56735664, 0.66310127, 0.74419266, 0.80889665, 0.858299],
    ]
    expected_c = [
        [0.32986176, 0.39145139, 0.451556, 0.51014116, 0.56717407],
        [0.66382255, 0.76674007, 0.87195994, 0.97902709, 1.08751345],
        [0.74192008, 0.90592151, 1.07717006, 1.25120233, 1.42395676],
    ]
    np.testing.assert_allclose(h, expected_h, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(c, expected_c, rtol=1e-8, atol=1e-8)
