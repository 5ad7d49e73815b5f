"""The loss of a network along two directions in the space of its parameters."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.nets import Model, weights_of
from chainrule.pictures.descent import box, draw_surface
from chainrule.pictures.drawing import BLUE, INK, Panel, Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Arrays = Mapping[str, np.ndarray]


def loss_slice(
    model: Model,
    x: Any,
    y: Any,
    directions: tuple[Arrays, Arrays] | None = None,
    *,
    path: Sequence[Arrays] | None = None,
    span: float = 1.0,
    side: int = 31,
    seed: int = 0,
) -> Picture:
    """The loss on rows x and targets y around the present parameters w, in a plane through them:

        loss_slice(model, data.x_train, data.y_train)

        path = []
        watch = lambda solver: path.append(Snapshot.of(solver.model, solver.epoch).params)
        Solver(model, rule, data, callbacks=[watch]).train()
        loss_slice(model, data.x_train, data.y_train, path=path)

    The plane is w + a d₁ + b d₂. `directions` are the pair d₁, d₂: dicts of arrays with the keys
    and the shapes of `model.params`. Left out, they are those of `random_directions`, drawn from
    `seed`; with a `path`, a list of the parameters at several moments of training, those along
    which it is longest (`path_directions`), and the path is drawn, too. a and b go from -span to
    span, or around the path, in `side` points each. With the penalty of `l2`; the passes are those
    of inference. The model stays as it is, since it is a copy whose parameters move.

    Raises:
        TypeError: the model is no `nets.Classifier` or `nets.Regressor`.
        ValueError: both directions and a path are given; they do not fit the parameters; the path
            has fewer than three different points; span or side are too small.
    """
    if not isinstance(model, Model):
        raise TypeError(f"loss_slice: model is {model!r}, expected a nets.Classifier or Regressor")
    if not span > 0 or side < 3:
        raise ValueError(
            f"loss_slice: span is {span} and side is {side}, expected a positive number and at "
            f"least 3"
        )
    walked = None
    if path is not None:
        if directions is not None:
            raise ValueError("loss_slice: got directions and a path, expected one of them")
        directions, walked = path_directions(model.params, path)
    elif directions is None:
        # A stream of its own: weights drawn from the same seed would be their own direction.
        rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])
        directions = random_directions(model, rng), random_directions(model, rng)
    for number, direction in enumerate(directions, start=1):
        check_shapes(f"direction {number}", direction, model.params)
    if walked is None:
        limits = ((-span, span), (-span, span))
    else:
        limits = box(np.concatenate([walked, [[0, 0]]]))
    a, b = (np.linspace(low, high, side) for low, high in limits)
    values = losses_at(model, x, y, directions, a, b)
    return Picture(
        "slice",
        "A slice of the loss",
        "The cross is where the parameters are, and each line joins points of equal loss; round "
        "and wide is easy to descend, narrow and winding is not, and a cross away from the "
        "lowest place means that there is still some way to go.",
        [Panel(partial(draw_slice, (a, b, values), walked), "level lines of the loss")],
        width=5.0,
        height=3.8,
    )


def random_directions(model: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A direction drawn from a normal distribution whose entries for each unit's incoming weights
    W[:, j] are then made as long as these; 0 for all that is no weight.

    Source: Li et al., "Visualizing the Loss Landscape of Neural Nets", 2018, section 4: nets whose
    weights are large and small alike, as rescaled units make them, have the same picture.
    """
    found, weights = {}, weights_of(model)
    for name, W in model.params.items():
        d = np.zeros(W.shape)
        if name in weights:
            d = rng.standard_normal(W.shape)
            d *= np.linalg.norm(W, axis=0) / np.linalg.norm(d, axis=0)
        found[name] = d
    return found


def path_directions(
    params: Arrays, path: Sequence[Arrays]
) -> tuple[tuple[dict[str, np.ndarray], dict[str, np.ndarray]], np.ndarray]:
    """The two directions of unit length along which a path through the space of parameters is
    longest, seen from `params`, and its points (len(path), 2) along them.

    They are the first two principal components of the differences to `params`: Li et al. 2018,
    section 7. Raises ValueError where the path does not span a plane."""
    for at, point in enumerate(path):
        check_shapes(f"path[{at}]", point, params)
    here = flat(params)
    ways = np.array([flat(point) - here for point in path]).reshape(len(path), here.size)
    _, lengths, axes = np.linalg.svd(ways, full_matrices=False)
    if len(lengths) < 2 or lengths[1] <= 1e-9 * lengths[0]:
        raise ValueError(
            f"loss_slice: the {len(path)} points of the path and the present parameters lie on a "
            f"line, expected at least three that do not"
        )
    first, second = (apart(axis, params) for axis in axes[:2])
    return (first, second), ways @ axes[:2].T


def flat(arrays: Arrays) -> np.ndarray:
    """All arrays in one row."""
    return np.concatenate([np.ravel(array) for array in arrays.values()]).astype(np.float64)


def apart(row: np.ndarray, like: Arrays) -> dict[str, np.ndarray]:
    """A row cut into arrays with the keys and the shapes of others: the inverse of `flat`."""
    ends = np.cumsum([array.size for array in like.values()])[:-1]
    pieces = zip(like.items(), np.split(row, ends), strict=True)
    return {name: piece.reshape(array.shape) for (name, array), piece in pieces}


def check_shapes(said: str, arrays: Arrays, params: Arrays) -> None:
    """Raise ValueError unless `arrays` has the keys and the shapes of `params`, in their order."""
    expected = [(name, array.shape) for name, array in params.items()]
    found = [(name, np.shape(array)) for name, array in arrays.items()]
    if found != expected:
        wrong = next((one for one in found if one not in expected), found)
        raise ValueError(
            f"loss_slice: {said} has {wrong}, expected the names and shapes of model.params, "
            f"{expected}"
        )


def losses_at(
    model: Model, x: Any, y: Any, directions: tuple[Arrays, Arrays], a: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """The loss at w + a d₁ + b d₂, (len(b), len(a))."""
    moved = copy.deepcopy(model)
    first, second = directions
    values = np.empty((len(b), len(a)))
    with np.errstate(all="ignore"):
        for row, column in np.ndindex(values.shape):
            for name, w in model.params.items():
                moved.params[name][...] = w + a[column] * first[name] + b[row] * second[name]
            values[row, column] = loss_of(moved, x, y)
    return values


def loss_of(model: Model, x: Any, y: Any) -> float:
    """The loss of a model in inference mode, with the penalty of its `l2`; infinite where a layer
    overflows."""
    try:
        loss, _ = model.criterion.forward(model.outputs(x), y)
    except FloatingPointError:
        return np.inf
    weights = [model.params[name] for name in weights_of(model)]
    return float(loss) + 0.5 * model.l2 * sum(float(np.vdot(W, W)) for W in weights)


def draw_slice(
    grid: tuple[np.ndarray, np.ndarray, np.ndarray], walked: np.ndarray | None, axes: Axes
) -> None:
    """The loss, the path and the present parameters."""
    from matplotlib.ticker import MaxNLocator

    filled = draw_surface(grid, axes)
    if filled is not None:
        bar = axes.figure.colorbar(filled, ax=axes, label="loss", format="%.3g")
        bar.outline.set_visible(False)
    if walked is not None:
        axes.plot(*walked.T, color=BLUE, lw=1.4, marker="o", ms=3)
    axes.plot(0, 0, color=INK, marker="x", ms=9, mew=2, ls="")
    axes.set_xlim(grid[0][0], grid[0][-1])
    axes.set_ylim(grid[1][0], grid[1][-1])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.set_xlabel("a, along the first direction")
    axes.set_ylabel("b, along the second")
    axes.set_title("loss around the parameters")
