"""Attention of one head and of many: right in many spellings, with many masks, and wrong."""

import numpy as np
import pytest

RNG = np.random.default_rng(0)
N, S, T, D, M = 2, 3, 4, 5, 6
Q, K, V = RNG.normal(size=(N, S, D)), RNG.normal(size=(N, T, D)), RNG.normal(size=(N, T, M))
SEEN = np.array([[1, 0, 1, 1], [1, 1, 0, 0], [0, 0, 0, 1]])


def softmax(s, axis=-1):
    e = np.exp(s - s.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def scores(q=Q, k=K, divisor=5**0.5):
    return np.einsum("...sd,...td->...st", q, k) / divisor


def attention(seen=True, q=Q, k=K, v=V, low=-1e9):
    p = softmax(np.where(seen, scores(q, k, np.sqrt(q.shape[-1])), low))
    return p @ v, p


OUT, P = attention()
QKV = {"q": Q, "k": K, "v": V}
FUTURE = np.triu(np.ones((T, T), bool), 1)
SQUARE = {"query": K, "key": K + 1, "value": V}
CAUSAL = attention(~FUTURE, K, K + 1)[0]
LAST = np.array([[1, 1, 0, 0], [1, 1, 1, 0]])  # of each example the first few keys
RIGHT = [
    (OUT, QKV, []),
    ((OUT, P), QKV, []),
    (OUT, {"queries": Q, "keys": K, "values": V}, []),
    (OUT[0], {"q": Q[0], "k": K[0], "v": V[0]}, []),
    (attention(SEEN)[0], {**QKV, "mask": SEEN}, []),
    (attention(SEEN)[0], {**QKV, "attn_mask": SEEN == 1}, []),
    (attention(SEEN)[0], {**QKV, "mask": np.where(SEEN, 0, -np.inf)}, []),
    (attention(SEEN)[0], {**QKV, "mask": np.where(SEEN, 0, -1e9)}, []),
    (attention(SEEN, low=-1e4)[0], {**QKV, "mask": SEEN}, []),
    (attention(LAST[:, np.newaxis])[0], {**QKV, "mask": LAST}, []),
    (attention(SEEN)[0], {**QKV, "mask": np.stack([SEEN, SEEN])}, []),
    (attention(SEEN)[0], {**QKV, "mask": SEEN == 0}, ["true hides"]),
    (CAUSAL, {**SQUARE, "causal": True}, []),
    (CAUSAL, SQUARE, ["it is causal"]),
    (softmax(scores(divisor=3.0)) @ V, {**QKV, "scale": 1 / 3}, []),
]


@pytest.mark.parametrize(("out", "given", "words"), RIGHT)
def test_right_attention_is_right_in_whatever_spelling(judged, out, given, words):
    said, notes = judged("attention", out, **given)
    assert not said
    assert len(notes) == len(words)
    assert all(word in note for word, note in zip(words, notes, strict=True))


def test_rows_that_see_nothing_may_be_uniform_or_nan_or_zero(judged):
    seen = SEEN * [[1], [1], [0]]
    for low, change in ((-1e9, lambda a: a), (-np.inf, lambda a: a), (-np.inf, np.nan_to_num)):
        with np.errstate(invalid="ignore"):
            out = change(attention(seen, low=low)[0])
        assert judged("attention", out, **QKV, mask=seen) == ([], [])


WRONG = [
    ("not divided by √d", softmax(scores(divisor=1)) @ V),
    ("divided by d = 5, not by its root", softmax(scores(divisor=5)) @ V),
    ("multiplied by √d", softmax(scores(divisor=5**-0.5)) @ V),
    ("divided by √4, the root of the number of keys", softmax(scores(divisor=2)) @ V),
    ("over the queries", softmax(scores(), 1) @ V),
    ("over the examples", softmax(scores(), 0) @ V),
    ("queries and keys together", softmax(scores(), (1, 2)) @ V),
    ("not divided by their sum", np.exp(scores()) @ V),
    ("the softmax is missing", scores() @ V),
    ("√d divides the weights", softmax(scores(divisor=1)) / np.sqrt(5) @ V),
    ("k stands in the place of v", P @ K),
]


@pytest.mark.parametrize(("words", "out"), WRONG, ids=[words for words, _ in WRONG])
def test_wrong_attention_is_told_its_mistake(judged, words, out):
    (message,), _ = judged("attention", out, **QKV)
    assert words in message


MASKED = [
    ("the mask is ignored", OUT),
    ("as if mask and scores were multiplied", softmax(scores() * SEEN) @ V),
    ("ones and zeros is added", softmax(scores() + SEEN) @ V),
    ("whose sum is not 1", (P * SEEN) @ V),
    ("the score 0", attention(SEEN, low=1e-9)[0]),
    ("the score -1,", attention(SEEN, low=-1.0)[0]),
    ("the score 1e+09", attention(SEEN, low=1e9)[0]),
]


@pytest.mark.parametrize(("words", "out"), MASKED, ids=[words for words, _ in MASKED])
def test_a_mask_that_is_used_wrongly_is_told_so(judged, words, out):
    (message,), _ = judged("attention", out, **QKV, mask=SEEN)
    assert words in message


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ("each step sees the next one, too", np.tri(T, k=1)),
        ("no step sees itself", np.tri(T, k=-1)),
        ("not earlier ones", np.tri(T).T),
        ("the mask is ignored", np.ones((T, T))),
    ],
)
def test_wrong_causal_attention_is_told_its_mistake(judged, words, seen):
    (message,), _ = judged("causalattention", attention(seen, K, K + 1)[0], **SQUARE)
    assert words in message


def test_causal_attention_of_fewer_queries_than_keys_may_end_in_the_corner(judged):
    for corner in (0, T - S):
        out = attention(np.tri(S, T, corner))[0]
        assert judged("causalattention", out, **QKV) == ([], [])


def test_attention_over_a_map(judged):
    h, A = RNG.normal(size=(2, 5)), RNG.normal(size=(2, 5, 3, 4))
    flat = A.reshape(2, 5, 12)
    p = softmax(np.einsum("nd,ndt->nt", h, flat) / np.sqrt(5))
    out = np.einsum("nt,ndt->nd", p, flat)
    assert judged("attention", (out, p.reshape(2, 3, 4)), prev_h=h, A=A) == ([], [])
    p = softmax(np.einsum("nd,ndt->nt", h, flat))
    (message,), _ = judged("attention", np.einsum("nt,ndt->nd", p, flat), prev_h=h, A=A)
    assert message == "the scores are not divided by √d"


@pytest.mark.parametrize(
    "given",
    [
        {**QKV, "bias_": Q},
        {**QKV, "positions": K},
        {**QKV, "dropout": 0.1},
        {**QKV, "mask": SEEN * 0.5},
        {**QKV, "mask": SEEN[:2, :3]},
        {**QKV, "k": K[..., :3]},
        {**QKV, "rotary": True},
        {"x": Q},
    ],
)
def test_attention_of_another_kind_is_not_compared(judged, given):
    for name in ("attention", "multiheadattention"):
        said, (note,) = judged(name, OUT, **given)
        assert not said
        assert note.startswith("not compared")


X = RNG.normal(size=(2, 3, 8))
WQ, WK, WV, WO = RNG.normal(size=(4, 8, 8)) / 2
BO = RNG.normal(size=8)


def split(x, heads=2):
    return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)


def merge(x):
    return x.transpose(0, 2, 1, 3).reshape(len(x), x.shape[2], -1)


def cut(x):
    return x.reshape(len(x), 2, x.shape[1], -1)


def paste(x):
    return x.reshape(len(x), x.shape[2], -1)


def heads(x=X, y=X, split=split, merge=merge, divisor=2.0, seen=True):
    q, k, v = split(x @ WQ), split(y @ WK), split(y @ WV)
    p = softmax(np.where(seen, q @ k.swapaxes(2, 3) / divisor, -1e9))
    return merge(p @ v) @ WO + BO


WEIGHTS = {"Wq_": WQ, "Wk_": WK, "Wv_": WV, "Wo_": WO, "bo_": BO}
OF_TORCH = {
    "query.weight_": WQ.T,
    "key.weight_": WK.T,
    "value.weight_": WV.T,
    "proj.weight_": WO.T,
    "proj.bias_": BO,
}
OTHER = RNG.normal(size=(2, 4, 8))
SOME = np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1]])


@pytest.mark.parametrize(
    ("out", "given"),
    [
        (heads(), {"x": X, **WEIGHTS}),  # the number of heads is found
        (heads(), {"x": X, **WEIGHTS, "num_heads": 2}),
        (heads(), {"x": X, **OF_TORCH, "n_head": 2}),
        (heads(X, OTHER), {"query": X, "key": OTHER, "value": OTHER, **WEIGHTS, "heads": 2}),
        (heads(seen=SOME), {"x": X, "mask": SOME, **WEIGHTS, "heads": 2}),
        (heads(seen=SOME), {"x": X, "mask": np.stack([SOME, SOME]), **WEIGHTS, "heads": 2}),
    ],
)
def test_right_heads_are_right_in_whatever_spelling(judged, out, given):
    assert judged("multiheadattention", out, **given) == ([], [])


HEADS = [
    (
        "split by a reshape alone, without a transpose, and merged so",
        {"split": cut, "merge": paste},
    ),
    ("heads are merged by a reshape alone", {"merge": paste}),
    ("the root of all D = 8 features", {"divisor": np.sqrt(8)}),
    ("not divided by √d", {"divisor": 1.0}),
    (
        "every so manieth column",
        {"split": lambda x: x.reshape(2, 3, 4, 2).transpose(0, 3, 1, 2)},
    ),
]


@pytest.mark.parametrize(("words", "how"), HEADS, ids=[words for words, _ in HEADS])
def test_wrong_heads_are_told_their_mistake(judged, words, how):
    (message,), _ = judged("multiheadattention", heads(**how), x=X, **WEIGHTS, num_heads=2)
    assert words in message
