import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.layers import LSTM
from tests.layers.beside_torch import compare, drawn, few, grid


def test_it_has_the_numbers_of_the_course():
    """CS231n, LSTM_Captioning.ipynb, lstm_forward: to 1e-7."""
    layer = LSTM(5, 4)
    layer.params["Wx"][...] = grid(-0.2, 0.9, 5, 16)
    layer.params["Wh"][...] = grid(-0.3, 0.6, 4, 16)
    layer.params["b"][...] = np.linspace(0.2, 0.7, 16)
    (h, last, _), _ = layer.forward(
        grid(-0.4, 0.6, 2, 3, 5), grid(-0.4, 0.8, 2, 4), np.zeros((2, 4))
    )
    expected = [
        [
            [0.01764008, 0.01823233, 0.01882671, 0.0194232],
            [0.11287491, 0.12146228, 0.13018446, 0.13902939],
            [0.31358768, 0.33338627, 0.35304453, 0.37250975],
        ],
        [
            [0.45767879, 0.4761092, 0.4936887, 0.51041945],
            [0.6704845, 0.69350089, 0.71486014, 0.7346449],
            [0.81733511, 0.83677871, 0.85403753, 0.86935314],
        ],
    ]
    np.testing.assert_allclose(h, expected, rtol=1e-7, atol=1e-8)
    np.testing.assert_array_equal(last, h[:, -1])


@few
@given(st.tuples(*[st.integers(1, 5)] * 4), st.booleans(), st.integers(0, 99))
def test_it_agrees_with_pytorch(sizes, states, seed):
    torch = pytest.importorskip("torch")
    (N, T, D, H), rng = sizes, np.random.default_rng(seed)
    inputs = [rng.standard_normal((N, T, D))]
    inputs += [rng.standard_normal((N, H)) for _ in range(2 * states)]

    def ordered(W):  # i f o g to i f g o
        i, f, o, g = W.split(H, dim=-1)
        return torch.cat([i, f, g, o], dim=-1)

    def theirs(x, *first, Wx, Wh, b):
        state = first or [torch.zeros(N, H, dtype=x.dtype)] * 2
        weights = ordered(Wx).T, ordered(Wh).T, ordered(b), torch.zeros_like(b)
        out, *last = torch._VF.lstm(
            x, [one[None] for one in state], weights, True, 1, 0.0, True, False, True
        )
        return (out, *(one[0] for one in last)) if first else out

    compare(drawn(LSTM(D, H), seed), inputs, theirs)


def test_an_open_forget_gate_hands_the_gradient_on_unchanged():
    layer = LSTM(1, 1)
    layer.params["b"][...] = [-50, 50, 50, 0]  # nothing comes in, nothing is forgotten
    x, zeros = np.zeros((1, 100, 1)), np.zeros((1, 1))
    (_, _, c), cache = layer.forward(x, zeros, np.full((1, 1), 0.3))
    (_, _, dc0), _ = layer.backward((None, None, np.ones((1, 1))), cache)
    assert c == pytest.approx(0.3)
    assert dc0 == pytest.approx(1)


def test_a_state_without_the_other_is_refused():
    with pytest.raises(ValueError, match=r"expected none, or h0, c0 of shape \(2, 4\)"):
        LSTM(3, 4).forward(np.ones((2, 5, 3)), np.ones((2, 4)))
