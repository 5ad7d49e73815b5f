"""What one pass forward and one backward carry through the layers of a network."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.nets import Model, Sequential
from chainrule.pictures.drawing import BLUE, INK, ORANGE, Panel, Picture, named, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 40
HALF = 0.44  # the half width of a column
NAMED = 24  # layers whose names fit
ENDS = (0.1, 99.9)  # percentiles between which there is room for all


class Flow(NamedTuple):
    """The outputs of all layers, and the gradients of the loss with respect to these."""

    names: Sequence[str]
    outputs: list[np.ndarray]
    gradients: list[np.ndarray]


def gradient_flow(nets: Any, x: Any, y: Any = None, *, dout: Any = None) -> Picture:
    """How the outputs of the layers and their gradients spread, layer by layer, right now:

        gradient_flow(Classifier(net), x, y)
        gradient_flow({"small": one, "he": another}, x, dout=np.ones((len(x), 10)))

    `nets` is a `Sequential` (an `MLP` is one), a model around one, or a dict of these by name, two
    panels each. `x` are rows (N, …). The gradient begins with that of a model's loss for targets
    `y`, or with `dout`, an array of the shape of the network's output. The passes are those of
    training, made by a copy: the network's parameters, its state and its random numbers stay.

    A column is a histogram, each as wide as the others at its widest place, and a line joins the
    medians. Gradients are shown by the power of ten of |g|; those that are 0 are left out, and
    where all are, a 0 stands in the column.

    Raises:
        TypeError: a network is not `Sequential`.
        ValueError: neither or both of y and dout are given, y is given for a network without a
            loss, or a layer refuses what it gets.
    """
    if (y is None) == (dout is None):
        raise ValueError("gradient_flow: expected one of y, for a model, and dout")
    found = {name: flow_of(net, np.asarray(x), y, dout) for name, net in named(nets).items()}
    sizes = {
        name: [np.log10(np.abs(g[(g != 0) & np.isfinite(g)])) for g in one.gradients]
        for name, one in found.items()
    }
    low, high = around([size for one in sizes.values() for size in one])
    limits = (float(np.floor(low)), float(np.ceil(high)))  # whole powers of ten
    panels = []
    for name, one in found.items():
        said = f"{short(name, 30)}: " if name else ""
        outputs = [out[np.isfinite(out)] for out in one.outputs]
        panels += [
            Panel(
                partial(draw_columns, one.names, outputs, around(outputs), BLUE, f"{said}outputs"),
                f"{said}outputs of {len(outputs)} layers",
            ),
            Panel(
                partial(draw_sizes, one.names, sizes[name], limits, f"{said}|gradients|"),
                f"{said}gradients of {len(outputs)} layers",
            ),
        ]
    return Picture(
        "flow",
        "Flow through the layers",
        "From left to right go the layers, from the input to the output, and each column shows "
        "where the numbers lie; columns that all look alike are healthy, gradients that sink "
        "towards the input vanish, those that rise explode, and outputs that shrink to a line, "
        "or gather at the ends of a sigmoid or a tanh, come before that.",
        panels,
        width=5.4,
        height=2.9,
    )


def flow_of(net: Any, x: np.ndarray, y: Any, dout: Any) -> Flow:
    """A pass forward and backward through a copy of a network."""
    model = net if isinstance(net, Model) else None
    whole = net.net if model is not None else net
    if getattr(type(whole), "forward", None) is not Sequential.forward:
        raise TypeError(f"gradient_flow: found {whole!r}, expected a Sequential network")
    whole = copy.deepcopy(whole)
    passes = []
    for layer in whole.layers:
        x, cache = layer.forward(x)
        passes.append((layer, x, cache))
    if y is not None:
        if model is None:
            raise ValueError(
                "gradient_flow: y is given for a network, expected a model that has a loss, "
                "Classifier(net), or dout"
            )
        _, cache = model.criterion.forward(x, y)
        dout, _ = model.criterion.backward(1.0, cache)
    gradients = []
    for layer, _, cache in reversed(passes):
        gradients.append(np.asarray(dout))
        if len(gradients) < len(passes):  # nobody asks for the gradient of the input
            dout, _ = layer.backward(dout, cache)
    return Flow(whole.names, [out for _, out, _ in passes], gradients[::-1])


def around(columns: list[np.ndarray]) -> tuple[float, float]:
    """The range that holds nearly all numbers of all columns, with some room."""
    ends = [np.percentile(one, ENDS) for one in columns if one.size]
    low, high = (float(np.min(ends)), float(np.max(ends))) if ends else (0.0, 0.0)
    room = 0.05 * (high - low) or 0.5
    return low - room, high + room


def draw_columns(
    names: Sequence[str],
    columns: list[np.ndarray],
    limits: tuple[float, float],
    colour: str,
    title: str,
    axes: Axes,
) -> None:
    """A histogram for each layer, on its side, and a line through the medians."""
    from matplotlib.ticker import MaxNLocator

    bins = np.linspace(*limits, BINS + 1)
    for at, numbers in enumerate(columns):
        counts = np.histogram(numbers.clip(*limits), bins)[0]
        if counts.any():
            wide = HALF * counts / counts.max()
            axes.stairs(at + wide, bins, baseline=at - wide, orientation="horizontal",
                        color=colour, fill=True)  # fmt: skip
        else:
            axes.text(at, limits[0], "0", ha="center", va="bottom", color=colour)
    middles = [np.median(numbers) if numbers.size else np.nan for numbers in columns]
    axes.plot(middles, color=INK, lw=0.9, marker="o", ms=2.5)
    axes.set_title(title)
    axes.set_ylim(limits)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    shown = range(0, len(names), -(-len(names) // NAMED))
    axes.set_xticks(shown, [short(names[at]) for at in shown], rotation=90 if len(names) > 6 else 0)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.grid(axis="y", alpha=0.25)


def draw_sizes(
    names: Sequence[str],
    columns: list[np.ndarray],
    limits: tuple[float, float],
    title: str,
    axes: Axes,
) -> None:
    """Histograms of powers of ten."""
    from matplotlib.ticker import MaxNLocator

    draw_columns(names, columns, limits, ORANGE, title, axes)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(lambda y, _: f"1e{y:.0f}")
