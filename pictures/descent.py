"""A function of two parameters from above, and the ways that update rules take down."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.pictures.drawing import COLOURS, INK, Panel, Picture, powers, short
from chainrule.solvers import NonFiniteError, UpdateRule

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.contour import QuadContourSet

SIDE = 81  # points of the grid across and up
LEVELS = 15  # lines
DOTS = 100  # steps of a path, up to which each is a dot
TOP = 100  # a loss that is so many times that of the start is off the scale
EDGE = 0.15  # of the width, around the paths

Loss = Callable[[np.ndarray], tuple[float, Any]]
Span = tuple[tuple[float, float], tuple[float, float]]


def loss_surface(
    loss: Loss,
    start: Sequence[float],
    rules: Mapping[str, UpdateRule],
    *,
    steps: int = 50,
    span: Span | None = None,
) -> Picture:
    """Level lines of a function of two parameters, and the path of each update rule on it:

        def valley(w):
            return 0.5 * (w[0] ** 2 + 20 * w[1] ** 2), [w[0], 20 * w[1]]

        loss_surface(valley, (-4, 1), {"SGD": SGD(0.05), "Adam": Adam(0.2)})

    `loss(w)` returns the loss at w (2,) and its gradient, two numbers. All rules start at `start`
    and take as many `steps`; they stay as they are, since it is copies that run. `span` is the
    part that is shown, ((left, right), (bottom, top)); left out, it holds all points of the paths
    that are not above the start. A second panel has the losses step by step.

    Raises:
        TypeError: one of `rules` is no update rule.
        ValueError: `start` or the gradient is not two finite numbers, there are no rules or more
            than 8, `steps` is not positive, or `span` is not as described.
    """
    if not 0 < len(rules) <= len(COLOURS):
        raise ValueError(
            f"loss_surface: rules has {len(rules)} entries, expected 1 to {len(COLOURS)}"
        )
    found = {name: descend(loss, start, rule, steps) for name, rule in rules.items()}
    losses = {name: np.array([value_of(loss, w) for w in path]) for name, path in found.items()}
    across, up = axes_of(around(found, losses) if span is None else span)
    values = np.array([[value_of(loss, np.array([x, y])) for x in across] for y in up])
    names = " and ".join(found) if len(found) < 3 else f"{len(found)} update rules"
    return Picture(
        "surface",
        "Paths down a loss surface",
        "Lines join points of equal loss, darker is higher, and a path goes from the square to a "
        "large dot; one that zigzags has a learning rate that is large for the steep direction, "
        "one that ends early a rate that is small for the flat one.",
        [
            Panel(
                partial(draw_paths, (across, up, values), found),
                f"level lines of the loss, and the paths of {names}",
            ),
            Panel(partial(draw_losses, losses), f"losses of {names} over {steps} steps"),
        ],
        width=4.8,
        height=3.6,
    )


def descend(loss: Loss, start: Sequence[float], rule: UpdateRule, steps: int) -> np.ndarray:
    """The points (steps + 1, 2) that a copy of `rule` comes by on its way down from `start`;
    fewer where the loss or its gradient stops being finite. `rule` itself stays as it is.

    Raises as `loss_surface` does."""
    if not isinstance(rule, UpdateRule):
        raise TypeError(f"loss_surface: found {rule!r}, expected an update rule such as SGD(0.1)")
    if steps < 1:
        raise ValueError(f"loss_surface: steps is {steps}, expected at least 1")
    rule = copy.deepcopy(rule)
    rule.weights = ["W"]  # so that it decays where the rule has a decay
    params = {"W": pair("start", start).copy()}
    path = [params["W"].copy()]
    with np.errstate(all="ignore"):
        for _ in range(steps):
            _, gradient = loss(path[-1].copy())
            gradient = pair("the gradient", gradient, finite=len(path) == 1)
            try:
                rule.update(params, {"W": gradient})
            except NonFiniteError:
                break
            if not np.isfinite([*params["W"], value_of(loss, params["W"])]).all():
                break
            path.append(params["W"].copy())
    return np.array(path)


def pair(said: str, numbers: Any, *, finite: bool = True) -> np.ndarray:
    """Two numbers as an array."""
    found = np.asarray(numbers, np.float64)
    if found.shape != (2,) or (finite and not np.isfinite(found).all()):
        raise ValueError(f"loss_surface: {said} is {numbers!r}, expected two finite numbers")
    return found


def value_of(loss: Loss, w: np.ndarray) -> float:
    """The loss at w (2,), which the function may not change."""
    with np.errstate(all="ignore"):
        return float(loss(w.copy())[0])


def around(paths: Mapping[str, np.ndarray], losses: Mapping[str, np.ndarray]) -> Span:
    """The rectangle around all points of the paths that are not above the start."""
    low_enough = [path[losses[name] <= losses[name][0]] for name, path in paths.items()]
    return box(np.concatenate(low_enough))


def box(points: np.ndarray) -> Span:
    """The rectangle around points (N, 2), with some room."""
    low, high = points.min(axis=0), points.max(axis=0)
    width = high - low
    # A path that is all but straight has some room beside it.
    room = EDGE * np.maximum(width, 0.4 * width.max() or 1)
    (left, bottom), (right, top) = (low - room).tolist(), (high + room).tolist()
    return (left, right), (bottom, top)


def axes_of(span: Span) -> tuple[np.ndarray, np.ndarray]:
    """The points of a grid across and up."""
    if np.shape(span) != (2, 2) or not all(low < high for low, high in span):
        raise ValueError(f"loss_surface: span is {span!r}, expected ((left, right), (bottom, top))")
    (left, right), (bottom, top) = span
    return np.linspace(left, right, SIDE), np.linspace(bottom, top, SIDE)


def draw_surface(
    grid: tuple[np.ndarray, np.ndarray, np.ndarray], axes: Axes
) -> QuadContourSet | None:
    """Level lines over shades of grey; None where all values are equal or not finite.

    In a round bowl the lines are equally far apart: so many of the points lie below a level."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    across, up, values = grid
    known = values[np.isfinite(values)]
    if known.size == 0 or known.min() == known.max():
        return None
    levels = np.unique(np.quantile(known, np.linspace(0, 1, LEVELS) ** 2))
    shown = np.ma.masked_invalid(values)
    greys = LinearSegmentedColormap.from_list("", [to_rgba(INK, 0), to_rgba(INK, 0.3)])
    places = np.linspace(0, 1, len(levels) - 1)
    shades = [greys(place) for place in places]
    filled = axes.contourf(across, up, shown, levels=levels, colors=shades)
    axes.contour(across, up, shown, levels=levels[1:-1], colors=[to_rgba(INK, 0.35)],
                 linewidths=0.7)  # fmt: skip
    return filled


def draw_paths(
    grid: tuple[np.ndarray, np.ndarray, np.ndarray], paths: Mapping[str, np.ndarray], axes: Axes
) -> None:
    """The surface, and the paths from their common start."""
    draw_surface(grid, axes)
    for (name, path), colour in zip(paths.items(), COLOURS, strict=False):
        dots: dict[str, Any] = {"marker": "o", "ms": 2.4} if len(path) <= DOTS else {}
        axes.plot(*path.T, color=colour, lw=1.3, label=short(name, 20), **dots)
        axes.plot(*path[-1], color=colour, marker="o", ms=7, mec="white", mew=0.8, ls="")
    (first, *_) = paths.values()
    axes.plot(*first[0], color=INK, marker="s", ms=6, mec="white", ls="", label="start")
    axes.set_xlim(grid[0][0], grid[0][-1])
    axes.set_ylim(grid[1][0], grid[1][-1])
    axes.set_xlabel("w[0]")
    axes.set_ylabel("w[1]", rotation=0, ha="right")
    axes.set_title("paths")


def draw_losses(losses: Mapping[str, np.ndarray], axes: Axes) -> None:
    """The loss at each step, on a log scale where all are positive."""
    for (name, values), colour in zip(losses.items(), COLOURS, strict=False):
        label = f"{short(name, 20)}: {values[-1]:.3g}"
        axes.plot(values, color=colour, lw=1.6, label=label)
    if all((values > 0).all() for values in losses.values()):
        powers(axes)
        ends = np.concatenate([*losses.values()])
        axes.set_ylim(ends.min() / 2, min(ends.max() * 2, TOP * ends[0]))
    axes.set_title("loss")
    axes.set_xlabel("step")
    axes.set_xlim(left=0)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
