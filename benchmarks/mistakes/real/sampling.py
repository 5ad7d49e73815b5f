"""Pixels between pixels, and pixels repeated."""

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake


def sample_forward(image, at):
    """A row of pixels, read in between by linear interpolation, clipped to its ends."""
    clipped = np.clip(at, 0, len(image) - 1)
    low = np.floor(clipped).astype(int)
    high = np.minimum(low + 1, len(image) - 1)
    f = clipped - low
    return image[low] * (1 - f) + image[high] * f, (image, at, low, high, f)


def sample_backward(dout, cache):
    image, at, low, high, f = cache
    dimage = np.zeros(len(image))
    np.add.at(dimage, low, dout * (1 - f))
    np.add.at(dimage, high, dout * f)
    right = image[high]
    inside = (at >= 0) & (at <= len(image) - 1)
    return dimage, dout * (right - image[low]) * inside


def upsample_and_skip_forward(x, skip):
    """Used twice: repeated along the rows, and multiplied by the skip connection."""
    up = np.repeat(x, 2, axis=1)
    return np.concatenate([up, x * skip], axis=1), (x, skip)


def upsample_and_skip_backward(dout, cache):
    x, skip = cache
    N, D = x.shape
    dx = dout[:, 2 * D :] * skip
    dskip = dout[:, 2 * D :] * x
    dx += dout[:, : 2 * D].reshape(N, D, 2).sum(axis=2)
    return dx, dskip


MISTAKES = [
    PairMistake(
        "grid-sample-border",
        {"right = image[high]": "right = np.where(low + 1 < len(image), image[high], 0.0)"},
        "wrong slope exactly on the border (only there)",
        "A sample exactly on the border of the image took a pixel outside, read as 0, for its right"
        " neighbour: points at the border were shot away; gradcheck never sampled the border.",
        "pytorch/pytorch#23925, PR 32829 (2019-20)",
        inputs=lambda _: (
            np.array([2.0, 3.5, 5.0, 4.0, 6.0]),
            np.array([0.3, 4.0, 2.6, 4.7, 4.0]),
        ),
        forward=sample_forward,
        backward=sample_backward,
    ),
    PairMistake(
        "second-use-overwrites",
        {
            "dx += dout[:, : 2 * D].reshape(N, D, 2).sum(axis=2)": (
                "dx = dout[:, : 2 * D].reshape(N, D, 2).sum(axis=2)"
            )
        },
        "gradient of one use overwrites the other's",
        "The backward of nearest upsampling stored the gradient of its input instead of adding to"
        " it, so a tensor used twice, as in every U-Net, lost the other use's share.",
        "huggingface/candle#3507 (2026)",
        inputs=normal((2, 3), (2, 3)),
        forward=upsample_and_skip_forward,
        backward=upsample_and_skip_backward,
    ),
]
