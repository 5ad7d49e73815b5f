"""Embeddings, products and losses of every step, positions: right in many spellings, and wrong."""

import numpy as np
import pytest

RNG = np.random.default_rng(0)
IDS, TABLE = np.array([[0, 3, 1], [4, 1, 1]]), RNG.normal(size=(5, 4))


def test_an_embedding(judged):
    out = TABLE[IDS]
    for given in (
        {"x": IDS, "W_": TABLE},
        {"W_": TABLE, "ids": IDS},
        {"idx": IDS, "weight_": TABLE},
    ):
        assert judged("embedding", out, **given) == ([], [])
    assert judged("embedding", TABLE[IDS[0]], x=IDS[0], W_=TABLE) == ([], [])
    assert judged("embedding", out, x=IDS.astype(float), W_=TABLE) == ([], [])
    wrong = {"word 1 takes the first": TABLE[IDS - 1], "multiplied by √D": 2 * out}
    for words, other in wrong.items():
        (message,), _ = judged("embedding", other, x=IDS, W_=TABLE)
        assert words in message
    for x in (IDS + 1, IDS - 1, IDS + 0.5):
        _, (note,) = judged("embedding", out, x=x, W_=TABLE)
        assert "holds no numbers of rows" in note


X, W, B = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(4, 4)), RNG.normal(size=4)


def test_a_product_of_every_step(judged):
    out = np.array([[row @ W + B for row in steps] for steps in X])
    assert judged("temporalaffine", out, x=X, w_=W, b_=B) == ([], [])
    assert judged("temporalaffine", out - B, x=X, W_=W) == ([], [])
    wrong = {
        "the bias is missing": out - B,
        "w is transposed": X @ W.T + B,
        "a reshape mixes examples and steps": X.swapaxes(0, 1).reshape(X.shape) @ W + B,
        "every step reads the last one": np.repeat(out[:, -1:], 3, axis=1),
    }
    for words, other in wrong.items():
        (message,), _ = judged("temporalaffine", other, x=X, w_=W, b_=B)
        assert words in message
    _, (note,) = judged("temporalaffine", out, x=X, w_=W[:3], b_=B)
    assert "do not fit" in note


SCORES, MASK = RNG.normal(size=(2, 3, 5)), np.array([[1, 1, 0], [1, 0, 0]])
WORDS = np.array([[0, 3, 1], [4, 1, 1]])
P = np.exp(SCORES) / np.exp(SCORES).sum(axis=2, keepdims=True)
PICKED = np.log(P[np.arange(2)[:, np.newaxis], np.arange(3), WORDS])
TOTAL = -(MASK * PICKED).sum()
GIVEN = {"x": SCORES, "y": WORDS, "mask": MASK}
PER_WORD = "the loss is the mean over the words that count, not summed over time"


@pytest.mark.parametrize(
    ("out", "given", "notes"),
    [
        (TOTAL / 2, GIVEN, []),
        (TOTAL / 2, {**GIVEN, "mask": MASK == 1}, []),
        (TOTAL / 2, {"scores": SCORES, "targets": WORDS, "loss_mask": MASK * 1.0}, []),
        (-PICKED.sum() / 2, {"x": SCORES, "y": WORDS}, []),
        (TOTAL, {**GIVEN, "reduction": "sum"}, []),
        (TOTAL / 3, GIVEN, [PER_WORD]),
        (TOTAL / 3, {"xs": SCORES, "ts": np.where(MASK, WORDS, -1)}, [PER_WORD]),
        (
            TOTAL / 3,
            {"x": SCORES, "y": np.where(MASK, WORDS, 99), "ignore_index": 99},
            [PER_WORD],
        ),
    ],
)
def test_a_right_loss_of_sequences_is_right(judged, out, given, notes):
    assert judged("temporalsoftmax", out, **given) == ([], notes)


def log_softmax(x, axis):
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


def loss(log_p=None, mask=MASK, count=2):
    log_p = np.log(P) if log_p is None else log_p
    return -(mask * np.take_along_axis(log_p, WORDS[:, :, np.newaxis], 2)[..., 0]).sum() / count


@pytest.mark.parametrize(
    ("words", "out"),
    [
        ("it is divided by 6 = N·T, and not by 2 = N alone", loss(count=6)),
        ("it is divided by 1 = 1", loss(count=1)),
        ("it is divided by 4 = N²", loss(count=4)),
        ("the mask is ignored", loss(mask=1)),
        ("the mask is inverted", loss(mask=1 - MASK)),
        ("the mask is ignored, and it is divided by 6 = N·T", loss(mask=1, count=6)),
        ("over the steps", loss(log_softmax(SCORES, 1))),
        ("over the batch", loss(log_softmax(SCORES, 0))),
        ("the logarithm is missing", loss(P)),
        ("the sign of the output", -loss()),
    ],
)
def test_a_wrong_loss_of_sequences_is_told_its_mistake(judged, words, out):
    (message,), _ = judged("temporalsoftmax", out, **GIVEN)
    assert words in message


def test_other_losses_of_sequences_are_not_compared(judged):
    for change in ({"y": WORDS + 9}, {"y": WORDS[0]}, {"weights_": B}, {"mask": MASK[:1]}):
        said, (note,) = judged("temporalsoftmax", TOTAL, **{**GIVEN, **change})
        assert not said
        assert note.startswith("not compared")


STEPS, D = 3, 6
VECTORS = RNG.normal(size=(2, STEPS, D))


def sines(T=STEPS, exponent=1.0, start=0, swap=0, base=10000):
    P = np.zeros((T, D))
    for i in range(T):
        for j in range(D):
            angle = (i + start) / base ** (exponent * (j - j % 2) / D)
            P[i, j] = np.sin(angle) if (j + swap) % 2 == 0 else np.cos(angle)
    return P


@pytest.mark.parametrize(
    ("out", "given"),
    [
        (VECTORS + sines(), {"x": VECTORS}),
        (VECTORS[0] + sines(), {"x": VECTORS[0]}),
        (VECTORS * np.sqrt(D) + sines(), {"x": VECTORS}),
        (VECTORS + TABLE[:3, :2].repeat(3, 1), {"x": VECTORS, "W_": TABLE[:, :2].repeat(3, 1)}),
        (VECTORS + sines(), {"x": VECTORS, "pe_": sines(9)[np.newaxis]}),
    ],
)
def test_right_positions_are_right(judged, out, given):
    assert judged("positionalencoding", out, **given) == ([], [])


@pytest.mark.parametrize(
    ("words", "out"),
    [
        ("the exponent is twice", VECTORS + sines(exponent=2)),
        ("the exponent is half", VECTORS + sines(exponent=0.5)),
        ("positions begin with 1", VECTORS + sines(start=1)),
        ("sines and cosines are exchanged", VECTORS + sines(swap=1)),
        ("the base is 1000", VECTORS + sines(base=1000)),
        ("along the examples", VECTORS + sines(2)[:, np.newaxis]),
        ("the positions multiply x", VECTORS * sines()),
        ("the position of the first", VECTORS + sines()[:1]),
        ("x is missing", np.stack([sines(), sines()])),
    ],
)
def test_wrong_positions_are_told_their_mistake(judged, words, out):
    (message,), _ = judged("positionalencoding", out, x=VECTORS)
    assert words in message


def test_positions_with_dropout_or_a_short_table_are_not_compared(judged):
    for given in ({"dropout": 0.1}, {"W_": sines(2)}, {"mask": MASK}):
        said, (note,) = judged("positionalencoding", VECTORS, x=VECTORS, **given)
        assert not said
        assert note.startswith("not compared")
