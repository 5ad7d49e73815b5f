"""Convolution, pooling and the normalisation of images: right in many spellings, and wrong."""

import numpy as np
import pytest

RNG = np.random.default_rng(0)
X, W, B = RNG.normal(size=(2, 3, 6, 5)), RNG.normal(size=(4, 3, 3, 3)), RNG.normal(size=4)
GAMMA, BETA = RNG.normal(size=4), RNG.normal(size=4)
MAPS = RNG.normal(size=(2, 4, 3, 5))


def padded(x, before, after=None, **how):
    around = (before, before if after is None else after)
    return np.pad(x, ((0, 0), (0, 0), around, around), **how)


def conv(x, w, b, stride=1):
    """Of an image that has its border already."""
    (_, _, H, W), (F, _, h, w_) = x.shape, w.shape
    out = np.zeros((len(x), F, (H - h) // stride + 1, (W - w_) // stride + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            top, left = i * stride, j * stride
            patch = x[:, np.newaxis, :, top : top + h, left : left + w_]
            out[:, :, i, j] = (patch * w).sum(axis=(2, 3, 4)) + b
    return out


RIGHT = conv(padded(X, 1), W, B, 2)
TOLD = {"x": X, "w_": W, "b_": B, "stride": 2, "pad": 1}
LAST = {"A_prev": X.transpose(0, 2, 3, 1), "W_": W.transpose(2, 3, 1, 0), "b_": B}
SPELLINGS = [
    (RIGHT, TOLD),
    (RIGHT, {"inputs": X, "kernel_": W, "bias_": B, "_stride": 2, "padding": 1}),
    (RIGHT, {"x": X, "weight": W, "bias": B}),  # the shapes tell
    (RIGHT - B.reshape(1, 4, 1, 1), {"x": X, "W_": W, "stride": 2, "pad": 1}),
    (conv(X, W, B), {"x": X, "filters": W, "b_": B}),
    (conv(padded(X, 1), W, B), {"x": X, "w_": W, "b_": B, "pad": "same"}),
    (RIGHT.transpose(0, 2, 3, 1), {**LAST, "stride": 2, "pad": 1}),
    (RIGHT.transpose(0, 2, 3, 1), {**LAST, "b_": B.reshape(1, 1, 1, 4)}),
    (conv(X[:, :, :1], W[:, :, :1], B)[:, :, 0], {"x": X[:, :, 0], "w_": W[:, :, 0], "b_": B}),
]


@pytest.mark.parametrize(("out", "given"), SPELLINGS)
def test_a_right_convolution_is_right_in_whatever_spelling(judged, out, given):
    assert judged("conv", out, **given) == ([], [])
    said, _ = judged("conv", out + 0.1 * np.sin(out), **given)
    assert said[0].startswith("out differs from the formula")


EACH_SIDE = "padding stands on one side, behind the image"
CONVS = [
    ("turned round", conv(padded(X, 1), W[:, :, ::-1, ::-1], B, 2)),
    ("rows and columns of the kernel", conv(padded(X, 1), W.swapaxes(2, 3), B, 2)),
    ("the bias is missing", conv(padded(X, 1), W, 0 * B, 2)),
    ("added 3 times, once for each input channel", conv(padded(X, 1), W, 3 * B, 2)),
    ("the stride is 1, not 2", conv(padded(X, 1), W, B)),
    ("the padding is 0, not 1", conv(X, W, B, 2)),
    ("the stride is 1, not 2 and the padding is 0, not 1", conv(X, W, B)),
    (EACH_SIDE, conv(padded(X, 0, 2), W, B, 2)),
    ("windows begin at i", conv(padded(X, 1), W, B)[:, :, :3, :3]),
    ("mirrored at its border", conv(padded(X, 1, mode="reflect"), W, B, 2)),
    ("it averages over the window", conv(padded(X, 1), W / 27, B, 2)),
    ("only the first channel", conv(padded(X, 1)[:, :1], W[:, :1], B, 2)),
    ("the sign of the output", -RIGHT),
]


@pytest.mark.parametrize(("words", "out"), CONVS, ids=[words for words, _ in CONVS])
def test_a_wrong_convolution_is_told_its_mistake(judged, words, out):
    (message,), _ = judged("conv", out, **TOLD)
    assert words in message
    if out.shape == RIGHT.shape:  # where the shapes tell stride and padding, too
        (message,), _ = judged("conv", out, x=X, w_=W, b_=B)
        assert words in message


@pytest.mark.parametrize(
    "given",
    [
        {"x": X, "w_": W[:, :2], "b_": B},  # groups
        {"x": X, "w_": W, "b_": B, "groups": 3},
        {"x": X, "w_": W, "b_": B, "mask": X},
        {"x": X, "w_": W, "b_": B, "gain_": B},
        {"x": X, "w_": W, "b_": B[:3]},
        {"x": X[0], "w_": W, "b_": B},
        {"x": X, "w_": W[0], "b_": B},
        {"x": X, "w_": W, "b_": B, "transposed": True},
        {"x": X, "b_": B},
    ],
)
def test_a_convolution_of_another_kind_is_not_compared(judged, given):
    said, (note,) = judged("conv", RIGHT, **given)
    assert not said
    assert note.startswith("not compared with the formula")


def scattered(x, w, stride, overwrite=False):
    (N, _, H, W), (_, F, h, w_) = x.shape, w.shape
    out = np.zeros((N, F, (H - 1) * stride + h, (W - 1) * stride + w_))
    for i in range(H):
        for j in range(W):
            place = out[:, :, i * stride : i * stride + h, j * stride : j * stride + w_]
            new = np.einsum("nc,cfhw->nfhw", x[:, :, i, j], w)
            place[...] = new if overwrite else place + new
    return out


def test_a_transposed_convolution(judged):
    w, b = W[:3, :2].copy(), B[:2]
    bias = b.reshape(2, 1, 1)
    out = scattered(X, w, 2)[:, :, 1:-1, 1:-1] + bias
    given = {"x": X, "w_": w, "b_": b}
    assert judged("convtranspose", out, **given) == ([], [])
    assert judged("convtranspose", out, **given, stride=2, padding=1) == ([], [])
    (message,), _ = judged("convtranspose", out - bias, **given)
    assert message == "the bias is missing"
    wrong = scattered(X, w, 2, overwrite=True)[:, :, 1:-1, 1:-1] + bias
    (message,), _ = judged("convtranspose", wrong, **given)
    assert "they add up" in message


def windows(x, h, w, stride):
    rows, columns = (x.shape[2] - h) // stride + 1, (x.shape[3] - w) // stride + 1
    out = np.zeros((*x.shape[:2], rows, columns, h, w))
    for i in range(rows):
        for j in range(columns):
            out[:, :, i, j] = x[:, :, i * stride : i * stride + h, j * stride : j * stride + w]
    return out


PAIRS = windows(X, 2, 2, 2)
POOL = {"x": X, "pool_height": 2, "pool_width": 2, "stride": 2}
POOLS = [
    ("maxpool", PAIRS.max(axis=(4, 5)), POOL),
    ("maxpool", PAIRS.max(axis=(4, 5)), {"x": X}),
    ("maxpool", PAIRS.max(axis=(4, 5)), {"x": X, "kernel_size": 2, "stride": 2}),
    ("maxpool", PAIRS.max(axis=(4, 5)), {"x": X, "pool_h": 2, "pool_w": 2, "stride": 2, "pad": 0}),
    ("maxpool", windows(X, 3, 2, 1).max(axis=(4, 5)), {"x": X}),
    ("maxpool", PAIRS.max(axis=(4, 5)).transpose(0, 2, 3, 1), {"x": X.transpose(0, 2, 3, 1)}),
    ("maxpool", windows(padded(X, 1), 2, 2, 2).max(axis=(4, 5)), {**POOL, "pad": 1}),
    ("maxpool", X[:, :, 0, :4].reshape(2, 3, 2, 2).max(axis=3), {"x": X[:, :, 0, :4], "k": 2}),
    ("avgpool", PAIRS.mean(axis=(4, 5)), POOL),
    ("avgpool", windows(padded(X, 1), 2, 2, 2).mean(axis=(4, 5)), {**POOL, "pad": 1}),
    ("pooling", PAIRS.mean(axis=(4, 5)), POOL),
    ("pooling", PAIRS.max(axis=(4, 5)), POOL),
    ("globalavgpool", X.mean(axis=(2, 3)), {"x": X}),
    ("globalavgpool", X.mean(axis=(2, 3), keepdims=True), {"x": X}),
    ("globalavgpool", X.mean(axis=(1, 2)), {"x": X}),  # channels last
    ("globalmaxpool", X.max(axis=(2, 3)), {"x": X}),
]


@pytest.mark.parametrize(("name", "out", "given"), POOLS)
def test_a_right_pooling_is_right_in_whatever_spelling(judged, name, out, given):
    assert judged(name, out, **given) == ([], [])


TOTAL = PAIRS.sum(axis=(4, 5))
WRONG_POOLS = [
    ("maxpool", "out is the mean of each window", TOTAL / 4, POOL),
    ("maxpool", "out is the minimum", PAIRS.min(axis=(4, 5)), POOL),
    ("maxpool", "the largest absolute value", abs(PAIRS).max(axis=(4, 5)), POOL),
    ("maxpool", "windows begin at i", windows(X, 2, 2, 1).max(axis=(4, 5))[:, :, :3, :2], POOL),
    ("maxpool", "the stride is 1, not 2", windows(X, 2, 2, 1).max(axis=(4, 5)), POOL),
    (
        "maxpool",
        "over the channels",
        np.repeat(PAIRS.max(axis=(1, 4, 5))[:, np.newaxis], 3, axis=1),
        POOL,
    ),
    (
        "maxpool",
        "height and width of the window are exchanged: it is 3 × 2",
        windows(X, 2, 3, 1).max(axis=(4, 5)),
        {"x": X, "pool_height": 3, "pool_width": 2, "stride": 1},
    ),
    ("avgpool", "out is the sum of each window", TOTAL, POOL),
    ("avgpool", "by 2, which is the side of the window or the stride", TOTAL / 2, POOL),
    ("avgpool", "out is the maximum", PAIRS.max(axis=(4, 5)), POOL),
    ("globalavgpool", "out is the sum of each channel", X.sum(axis=(2, 3)), {"x": X}),
    ("globalavgpool", "the number of examples, 2, too", X.mean(axis=(2, 3)) / 2, {"x": X}),
    ("globalavgpool", "by 6, which is the side of the image", X.sum(axis=(2, 3)) / 6, {"x": X}),
]


@pytest.mark.parametrize(("name", "words", "out", "given"), WRONG_POOLS)
def test_a_wrong_pooling_is_told_its_mistake(judged, name, words, out, given):
    (message,), _ = judged(name, out, **given)
    assert words in message


def normed(x, view, axes, eps=1e-5, ddof=0):
    x, shape = x.reshape(view), x.shape
    xhat = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, ddof=ddof, keepdims=True) + eps)
    return xhat.reshape(shape)


def affine(x):
    return x * GAMMA.reshape(1, 4, 1, 1) + BETA.reshape(1, 4, 1, 1)


GROUPED = affine(normed(MAPS, (2, 2, 2, 3, 5), (2, 3, 4)))
COLUMNS = {"gamma_": GAMMA.reshape(1, 4, 1, 1), "beta_": BETA.reshape(1, 4, 1, 1)}
ROWS = {"gamma_": GAMMA, "beta_": BETA}


@pytest.mark.parametrize(
    ("name", "out", "given"),
    [
        ("groupnorm", GROUPED, {**COLUMNS, "G": 2}),
        ("groupnorm", GROUPED, {**ROWS, "num_groups": 2, "eps": 1e-5}),
        ("groupnorm", GROUPED, ROWS),
        ("groupnorm", normed(MAPS, (2, 2, 2, 3, 5), (2, 3, 4)), {"G": 2}),
        ("instancenorm", affine(normed(MAPS, MAPS.shape, (2, 3))), COLUMNS),
        ("instancenorm", normed(MAPS, MAPS.shape, (2, 3), 1e-3), {}),
    ],
)
def test_a_right_norm_is_right_in_whatever_spelling(judged, name, out, given):
    assert judged(name, out, x=MAPS, **given) == ([], [])


@pytest.mark.parametrize(
    ("name", "words", "view", "axes"),
    [
        ("groupnorm", "every 2-th channel", (2, 2, 2, 3, 5), (1, 3, 4)),
        ("groupnorm", "as instance norm does", (2, 2, 2, 3, 5), (3, 4)),
        ("groupnorm", "as layer norm does", (2, 2, 2, 3, 5), (1, 2, 3, 4)),
        ("groupnorm", "over the examples, too", (2, 2, 2, 3, 5), (0, 2, 3, 4)),
        ("instancenorm", "as batch norm does", (2, 4, 3, 5), (0, 2, 3)),
        ("instancenorm", "as layer norm does", (2, 4, 3, 5), (1, 2, 3)),
    ],
)
def test_a_norm_over_the_wrong_axes_is_told_so(judged, name, words, view, axes):
    groups = {"G": 2} if name == "groupnorm" else {}
    (message,), _ = judged(name, affine(normed(MAPS, view, axes)), x=MAPS, **COLUMNS, **groups)
    assert words in message


def test_other_mistakes_in_a_group_norm(judged):
    x = RNG.normal(size=(2, 6, 3))
    by_size = normed(x, (2, 3, 2, 3), (2, 3))
    (message,), _ = judged("groupnorm", by_size, x=x, G=2)
    assert "2 is taken for the number of channels in a group" in message
    unbiased = normed(x, (2, 2, 3, 3), (2, 3), ddof=1)
    (message,), _ = judged("groupnorm", unbiased, x=x, G=2, eps=1e-5)
    assert "unbiased" in message
    _, (note,) = judged("groupnorm", by_size, x=x, G=4)
    assert "6 channels do not fall into 4 groups" in note


def test_rms_norm(judged):
    x, gamma = RNG.normal(size=(3, 4)), GAMMA
    square = (x**2).mean(axis=1, keepdims=True)
    right = gamma * x / np.sqrt(square + 1e-6)
    for given in ({"gamma_": gamma, "eps": 1e-6}, {"weight_": gamma}, {"g_": gamma}):
        assert judged("rmsnorm", right, x=x, **given) == ([], [])
    assert judged("rmsnorm", right, x=x, gamma_=gamma - 1) == ([], [])
    centred = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-6)
    wrong = {
        "eps stands outside": gamma * x / (np.sqrt(square) + 0.1),
        "the square root is missing": gamma * x / (square + 1e-6),
        "gamma is missing": x / np.sqrt(square + 1e-6),
        "the mean is subtracted": gamma * centred,
        "summed, not averaged": gamma * x / np.sqrt(4 * square + 1e-6),
    }
    for words, out in wrong.items():
        (message,), _ = judged("rmsnorm", out, x=x, gamma_=gamma)
        assert words in message
