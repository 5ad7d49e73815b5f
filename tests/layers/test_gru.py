import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.layers import GRU
from tests.layers.beside_torch import compare, drawn, few


def test_a_closed_update_gate_keeps_the_state():
    layer = GRU(2, 3)
    layer.params["b"][3:6] = 50  # z = 1
    h0 = np.array([[0.1, -0.2, 0.3]])
    (h, last), cache = layer.forward(np.ones((1, 4, 2)), h0)
    np.testing.assert_allclose(h, np.broadcast_to(h0, (1, 4, 3)), rtol=1e-15)
    (_, dh0), _ = layer.backward((None, np.ones((1, 3))), cache)
    np.testing.assert_allclose(dh0, np.ones((1, 3)), rtol=1e-15)
    np.testing.assert_array_equal(last, h[:, -1])


@few
@given(st.tuples(*[st.integers(1, 5)] * 4), st.booleans(), st.integers(0, 99))
def test_it_agrees_with_pytorch(sizes, states, seed):
    torch = pytest.importorskip("torch")
    (N, T, D, H), rng = sizes, np.random.default_rng(seed)
    inputs = [rng.standard_normal((N, T, D)), *[rng.standard_normal((N, H))] * states]

    def theirs(x, h0=None, *, Wx, Wh, b, bh):
        h = torch.zeros(N, H, dtype=x.dtype) if h0 is None else h0
        out, last = torch._VF.gru(x, h[None], (Wx.T, Wh.T, b, bh), True, 1, 0.0, True, False, True)
        return out if h0 is None else (out, last[0])

    compare(drawn(GRU(D, H), seed), inputs, theirs)
