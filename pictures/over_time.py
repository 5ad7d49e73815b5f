"""Pictures of what went on inside the layers while a network was trained.

Each takes the `records` of a `pictures.Monitor`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.pictures.drawing import (
    BLUE,
    COLOURS,
    INK,
    ORANGE,
    RED,
    Panel,
    Picture,
    curve,
    over_epochs,
    powers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Records = Sequence[dict[str, Any]]

ROWS = 60  # of a heat map
RULE_OF_THUMB = 1e-3
FLOOR = 1e-7  # smaller steps are off the scale


def layers_in(records: Records, figure: str) -> list[str]:
    """The layers for which `figure` was recorded, in the order of the network."""
    names = {name: None for one in records for name in one["layers"]}
    return [name for name in names if series(records, name, figure)[0]]


def series(records: Records, layer: str, figure: str) -> tuple[list[int], list[Any]]:
    """The epochs in which `figure` was recorded for a layer, and what it was."""
    found = [(one["epoch"], one["layers"].get(layer, {}).get(figure)) for one in records]
    known = [(epoch, value) for epoch, value in found if value is not None]
    return [epoch for epoch, _ in known], [value for _, value in known]


def outputs_over_time(records: Records) -> Picture:
    """A heat map of each layer's outputs over the epochs, on a scale of its own."""
    return Picture(
        "activations",
        "Outputs of the layers",
        "Across go the epochs, up the values that a layer gives out for a sample of the training "
        "data, the darker the more of them, with the mean as a line; bad signs are a band that "
        "shrinks to a line, one that keeps growing, and one that piles up at the ends of a "
        "sigmoid or a tanh.",
        [
            Panel(partial(output_map, records, name), f"outputs of {name} over the epochs")
            for name in layers_in(records, "activations")
        ],
    )


def gradients_over_time(records: Records) -> Picture:
    """A heat map of the orders of magnitude of each layer's gradient over the epochs, all on one
    scale."""
    names = layers_in(records, "gradients")
    every = [one for name in names for one in series(records, name, "gradients")[1]]
    limits = inhabited(every)
    return Picture(
        "gradients",
        "Gradients of the layers",
        "Across go the epochs, up the size of the loss's gradient with respect to a layer's "
        "outputs, in powers of ten; the layers should lie at about the same height and sink "
        "slowly as the loss does: bands that are lower by decades from layer to layer towards "
        "the input mean that the gradient vanishes, higher ones that it explodes.",
        [
            Panel(partial(gradient_map, records, name, limits), f"gradients of {name} by epoch")
            for name in names
        ],
    )


def output_map(records: Records, name: str, axes: Axes) -> None:
    """What a layer gave out, and its mean."""
    epochs, histograms = series(records, name, "activations")
    axes.plot(*series(records, name, "mean"), **curve(INK, len(epochs)) | {"lw": 1})
    heat_map(epochs, histograms, inhabited(histograms), name, axes)


def gradient_map(records: Records, name: str, limits: tuple[float, float], axes: Axes) -> None:
    """How large the gradient was, in powers of ten, and how much of it is 0."""
    from matplotlib.ticker import MaxNLocator

    zeros = series(records, name, "zeros")[1][-1]
    title = f"{name} ({zeros:.0%} are 0)" if zeros >= 0.005 else name
    heat_map(*series(records, name, "gradients"), limits, title, axes)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter(lambda y, _: f"1e{y:.0f}")


def heat_map(
    epochs: list[int],
    histograms: list[Any],
    limits: tuple[float, float],
    title: str,
    axes: Axes,
) -> None:
    """Histograms side by side, brought to common bins between the limits."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    bins = np.linspace(*limits, ROWS + 1)
    share = np.array([shares(one, bins) for one in histograms]).T  # (ROWS, epochs)
    # The square root lets a few values be seen beside a peak, such as the zeros of a ReLU.
    depth = np.sqrt(share / np.maximum(share.max(axis=0), 1e-12))
    blues = LinearSegmentedColormap.from_list("", [to_rgba(BLUE, 0), to_rgba(BLUE, 1)])
    columns = borders(epochs)
    axes.pcolormesh(columns, bins, depth, cmap=blues, vmin=0, vmax=1, rasterized=True)
    over_epochs(axes, title)
    axes.set_xlim(columns[0], columns[-1])
    axes.set_ylim(limits)
    axes.grid(visible=False)


def borders(epochs: Sequence[int]) -> np.ndarray:
    """The borders of columns that stand around the epochs: half-way between them."""
    middle = (np.array(epochs[1:]) + np.array(epochs[:-1])) / 2
    return np.concatenate([[epochs[0] - 0.5], middle, [epochs[-1] + 0.5]])


def inhabited(histograms: Iterable[Any]) -> tuple[float, float]:
    """The range in which all histograms have what they have, but for bins with less than one
    number in 200; widened where it is empty."""
    ends = []
    for low, high, counts in histograms:
        edges = np.linspace(low, high, len(counts) + 1)
        filled = np.flatnonzero(np.array(counts) > sum(counts) / 200)
        ends += [edges[filled[[0]]], edges[filled[[-1]] + 1]] if len(filled) else []
    low, high = (float(np.min(ends)), float(np.max(ends))) if ends else (0.0, 0.0)
    return (low, high) if low < high else (low - 1, high + 1)


def shares(histogram: Any, bins: np.ndarray) -> np.ndarray:
    """The share of a histogram's numbers in each of other `bins`, as if they were spread evenly
    within its own."""
    low, high, counts = histogram
    if low == high:  # all in one place
        return np.histogram([low], bins)[0].astype(float)
    below = np.concatenate([[0], np.cumsum(counts)]) / max(sum(counts), 1)
    return np.diff(np.interp(bins, np.linspace(low, high, len(counts) + 1), below))


def units_over_time(records: Records) -> Picture:
    """The shares of dead and saturated units of each activation over the epochs."""
    return Picture(
        "units",
        "Dead and saturated units",
        "A bar is the share of an activation's units that are saturated, flat on nearly all of "
        "the sample, and the red part of it those that are dead, flat on every row to the last "
        "digit; neither learns, so bars that are high or grow ask for a smaller learning rate, "
        "other first weights, or a norm in front.",
        [
            Panel(partial(unit_bars, records, name), f"dead and saturated units of {name}")
            for name in layers_in(records, "dead")
        ],
        height=2.0,
    )


def unit_bars(records: Records, name: str, axes: Axes) -> None:
    """Two bars per epoch, the smaller in front of the larger."""
    for figure, colour in (("saturated", ORANGE), ("dead", RED)):
        epochs, found = series(records, name, figure)
        ends = borders(epochs)
        axes.bar(ends[:-1], found, np.diff(ends), align="edge", color=colour,
                 label=f"{figure}, {found[-1]:.1%} at the end")  # fmt: skip
    axes.set_ylim(0, 1.6)  # with room for the legend above full bars
    axes.set_yticks([0, 0.5, 1], ["0%", "50%", "100%"])
    axes.legend(fontsize=8, loc="upper right")
    over_epochs(axes, name)
    axes.set_xlim(ends[0], ends[-1])


def updates_over_time(records: Records) -> Picture:
    """‖Δw‖ / ‖w‖ of each parameter over the epochs."""
    names = list({name: None for one in records for name in one["updates"]})
    names = [name for name in names if any(one["updates"].get(name) for one in records)]
    weights = {name for one in records for name in one.get("weights", ())}
    others = "biases and other parameters" if weights else "parameters"
    kinds = (
        ("weights", [name for name in names if name in weights]),
        (others, [name for name in names if name not in weights]),
    )
    return Picture(
        "updates",
        "Size of the steps",
        "How far the last step of an epoch moved each parameter, as a share of its length: "
        "about one part in a thousand, the dashed line, is a good rule for weights; far above "
        "it training is restless, far below it nearly stands still, as it should only where the "
        "schedule ends (steps below 1e-7 are left out).",
        [
            Panel(partial(ratios, records, kind, chosen), f"update-to-weight ratio of {kind}")
            for kind, chosen in kinds
            if chosen
        ],
        width=5.2,
        height=3.0,
    )


def ratios(records: Records, kind: str, names: list[str], axes: Axes) -> None:
    """Lines on a log scale, for as many of the parameters as there are colours."""
    some = np.linspace(0, len(names) - 1, min(len(names), len(COLOURS))).astype(int)
    epochs = [one["epoch"] for one in records]
    for at, colour in zip(some, COLOURS, strict=False):
        found = [one["updates"].get(names[at]) or 0.0 for one in records]
        y = [ratio if ratio >= FLOOR else np.nan for ratio in found]
        axes.plot(epochs, y, **curve(colour, len(y)), label=names[at])
    axes.axhline(RULE_OF_THUMB, color=INK, lw=1, ls="--")
    powers(axes)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, RULE_OF_THUMB / 10), max(high, RULE_OF_THUMB * 10))
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    over_epochs(axes, kind if len(some) == len(names) else f"{kind}, {len(some)} of {len(names)}")
