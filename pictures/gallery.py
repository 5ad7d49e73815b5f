"""Activations as curves, each with its derivative."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.pictures.drawing import BLUE, INK, ORANGE, Panel, Picture, short
from chainrule.pictures.monitor import is_flat

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 801  # of a curve
STRETCH = 25  # points; where a curve is flat for less than that, it only turns


class Curve(NamedTuple):
    """A function and its derivative at the points x, and where it is flat; all of one length."""

    name: str
    x: np.ndarray
    out: np.ndarray
    slope: np.ndarray
    flat: np.ndarray


def activations(layers: Sequence[Any], span: tuple[float, float] = (-4, 4)) -> Picture:
    """The curve of each activation and its derivative, a panel each:

        activations([ReLU(), Tanh(), MyLayer()])

    `layers` map each number on its own; curve and derivative are what their own forward pass in
    inference mode and their own backward pass say. `span` is the range of x. Grey marks where a
    layer is flat: where |derivative| is below 0.5 % of the steepest in the span, or 0, and not only
    at a turn, for less than 3 % of the span.

    Raises:
        TypeError: `layers` is not a list of layers, or holds something else than a layer.
        ValueError: `span` is not a range; a layer mixes its inputs, as Softmax and Maxout do, or
            has no value somewhere in the span.
    """
    if not isinstance(layers, (list, tuple)) or not layers:
        raise TypeError(f"activations: layers is {layers!r}, expected a list of layers, [ReLU()]")
    low, high = span
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(f"activations: span is {span!r}, expected (low, high)")
    x = np.linspace(low, high, POINTS)
    curves = [curve_of(layer, x) for layer in layers]
    return Picture(
        "activations",
        "Activations",
        "The line is what an activation makes of a number, the dashed line its derivative, by "
        "which a gradient that passes is multiplied; where that is close to 0, the grey part, a "
        "unit hardly learns.",
        [
            Panel(partial(draw_curve, one, legend=not at), f"{one.name} and its derivative")
            for at, one in enumerate(curves)
        ],
        width=2.7,
        height=2.3,
    )


def curve_of(layer: Any, x: np.ndarray) -> Curve:
    """The curve of a layer at the points x."""
    if isinstance(layer, type) or not hasattr(layer, "forward"):
        raise TypeError(f"activations: found {layer!r}, expected a layer such as ReLU()")
    row = x[np.newaxis]  # as the features of one example
    try:
        out, cache = layer.forward(row, train=False)
        slope = layer.backward(np.ones_like(row), cache)[0]
        # If every number has a path of its own, each entry of dout comes back times its slope.
        uneven = 1 + 0.5 * np.sin(np.arange(len(x)))[np.newaxis]
        alone = np.allclose(layer.backward(uneven, cache)[0], uneven * slope)
    except ValueError as error:
        raise ValueError(
            f"activations: expected a layer that takes each number from {x[0]:g} to {x[-1]:g} on "
            f"its own, found one that says: {error}"
        ) from error
    if not alone or np.shape(out) != row.shape:
        raise ValueError(
            f"activations: {layer!r} mixes its inputs, expected a layer that maps each number on "
            f"its own"
        )
    size = np.abs(slope[0])
    flat = is_flat(size, size.max())
    stretches = np.convolve(flat, np.ones(STRETCH), "valid") == STRETCH  # by their first points
    return Curve(repr(layer), x, out[0], slope[0], np.convolve(stretches, np.ones(STRETCH)) > 0)


def draw_curve(one: Curve, axes: Axes, *, legend: bool) -> None:
    """A curve, its derivative and its flat parts."""
    axes.fill_between(
        one.x, 0, 1, where=one.flat.tolist(), transform=axes.get_xaxis_transform(),
        color=INK, alpha=0.1, lw=0, label="flat",
    )  # fmt: skip
    axes.axhline(0, color=INK, lw=0.6)
    axes.axvline(0, color=INK, lw=0.6)
    axes.plot(one.x, one.out, color=BLUE, lw=1.8, label="f(x)")
    axes.plot(one.x, one.slope, color=ORANGE, lw=1.5, ls="--", label="f′(x)")
    axes.set_xlim(one.x[0], one.x[-1])
    axes.set_title(short(one.name, 38))
    axes.grid(alpha=0.25)
    if legend:
        axes.legend(fontsize=8, loc="upper left")
