import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.layers import MultiHeadAttention
from tests.layers.beside_torch import compare, drawn, few


@few
@given(
    st.tuples(*[st.integers(1, 4)] * 4), st.integers(1, 3), st.sampled_from(["self", "causal",
    "cross", "mask"]), st.integers(0, 99),
)  # fmt: skip
def test_it_agrees_with_pytorch(sizes, heads, kind, seed):
    torch = pytest.importorskip("torch")
    (N, S, T, d), rng = sizes, np.random.default_rng(seed)
    E = heads * d
    inputs = [rng.standard_normal((N, n, E)) for n in ((S,) if kind in ("self", "causal")
              else (S, T, T))]  # fmt: skip
    if kind == "mask":
        mask = rng.random((S, T)) < 0.6
        mask[:, 0] = True
        inputs.append(mask)

    def theirs(q, k=None, v=None, mask=None, *, Wq, bq, Wk, bk, Wv, bv, Wo, bo):
        k, v = (q if one is None else one for one in (k, v))
        hidden = None if mask is None else ~mask
        if kind == "causal":
            hidden = ~torch.ones(S, S, dtype=torch.bool).tril()
        q, k, v = (x.transpose(0, 1) for x in (q, k, v))
        weights, biases = torch.cat([Wq.T, Wk.T, Wv.T]), torch.cat([bq, bk, bv])
        out, _ = torch.nn.functional.multi_head_attention_forward(
            q, k, v, E, heads, weights, biases, None, None, False, 0.0, Wo.T, bo,
            attn_mask=hidden, need_weights=False,
        )  # fmt: skip
        return out.transpose(0, 1)

    compare(drawn(MultiHeadAttention(E, heads, causal=kind == "causal"), seed), inputs, theirs)


def test_one_input_is_all_three():
    layer, x = drawn(MultiHeadAttention(4, 2)), np.random.default_rng(0).standard_normal((2, 3, 4))
    out, cache = layer.forward(x)
    thrice, caches = layer.forward(x, x, x)
    np.testing.assert_array_equal(out, thrice)
    dout = np.random.default_rng(1).standard_normal(out.shape)
    np.testing.assert_allclose(
        layer.backward(dout, cache)[0], sum(layer.backward(dout, caches)[0]), rtol=1e-14
    )


def test_heads_have_to_divide_the_features():
    with pytest.raises(ValueError, match="features is 4, expected a multiple of 3, the heads"):
        MultiHeadAttention(4, 3)
