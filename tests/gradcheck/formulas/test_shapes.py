"""Layers that move, repeat and join; dropout of channels; softmax with smoothing and weights."""

import numpy as np
import pytest

from chainrule.gradcheck import check

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 4, 5))
TWICE = X.repeat(2, axis=2).repeat(2, axis=3)
AROUND = ((0, 0), (0, 0), (1, 1), (2, 2))
BORDER = np.pad(X, AROUND)
BOTH = {"a": X, "b": RNG.normal(size=(2, 3, 4, 5))}
JOINED = np.concatenate([*BOTH.values()], axis=1)
ROWS = X.reshape(2, -1)

RIGHT = [
    ("upsample", TWICE, {"x": X, "scale_factor": 2}),
    ("upsample", X.repeat(3, axis=3), {"x": X, "factor": (1, 3)}),
    ("upsample", TWICE, {"x": X}),  # the shapes tell
    ("pad", BORDER, {"x": X, "pad": (1, 2)}),
    ("pad", np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=7),
     {"x": X, "padding": 1, "value": 7.0}),
    ("pad", np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1))), {"x": X}),
    ("concatenate", JOINED, {**BOTH, "axis": 1}),
    ("concatenate", JOINED, BOTH),
    ("flatten", ROWS, {"x": X}),
    ("reshape", X.reshape(2, 6, 10), {"x": X}),
]  # fmt: skip
WRONG = [
    ("upsample", np.tile(X, (1, 1, 2, 2)), {"x": X, "factor": 2}, "the image as a whole"),
    ("upsample", TWICE / 4, {"x": X, "factor": 2}, "divided among their copies"),
    ("pad", np.pad(X, ((0, 0), (0, 0), (2, 0), (4, 0))), {"x": X, "pad": (1, 2)},
     "stands before the image: (1, 2) belong on each side"),
    ("pad", np.pad(X, AROUND, mode="edge"), {"x": X, "pad": (1, 2)}, "repeated at its border"),
    ("pad", BORDER, {"x": X, "pad": (1, 2), "value": 3.0}, "the border holds 0, not 3"),
    ("concatenate", np.concatenate([*BOTH.values()][::-1], axis=1), BOTH, "opposite order"),
    ("flatten", np.moveaxis(X, 1, -1).reshape(2, -1), {"x": X}, "channels are moved behind"),
    ("flatten", X.reshape(2, -1, order="F"), {"x": X}, "Fortran's"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "out", "given"), RIGHT)
def test_a_right_layer_is_right_in_whatever_spelling(judged, name, out, given):
    assert judged(name, out, **given) == ([], [])


@pytest.mark.parametrize(("name", "out", "given", "words"), WRONG)
def test_a_wrong_layer_is_told_its_mistake(judged, name, out, given, words):
    (message,), _ = judged(name, out, **given)
    assert words in message


class Dropout2d:
    """Whole channels, or what `shape` says, of a copy of the generator."""

    def __init__(self, shape):
        self.params = {}
        self.keep, self.shape, self.rng = 0.7, shape, np.random.default_rng(0)

    def forward(self, x, train=True):
        mask = self.rng.random(self.shape(x)) < self.keep if train else self.keep
        return x * mask / self.keep, mask / self.keep

    def backward(self, dout, cache):
        return dout * cache, {}


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (lambda x: (*x.shape[:2], 1, 1), ""),
        (lambda x: x.shape, "single entries are dropped"),
        (lambda x: (1, x.shape[1], 1, 1), "every example drops the same units"),
    ],
)
def test_dropout_of_images_takes_whole_channels(shape, words):
    report = check(Dropout2d(shape), RNG.normal(size=(4, 5, 3, 2)))
    assert report
    assert bool(report.remarks) == bool(words)
    assert all(words in remark.message for remark in report.remarks)


SCORES, LABELS = RNG.normal(size=(4, 3)), np.array([0, 2, 1, 2])
WEIGHTS = np.array([0.5, 1.0, 3.0])
LOGS = SCORES - np.log(np.exp(SCORES).sum(axis=1, keepdims=True))
HARD = np.eye(3)[LABELS]
SOFT = 0.8 * HARD + 0.2 / 3


@pytest.mark.parametrize(
    ("targets", "over", "given", "words"),
    [
        (SOFT, 4, {"smoothing": 0.2}, ""),
        (np.where(HARD == 1, 0.8, 0.1), 4, {"label_smoothing": 0.2}, ""),
        (HARD * WEIGHTS, WEIGHTS[LABELS].sum(), {"w": WEIGHTS}, ""),
        (HARD * WEIGHTS, 4, {"w": WEIGHTS}, ""),
        (HARD, 4, {"smoothing": 0.2}, "the labels are not smoothed"),
        (0.8 * HARD + 0.2, 4, {"smoothing": 0.2}, "every class has 0.2, not 0.2 / 3"),
        (HARD / WEIGHTS, 4, {"w": WEIGHTS}, "it divides by the weights"),
    ],
)
def test_a_softmax_with_smoothing_or_weights(judged, targets, over, given, words):
    loss = -(targets * LOGS).sum() / over
    said, _ = judged("softmaxcrossentropy", np.array(loss), x=SCORES, y=LABELS, **given)
    assert bool(said) == bool(words)
    assert all(words in message for message in said)
