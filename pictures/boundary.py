"""What a classifier makes of every point of a plane."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.nets import Classifier
from chainrule.pictures.drawing import COLOURS, INK, Panel, Picture, named, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIDE = 200  # points of the grid across and up
PALE, STRONG = 0.08, 0.55  # how opaque a region is where no class leads, and where one is sure
EDGE = 0.08  # of the width, around the points
POINTS: dict[str, dict[str, Any]] = {
    "training": {"marker": "o", "s": 17, "ec": "white", "lw": 0.5},
    "test": {"marker": "D", "s": 20, "ec": INK, "lw": 0.9},
}


class Map(NamedTuple):
    """What a classifier says at the middles of `SIDE` by `SIDE` cells, the lowest row first.

    labels   (SIDE, SIDE), the classes
    depth    (SIDE, SIDE), how sure it is, from 0 to 1
    ahead    (C, SIDE, SIDE), how far the score of each class is above the best of the others
    extent   left, right, bottom and top of the outer cells
    """

    labels: np.ndarray
    depth: np.ndarray
    ahead: np.ndarray
    extent: tuple[float, float, float, float]


def decision_boundary(models: Any, data: Any) -> Picture:
    """The regions that a classifier takes for each class, and the points of the data:

        decision_boundary(model, spirals())
        decision_boundary({"linear": one, "20 hidden units": another}, spirals())

    `models` is a `nets.Classifier`, or a dict of them by name, a panel each; up to 8 classes, or
    a single output that tells two apart. `data` has x_train (N, 2) and the labels y_train (N,),
    and may have x_test, y_test and the names of the `classes`, as every set of `data.spirals()`
    and its like does. Training points are round, test points are diamonds. A region is the
    stronger, the higher the probability of its class, and of one strength where the loss makes no
    probabilities of the outputs, as `Hinge`; the line is where two classes are equal.

    Raises:
        TypeError: a model is no `Classifier`.
        ValueError: the data are not points in the plane, or have no rows; there are too many
            classes; the outputs of a model are not finite.
    """
    parts = parts_of(data)
    x = np.concatenate([rows for _, rows, _ in parts])
    low, high = x.min(axis=0), x.max(axis=0)
    edge = EDGE * np.where(high > low, high - low, 1)
    corners = np.stack([low - edge, high + edge])  # (2, 2): lowest and highest of each feature
    classes = names_of(data, parts)
    panels = []
    for name, model in named(models).items():
        title = heading(name, model, parts)
        draw = partial(draw_map, map_of(model, parts, corners), parts, title)
        panels.append(Panel(draw, f"regions of {len(classes)} classes; {title}"))
    panels[-1] = Panel(partial(draw_last, panels[-1], len(parts) > 1, classes), panels[-1].alt)
    return Picture(
        "boundary",
        "Decision boundary",
        "A colour is the class that the network takes a point for, the stronger the surer it is, "
        "and the line is where two classes are equal; a boundary that winds around single points "
        "is overfitting, one that is too straight for the data underfits.",
        panels,
        width=3.6 if len(panels) > 1 else 4.8,
        height=3.3 if len(panels) > 1 else 3.8,
    )


def parts_of(data: Any) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """The parts of the data that are drawn: name, points (N, 2) and labels (N,)."""
    parts = []
    for part, said in (("train", "training"), ("test", "test")):
        x, y = (np.asarray(getattr(data, f"{key}_{part}", None)) for key in "xy")
        if part == "test" and x.ndim == 0:
            continue
        if x.ndim != 2 or x.shape[1] != 2 or len(x) == 0 or y.shape != (len(x),):
            raise ValueError(
                f"decision_boundary: x_{part} has shape {x.shape} and y_{part} has {y.shape}, "
                f"expected points in the plane, (N, 2), with a label each, (N,)"
            )
        parts.append((said, x, y))
    return parts


def names_of(data: Any, parts: list[tuple[str, np.ndarray, np.ndarray]]) -> list[str]:
    """The names of the classes."""
    count = 1 + max(int(y.max()) for _, _, y in parts)
    classes = [*map(str, getattr(data, "classes", range(count)))]
    if len(classes) > len(COLOURS) or count > len(classes):
        raise ValueError(
            f"decision_boundary: the data have {max(count, len(classes))} classes, expected at "
            f"most {min(len(COLOURS), len(classes))}"
        )
    return classes


def heading(name: str, model: Any, parts: list[tuple[str, np.ndarray, np.ndarray]]) -> str:
    """The title of a panel: how many points are right."""
    if not isinstance(model, Classifier):
        raise TypeError(f"decision_boundary: found {model!r}, expected a nets.Classifier")
    right = ", ".join(f"{said} {model.score(x, y):.1%}" for said, x, y in parts)
    return f"{short(name, 30)}\nright: {right}".strip()


def map_of(
    model: Classifier, parts: list[tuple[str, np.ndarray, np.ndarray]], corners: np.ndarray
) -> Map:
    """What a classifier makes of the rectangle between two corners."""
    cell = (corners[1] - corners[0]) / SIDE
    across, up = (corners[0] + cell * (np.arange(SIDE)[:, np.newaxis] + 0.5)).T
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    grid = grid.astype(parts[0][1].dtype)
    scores, probabilities, _ = model.class_scores(grid)
    if not np.isfinite(scores).all():
        raise ValueError("decision_boundary: the model's outputs are not finite numbers")
    C, most = scores.shape[1], len(COLOURS)
    if most < C:
        raise ValueError(
            f"decision_boundary: the model tells {C} classes apart, expected at most {most}"
        )
    sure = (scores.max(axis=1) * C - 1) / (C - 1) if probabilities else np.full(len(grid), 0.5)
    others = np.stack([np.delete(scores, c, axis=1).max(axis=1) for c in range(C)])
    (left, bottom), (right, top) = corners.tolist()
    return Map(
        model.predict(grid).reshape(SIDE, SIDE),
        sure.clip(0, 1).reshape(SIDE, SIDE),
        (scores.T - others).reshape(C, SIDE, SIDE),
        (left, right, bottom, top),
    )


def draw_map(
    found: Map, parts: list[tuple[str, np.ndarray, np.ndarray]], title: str, axes: Axes
) -> None:
    """The regions, their borders and the points."""
    from matplotlib.colors import to_rgb

    rgb = np.array([to_rgb(colour) for colour in COLOURS])
    depth = PALE + (STRONG - PALE) * found.depth
    cells = np.concatenate([rgb[found.labels], depth[..., np.newaxis]], axis=-1)
    axes.imshow(cells, extent=found.extent, origin="lower", aspect="auto", interpolation="none")
    for ahead in found.ahead:
        if ahead.min() < 0 < ahead.max():
            # With an origin, the extent is that of the cells and not of their middles.
            line: dict[str, Any] = {"origin": "lower", "colors": INK, "linewidths": 0.9}
            axes.contour(ahead, levels=[0], extent=found.extent, **line)
    for said, x, y in parts:
        axes.scatter(x[:, 0], x[:, 1], c=rgb[y], **POINTS[said])
    axes.set_title(title)
    axes.set_xlabel("x[:, 0]")
    axes.set_ylabel("x[:, 1]")


def draw_last(panel: Panel, tested: bool, classes: list[str], axes: Axes) -> None:
    """A panel with what the colours and the marks of all mean beside it."""
    panel.draw(axes)
    for said in POINTS if tested else ():
        axes.scatter([], [], **POINTS[said] | {"c": "none", "ec": INK}, label=said)
    for name, colour in zip(classes, COLOURS, strict=False):
        axes.scatter([], [], color=colour, marker="s", s=40, label=f"class {short(name)}")
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
