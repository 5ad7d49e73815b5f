import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.layers import Attention
from chainrule.layers import attention as module
from tests.layers.beside_torch import compare, few, grid


def test_it_has_the_numbers_of_the_course():
    """EECS 498-007, A5, Transformers.ipynb, cells 30 and 64: to 1e-6."""
    q, k, v = grid(-0.4, 0.6, 1, 5, 4), grid(-0.8, 0.5, 1, 5, 4), grid(-0.3, 0.8, 1, 5, 4)
    out, _ = Attention().forward(q, k, v)
    expected = [
        [0.0828299969, 0.140729994, 0.198620006, 0.256520003],
        [0.135179996, 0.193079993, 0.250970006, 0.308869988],
        [0.188480005, 0.246370003, 0.304269999, 0.362159997],
        [0.240909994, 0.298810005, 0.356700003, 0.414600015],
        [0.290809989, 0.348710001, 0.406599998, 0.46450001],
    ]
    np.testing.assert_allclose(out[0], expected, atol=1e-5)

    q, k, v = grid(-0.4, 0.6, 4, 3, 3), grid(-0.1, 0.2, 4, 3, 3), grid(0.4, 0.8, 4, 3, 3)
    out, _ = Attention(causal=True).forward(q, k, v)
    expected = [
        [[0.4, 0.41143, 0.42286], [0.41703, 0.42846, 0.43989], [0.43408, 0.44551, 0.45694]],
        [[0.50286, 0.51429, 0.52571], [0.51999, 0.53142, 0.54285], [0.5372, 0.54863, 0.56006]],
        [[0.60571, 0.61714, 0.62857], [0.62294, 0.63437, 0.6458], [0.64032, 0.65175, 0.66318]],
        [[0.70857, 0.72, 0.73143], [0.7259, 0.73733, 0.74876], [0.74344, 0.75487, 0.7663]],
    ]
    np.testing.assert_allclose(out, expected, atol=1e-5)


@pytest.mark.parametrize("scores", [2**22, 20], ids=["at once", "in blocks"])
@few
@given(
    st.tuples(*[st.integers(1, 5)] * 5), st.integers(1, 3), st.sampled_from("-cmnb"),
    st.integers(0, 99),
)  # fmt: skip
def test_it_agrees_with_pytorch(scores, sizes, heads, kind, seed):
    torch = pytest.importorskip("torch")
    (N, S, T, E, F), rng = sizes, np.random.default_rng(seed)
    T = S if kind in "cb" else T
    inputs = [rng.standard_normal((N, n, heads * m)) for n, m in ((S, E), (T, E), (T, F))]
    if kind in "mnb":
        mask = rng.random({"m": (S, T), "n": (N, 1, T), "b": (N, S, T)}[kind]) < 0.6
        mask[..., 0] = True  # which PyTorch needs
        inputs.append(mask)

    def theirs(q, k, v, mask=None):
        q, k, v = (x.unflatten(2, (heads, -1)).transpose(1, 2) for x in (q, k, v))
        if mask is not None:
            mask = mask if mask.ndim == 2 else mask[:, None]
        if kind == "b":
            mask = mask & torch.ones(S, T, dtype=torch.bool).tril()
        out = torch.nn.functional.scaled_dot_product_attention(q, k, v, mask, 0.0, kind == "c")
        return out.transpose(1, 2).flatten(2)

    before = module.SCORES
    module.SCORES = scores
    try:
        compare(Attention(heads, causal=kind in "cb"), inputs, theirs)
    finally:
        module.SCORES = before


def test_a_query_that_may_look_nowhere_gets_nothing():
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((1, 2, 3)) for _ in range(3))
    mask = np.array([[False, False], [True, False]])
    out, cache = Attention().forward(q, k, v, mask)
    np.testing.assert_allclose(out[0], [[0, 0, 0], v[0, 0]])
    (dq, dk, dv), _ = Attention().backward(np.ones((1, 2, 3)), cache)
    np.testing.assert_array_equal(dq[0, 0], 0)
    np.testing.assert_allclose(dv[0], [[1, 1, 1], [0, 0, 0]])
    assert np.isfinite(dk).all()


def test_fewer_causal_queries_than_keys_stand_at_the_end():
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((2, 5, 4)) for _ in range(3))
    whole, _ = Attention(2, causal=True).forward(q, k, v)
    last, _ = Attention(2, causal=True).forward(q[:, 3:], k, v)
    np.testing.assert_allclose(last, whole[:, 3:], rtol=1e-13)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2, 3, 4), (2, 5, 3), (2, 5, 4)), r"expected \(N, S, E\), \(N, T, E\) and \(N, T, F\)"),
        (((2, 3, 4), (2, 5, 4), (2, 4, 4)), r"expected \(N, S, E\)"),
        (((2, 3, 4), (1, 5, 4), (1, 5, 4)), r"expected \(N, S, E\)"),
        (((3, 4), (5, 4), (5, 4)), r"expected \(N, S, E\)"),
        (((2, 3, 3), (2, 5, 3), (2, 5, 4)), r"3 and 4 features, expected multiples of 2"),
        (((2, 3, 4), (2, 5, 4), (2, 5, 4), (5, 3)), r"mask has shape \(5, 3\) and dtype bool"),
    ],
)
def test_what_does_not_fit_is_refused(shapes, message):
    inputs = [np.ones(shape) for shape in shapes[:3]]
    with pytest.raises(ValueError, match=message):
        Attention(2).forward(*inputs, *(np.ones(shape, bool) for shape in shapes[3:]))


def test_a_mask_of_numbers_is_refused():
    x = np.ones((1, 2, 2))
    with pytest.raises(ValueError, match="dtype float64, expected booleans"):
        Attention().forward(x, x, x, np.ones((2, 2)))
