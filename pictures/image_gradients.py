"""What the gradient of a class's score by the image says: which pixels matter, and how an image
would have to change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.layers.annotations import Floats
from chainrule.nets import Classifier, Model
from chainrule.pictures.drawing import Panel, Picture, short
from chainrule.pictures.tiles import image

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAP = 0.06  # between an image and its map, of the image's width


def saliency(net: Any, x: ArrayLike, y: ArrayLike, shape: tuple[int, ...] | None = None) -> Floats:
    """How much each pixel moves the score of a class: out[n, i, j] = max over c of |g[n, c, i, j]|
    with g = ∂ scores[n, y[n]] / ∂x, for images x (N, C, H, W); out (N, H, W).

    Of any other x, such as rows (N, D), out is |g|. `shape`, (H, W) or (C, H, W), makes images of
    rows first. For a network without hidden layers, scores = x W + b, it is |W[:, y]|, whatever the
    row. Net, y and errors are as in `score_gradient`.
    Source: Simonyan, Vedaldi and Zisserman, "Deep Inside Convolutional Networks", 2013.
    """
    sizes = np.abs(score_gradient(net, x, y))
    if shape is not None:
        if math.prod(shape) != math.prod(sizes.shape[1:]):
            raise ValueError(
                f"saliency: shape is {shape}, expected one of as many numbers as a row of x has, "
                f"{math.prod(sizes.shape[1:])}"
            )
        sizes = sizes.reshape(len(sizes), *shape)
    return sizes.max(axis=1) if sizes.ndim == 4 else sizes


def score_gradient(net: Any, x: ArrayLike, y: ArrayLike) -> Floats:
    """∂ scores[n, y[n]] / ∂x, of the shape of x (N, …), in inference mode, by one pass forward and
    one backward for all rows.

    `net` is a network that gives scores (N, C), or a model around one, of which the loss takes no
    part; the scores of a network that ends in a softmax are probabilities. A single output s,
    which stands for class 1, gives class 0 the score -s. `y` are the classes (N,), integers.
    Raises ValueError where the scores or y are not as described.
    """
    net = net.net if isinstance(net, Model) else net
    scores, cache = net.forward(np.asarray(x), train=False)
    if scores.ndim != 2 or scores.shape[1] == 0:
        raise ValueError(
            f"score_gradient: the network's output has shape {scores.shape}, expected (N, C), a "
            f"score per class"
        )
    rows = len(scores)
    y = labels("score_gradient", y, rows, max(scores.shape[1], 2))
    dout = np.zeros_like(scores)
    if scores.shape[1] == 1:
        dout[:, 0] = np.where(y == 1, 1, -1)
    else:
        dout[np.arange(rows), y] = 1
    dx: Floats = net.backward(dout, cache)[0]
    return dx


def labels(who: str, y: ArrayLike, rows: int, classes: int) -> NDArray[np.integer]:
    """`y` as an array. Raises ValueError unless it names a class for each row."""
    y = np.asarray(y)
    if y.shape != (rows,) or y.dtype.kind not in "iu" or not ((y >= 0) & (y < classes)).all():
        raise ValueError(
            f"{who}: y has shape {y.shape} and dtype {y.dtype}, expected ({rows},), for each row "
            f"an integer from 0 to {classes - 1}"
        )
    return y


def ascend(
    net: Any, x: ArrayLike, y: ArrayLike, *, steps: int = 100, rate: float = 0.1, l2: float = 0.0
) -> Floats:
    """What images x (N, …) become if they climb towards a higher score of the classes y (N,): so
    many steps x ← x + rate · g / ‖g‖, where g = ∂ (scores[n, y[n]] - l2 ‖x[n]‖²) / ∂x[n] is taken
    anew at each. From noise, it draws what the network takes for a class.

    x itself stays as it is. Net, y and errors are as in `score_gradient`; ValueError for a rate
    that is not positive, too.
    Source: Simonyan, Vedaldi and Zisserman, "Deep Inside Convolutional Networks", 2013.
    """
    x = np.array(x)
    for _ in range(steps):
        x = uphill(net, x, y, rate, l2)
    return x


def fool(net: Any, x: ArrayLike, y: ArrayLike, *, steps: int = 100, rate: float = 0.1) -> Floats:
    """Images that the network takes for the classes y (N,), near the images x (N, …): each climbs
    as in `ascend` until it is taken for its y, or until it has taken so many `steps`.

    Raises as `ascend` does.
    Source: Szegedy et al., "Intriguing Properties of Neural Networks", 2013.
    """
    x, y = np.array(x), np.asarray(y)
    if y.shape != (len(x),):
        raise ValueError(f"fool: y has shape {y.shape}, expected ({len(x)},), a class for each row")
    model: Any = net if isinstance(net, Model) else Classifier(net)
    for _ in range(steps):
        left = np.flatnonzero(model.predict(x) != y)
        if not left.size:
            break
        x[left] = uphill(net, x[left], y[left], rate)
    return x


def uphill(net: Any, x: Floats, y: ArrayLike, rate: float, l2: float = 0.0) -> Floats:
    """x after a step of length `rate` in each row."""
    if not rate > 0:
        raise ValueError(f"ascend: rate is {rate!r}, expected a positive number")
    g = score_gradient(net, x, y) - 2 * float(l2) * x
    length = np.linalg.norm(g.reshape(len(g), -1), axis=1).reshape(-1, *[1] * (g.ndim - 1))
    return x + float(rate) * g / np.maximum(length, np.finfo(g.dtype).tiny)


def saliency_maps(
    model: Any,
    x: ArrayLike,
    y: ArrayLike,
    classes: Sequence[str] | None = None,
    shape: tuple[int, ...] | None = None,
) -> Picture:
    """Images beside their saliency maps, a panel each:

        saliency_maps(model, data.x_test[:8], data.y_test[:8], data.classes, data.image_shape)

    `model` is a `Classifier`, `x` are images (N, C, H, W), or rows that `shape` makes images of,
    and `y` their true classes (N,). The map is that of the class which the model takes the image
    for. `classes` are the names of the C classes; left out, they are numbers.

    Raises:
        ValueError: rows are no images, or there are none; y or classes are not as described.
    """
    x = np.asarray(x)
    shape = x.shape[1:] if shape is None else shape
    if len(shape) not in (2, 3) or x.size == 0:
        raise ValueError(
            f"saliency_maps: x has shape {x.shape}, expected images (N, C, H, W), at least one, or "
            f"rows and the shape of an image, (H, W) or (C, H, W)"
        )
    scores, are_probabilities, _ = model.class_scores(x)
    y = labels("saliency_maps", y, *scores.shape)
    if classes is not None and len(classes) != scores.shape[1]:
        raise ValueError(
            f"saliency_maps: classes has {len(classes)} names, expected {scores.shape[1]}"
        )
    taken = model.predict(x)
    maps = saliency(model, x, taken, shape)
    low, high = float(x.min()), float(x.max())
    pixels = (x - low) / ((high - low) or 1)

    def said(row: int, c: int) -> str:
        score = float(scores[row, c])
        name = short(str(c) if classes is None else classes[c], 10)
        return f"{name} ({f'{score:.1%}' if are_probabilities else f'{score:.3g}'})"

    panels = []
    for row in range(len(x)):
        names = [said(row, y[row])] + ([said(row, taken[row])] if taken[row] != y[row] else [])
        panels.append(
            Panel(
                partial(draw_map, image(pixels[row], shape), maps[row], "\n→ ".join(names)),
                f"{' taken for '.join(names)}: the image and its saliency map",
            )
        )
    return Picture(
        "saliency",
        "Saliency maps",
        "Beside each image stands how strongly each of its pixels moves the score of the class "
        "that it is taken for, after the arrow where that is wrong: the size of the gradient of "
        "that score by the pixel, of three colours the largest, from black for 0 to bright for "
        "the map's largest. The light should lie on and around what the class is known by; light "
        "that gathers at the border or in the background is a bad sign, since the network may "
        "have learned what goes with a class in place of the class. Specks are common.",
        panels,
        width=2.3,
        height=2.3 / (2 + GAP) * shape[-2] / shape[-1] + 0.45,
    )


def draw_map(pixels: np.ndarray, sizes: np.ndarray, title: str, axes: Axes) -> None:
    """An image, and beside it its map (H, W)."""
    high, wide = sizes.shape
    start = (1 + GAP) * wide
    style: dict[str, Any] = {"vmin": 0, "interpolation": "none"}
    axes.imshow(pixels, cmap="gray", vmax=1, extent=(0, wide, high, 0), **style)
    axes.imshow(
        sizes, cmap="inferno", vmax=sizes.max() or 1, extent=(start, start + wide, high, 0), **style
    )
    axes.set_xlim(0, start + wide)
    axes.set_ylim(high, 0)
    axes.set_axis_off()
    axes.set_title(title, fontsize=8, loc="left")
