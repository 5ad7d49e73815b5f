import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.layers import RNN
from tests.layers.beside_torch import compare, drawn, few, grid


def test_it_has_the_numbers_of_the_course():
    """CS231n, RNN_Captioning.ipynb, rnn_forward: to 1e-7."""
    layer = RNN(4, 5)
    for name, shape, low, high in (("Wx", (4, 5), -0.2, 0.4), ("Wh", (5, 5), -0.4, 0.1)):
        layer.params[name][...] = grid(low, high, *shape)
    layer.params["b"][...] = np.linspace(-0.7, 0.1, 5)
    (h, last), _ = layer.forward(grid(-0.1, 0.3, 2, 3, 4), grid(-0.3, 0.1, 2, 5))
    expected = [
        [
            [-0.42070749, -0.27279261, -0.11074945, 0.05740409, 0.22236251],
            [-0.39525808, -0.22554661, -0.0409454, 0.14649412, 0.32397316],
            [-0.42305111, -0.24223728, -0.04287027, 0.15997045, 0.35014525],
        ],
        [
            [-0.55857474, -0.39065825, -0.19198182, 0.02378408, 0.23735671],
            [-0.27150199, -0.07088804, 0.13562939, 0.33099728, 0.50158768],
            [-0.51014825, -0.30524429, -0.06755202, 0.17806392, 0.40333043],
        ],
    ]
    np.testing.assert_allclose(h, expected, rtol=1e-7, atol=1e-8)
    np.testing.assert_array_equal(last, h[:, -1])


@few
@given(
    st.tuples(*[st.integers(1, 5)] * 4), st.booleans(), st.integers(0, 99), st.sampled_from("tr")
)
def test_it_agrees_with_pytorch(sizes, states, seed, kind):
    torch = pytest.importorskip("torch")
    (N, T, D, H), rng = sizes, np.random.default_rng(seed)
    layer = drawn(RNN(D, H, relu=kind == "r"), seed)
    inputs = [rng.standard_normal((N, T, D)), *[rng.standard_normal((N, H))] * states]

    def theirs(x, h0=None, *, Wx, Wh, b):
        h, out = torch.zeros(N, H, dtype=x.dtype) if h0 is None else h0, []
        cell = torch._VF.rnn_relu_cell if kind == "r" else torch._VF.rnn_tanh_cell
        for t in range(T):
            h = cell(x[:, t], h, Wx.T, Wh.T, b, torch.zeros_like(b))
            out.append(h)
        return torch.stack(out, 1) if h0 is None else (torch.stack(out, 1), h)

    compare(layer, inputs, theirs)


def test_a_gradient_that_is_none_counts_as_zero_and_chunks_join():
    layer, rng = drawn(RNN(2, 3)), np.random.default_rng(0)
    x, h0 = rng.standard_normal((4, 6, 2)), rng.standard_normal((4, 3))
    (whole, last), _ = layer.forward(x, h0)
    (first, between), _ = layer.forward(x[:, :4], h0)
    (second, end), cache = layer.forward(x[:, 4:], between)
    np.testing.assert_array_equal(np.concatenate([first, second], axis=1), whole)
    np.testing.assert_array_equal(end, last)
    dh = rng.standard_normal(second.shape)
    (dx, dh0), grads = layer.backward((dh, None), cache)
    (dx_, dh0_), grads_ = layer.backward((dh, np.zeros_like(end)), cache)
    np.testing.assert_array_equal(dx, dx_)
    np.testing.assert_array_equal(dh0, dh0_)
    assert all((grads[name] == grads_[name]).all() for name in grads)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([np.ones((2, 3))], r"x has shape \(2, 3\), expected \(N, T, 2\), sequences of at"),
        ([np.ones((2, 0, 2))], r"x has shape \(2, 0, 2\)"),
        ([np.ones((2, 4, 3))], r"x has shape \(2, 4, 3\)"),
        ([np.ones((2, 4, 2)), np.ones((2, 4))], r"shapes \[\(2, 4\)\], expected none, or h0 of"),
    ],
)
def test_what_does_not_fit_is_refused(inputs, message):
    with pytest.raises(ValueError, match=message):
        RNN(2, 3).forward(*inputs)


def test_gradients_for_outputs_that_are_not_there_are_refused():
    layer = RNN(2, 3)
    _, cache = layer.forward(np.ones((2, 4, 2)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="dout is a ndarray, expected a tuple of 2, for h and the"):
        layer.backward(np.ones((2, 4, 3)), cache)
    with pytest.raises(ValueError, match="dout is a tuple, expected a tuple of 2"):
        layer.backward((np.ones((2, 4, 3)),), cache)
