"""What happens inside a network while it is trained."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.nets import Sequential, weights_of
from chainrule.pictures.convolution import first_kernels
from chainrule.solvers.history import copies

if TYPE_CHECKING:
    from chainrule.solvers import Solver

ROWS = 256  # examples that are looked at, at most
LEAST = 32  # of a network of convolutions, for which more may be too slow
SHARE = 32  # of the training data: one in so many examples is looked at there, at most
NUMBERS = 2**16  # of a layer that gives images, at most
BINS = 40  # of a histogram
KEPT = 40  # epochs of a long run of which there are records, about
DECADES = (-16.0, 4.0)  # the range of log₁₀ |gradient|
FLAT = 0.005  # a slope below this share of the unit's steepest is flat
MOSTLY = 0.95  # a unit that is flat on this share of the rows is saturated
LADDER = np.linspace(-8, 8, 33)  # inputs among which an activation has its steepest slope


class Monitor:
    """Watches the layers of a model on a fixed sample of the training data:

        monitor = Monitor(model, data.x_train, data.y_train)
        Solver(model, rule, data, callbacks=[monitor])

    Of x (N, …) and y (N, …) it takes 256 evenly spaced rows, or all if there are fewer; for a
    network of convolutions no more of these than a batch has, nor than 1/32 of the training data
    or 32, whichever is more, so that its passes take as long as a few steps. As a callback it makes
    a record of every epoch; `after_step` adds how far the last step of the epoch went. It leaves
    the run as it is, to the bit: its passes are those of inference, and it draws no random numbers.

    `records` is a list of dicts that JSON can hold. To resume a run, assign it, and call
    `after_step` once before the first step. There are records of the first epoch, of the last
    and of the multiples of a power of two that grows with the run, so that there are never more
    than about 40: which is decided by the number of the epoch and `solver.goal` alone. A record
    holds

        epoch    counted from 1
        updates  for each parameter w, ‖Δw‖ / ‖w‖ of the epoch's last step, None where w was 0;
                 empty where `after_step` was not called in time
        weights  the names of those parameters that are weights (with the updates)
        layers   for each layer of a `Sequential`, by name; empty for any other network:
            mean, std    of the layer's output over the sample
            activations  [low, high, counts]: a histogram of the output in equal bins
            gradients    [low, high, counts]: one of log₁₀ |g|, where g is the gradient of the
                         sample's loss with respect to the output; zeros are left out, what
                         is beyond the ends counts in the outer bins
            zeros        the share of the g that are 0
            dead         the share of units that are dead, and
            saturated    of those that are saturated, the dead included; both None for a layer
                         that is linear or mixes its units

    A unit is an entry of a layer's output, or a channel where that is images (N, C, H, W), with the
    places of all images as its rows; its slope is the derivative with respect to its own input. It
    is dead if the slope is 0 on every row of the sample, since no gradient gets past it. It is
    saturated if on at least 95 % of the rows the slope is below 0.5 % of the steepest that it has
    there or anywhere from -8 to 8. (The 1 % of a leaky ReLU is not flat.) Both are asked of layers
    whose backward pass sends each unit its own gradient times a slope that varies: all activations,
    but not Affine, Maxout or norms.

    The other figures of images are those of at most 65,536 of their numbers, spread evenly. A layer
    that passes its input on as it is, in another shape or not, is left out: Flatten, and Dropout in
    inference. Layers within a `Residual` or another network in the row are no layers of their own.
    Raises ValueError where x and y have no rows, or not equally many.
    """

    def __init__(self, model: Any, x: Any, y: Any) -> None:
        x, y = np.asarray(x), np.asarray(y)
        if len(x) != len(y) or len(x) == 0:
            raise ValueError(
                f"Monitor: x has {len(x)} rows and y has {len(y)}, expected equally many, and at "
                f"least one"
            )
        rows = np.linspace(0, len(x) - 1, min(len(x), ROWS)).astype(int)
        self.model = model
        self.x, self.y = x[rows], y[rows]
        self.records: list[dict[str, Any]] = []
        self._before: tuple[int, dict[str, np.ndarray]] | None = None

    def after_step(self, solver: Solver) -> None:
        """Compare the parameters before and after the last step of an epoch."""
        params = self.model.params
        step, before = self._before or (0, {})
        if before and step + 1 == solver.step:  # a run that went back takes that step again
            updates = {name: relative(params[name], w) for name, w in before.items()}
            weights = [*weights_of(self.model)]
            epoch = solver.step // solver.steps_per_epoch
            self._write(epoch, updates=updates, weights=weights)
        self._before = None
        epoch, left = divmod(solver.step + 1, solver.steps_per_epoch)
        if left == 0 and recorded(epoch, solver.goal):
            self._before = solver.step, copies(params)

    def __call__(self, solver: Solver) -> None:
        """Record the epoch just finished."""
        if recorded(solver.epoch, solver.goal):
            with np.errstate(all="ignore"):
                self._write(solver.epoch, layers=self._layers(solver))

    def _write(self, epoch: int, **figures: Any) -> None:
        """Add to the record of `epoch`, and thin out those before it."""
        earlier = [one for one in self.records if one["epoch"] < epoch]
        kept = [one for one in earlier if one["epoch"] == 1 or one["epoch"] % apart(epoch) == 0]
        begun = [one for one in self.records if one["epoch"] == epoch]
        record = begun[0] if begun else {"epoch": epoch, "updates": {}, "layers": {}}
        self.records = [*kept, record | figures]

    def _layers(self, solver: Solver) -> dict[str, dict[str, Any]]:
        net: Any = getattr(self.model, "net", None)
        criterion: Any = getattr(self.model, "criterion", None)
        if getattr(type(net), "forward", None) is not Sequential.forward or criterion is None:
            return {}
        rows = slice(None) if first_kernels(net) is None else some_rows(len(self.x), solver)
        passes, x = [], self.x[rows]
        for name, layer in zip(net.names, net.layers, strict=True):
            out, cache = layer.forward(x, train=False)
            passes.append((name, layer, x, out, cache))
            x = out
        _, loss_cache = criterion.forward(x, self.y[rows])
        dout, _ = criterion.backward(1.0, loss_cache)
        seen = [not np.may_share_memory(x, out) for _, _, x, out, _ in passes]
        first = seen.index(True) if any(seen) else len(passes)
        found = {}
        for at in reversed(range(first, len(passes))):
            name, layer, x, out, cache = passes[at]
            if seen[at]:
                figures = values(thinned(out)) | gradients(thinned(dout))
                found[name] = figures | units(layer, x, out, cache)
            if at > first:  # nobody needs the gradient of the input
                dout, _ = layer.backward(dout, cache)
        return dict(reversed(found.items()))


def check_records(records: Any) -> None:
    """Raises ValueError, which says what is wrong, unless `records`, out of a file, are what a
    `Monitor` keeps."""
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise ValueError("its records are not a list of what a Monitor keeps")
    kept = [one.get("epoch") for one in records]
    rising = all(type(epoch) is int for epoch in kept) and kept == sorted({*kept})
    if not rising or any(epoch < 1 for epoch in kept):
        raise ValueError("the epochs of its records do not rise")
    for one in records:
        where = f"its record of epoch {one['epoch']}"
        if one.keys() - {"weights"} != {"epoch", "updates", "layers"}:  # weights are newer
            raise ValueError(f"{where} does not hold epoch, updates and layers")
        if not isinstance(one["updates"], dict) or not isinstance(one["layers"], dict):
            raise ValueError(f"{where} has no updates or layers by name")
        weights = one.get("weights", [])
        if not isinstance(weights, list) or not all(
            isinstance(name, str) and name in one["updates"] for name in weights
        ):
            raise ValueError(f"{where} has weights that are none of its parameters")
        if not all(is_share(ratio, math.inf) for ratio in one["updates"].values()):
            raise ValueError(f"{where} has updates that are no numbers")
        for name, figures in one["layers"].items():
            if not is_figures(figures):
                raise ValueError(f"{where} has no figures of {name!r:.40}")
    for part in ("updates", "layers"):
        if len({tuple(sorted(one[part])) for one in records if one[part]}) > 1:
            raise ValueError(f"its records do not have the same {part}")


def is_share(value: Any, most: float = 1.0) -> bool:
    """Whether `value` is None or a number from 0 to `most`, infinity aside."""
    return value is None or (type(value) in (int, float) and 0 <= value <= min(most, 1e308))


def is_figures(figures: Any) -> bool:
    """Whether `figures` are those of a layer in a record."""
    names = {"mean", "std", "activations", "gradients", "zeros", "dead", "saturated"}
    return (
        isinstance(figures, dict)
        and figures.keys() == names
        and all(is_share(figures[name]) for name in ("zeros", "dead", "saturated"))
        and figures["zeros"] is not None
        and is_share(figures["std"], math.inf)
        and (figures["mean"] is None or is_share(abs_of(figures["mean"]), math.inf))
        and (figures["activations"] is None or is_histogram(figures["activations"]))
        and is_histogram(figures["gradients"])
    )


def abs_of(value: Any) -> Any:
    return abs(value) if type(value) in (int, float) else value


def is_histogram(value: Any) -> bool:
    """Whether `value` is [low, high, counts]."""
    if not isinstance(value, list) or len(value) != 3:
        return False
    *ends, counts = value
    return (
        all(is_share(abs_of(end), math.inf) and end is not None for end in ends)
        and ends[0] <= ends[1]
        and isinstance(counts, list)
        and len(counts) == BINS
        and all(type(n) is int and n >= 0 for n in counts)
    )


def apart(epoch: int) -> int:
    """How many epochs lie between the records of a run of so many: a power of two."""
    return 1 << math.ceil(math.log2(max(epoch / KEPT, 1)))


def recorded(epoch: int, goal: int) -> bool:
    """Whether there is to be a record of an epoch, as long as it is the latest."""
    return epoch in (1, goal) or epoch % apart(epoch) == 0


def some_rows(held: int, solver: Solver) -> slice:
    """Which of so many rows are passed through a network of convolutions: evenly spaced ones, as
    the class says."""
    examples = solver.steps_per_epoch * solver.batch_size
    most = min(solver.batch_size, max(LEAST, examples // SHARE))
    return slice(None, None, -(-held // most))


def thinned(images: np.ndarray) -> np.ndarray:
    """At most 65,536 of the numbers of images (N, C, H, W), a step apart that shares no factor with
    their shape, so that no row, column or channel is left out; any other array as it is."""
    if images.ndim != 4 or images.size <= NUMBERS:
        return images
    step = -(-images.size // NUMBERS)
    while math.gcd(step, images.size) > 1:
        step += 1
    return images.reshape(-1)[::step]


def relative(after: np.ndarray, before: np.ndarray) -> float | None:
    """‖after - before‖ / ‖before‖, or None where `before` is 0 or a norm is not finite."""
    with np.errstate(all="ignore"):
        return finite(np.linalg.norm(after - before) / np.linalg.norm(before))


def finite(value: Any) -> float | None:
    """`value` as a float, or None where it is nan or infinite."""
    return float(value) if math.isfinite(value) else None


def values(out: np.ndarray) -> dict[str, Any]:
    """Mean, standard deviation and histogram of what is finite in a layer's output."""
    out = out[np.isfinite(out)]
    if not out.size:
        return {"mean": None, "std": None, "activations": None}
    mean, std = out.mean(dtype=np.float64), out.std(dtype=np.float64)
    low, high = float(out.min()), float(out.max())
    counts = histogram(out, low, high)
    return {"mean": finite(mean), "std": finite(std), "activations": [low, high, counts]}


def gradients(dout: np.ndarray) -> dict[str, Any]:
    """The histogram of the orders of magnitude of a gradient, and the share of zeros."""
    sizes = np.abs(dout[dout != 0])
    counts = histogram(np.log10(sizes[np.isfinite(sizes)]), *DECADES)
    return {"gradients": [*DECADES, counts], "zeros": 1 - sizes.size / dout.size}


def histogram(numbers: np.ndarray, low: float, high: float) -> list[int]:
    """How many numbers lie in each of 40 equal bins; those beyond the ends are in the outer
    bins. Much faster than np.histogram, which sorts out the rounding at the edges."""
    bins = ((numbers - low) * (BINS / ((high - low) or 1))).astype(np.intp)
    counts: list[int] = np.bincount(bins.clip(0, BINS - 1), minlength=BINS).tolist()
    return counts


def units(layer: Any, x: np.ndarray, out: np.ndarray, cache: Any) -> dict[str, float | None]:
    """The shares of dead and of saturated units of a layer; see `Monitor`."""
    steepest = activation_slope(layer, x) if x.shape == out.shape else None
    if steepest is None:
        return {"dead": None, "saturated": None}
    rows = (0, 2, 3) if x.ndim == 4 else 0  # of a unit
    slope = np.abs(layer.backward(np.ones_like(out), cache)[0])
    steepest = np.maximum(steepest, slope.max(axis=rows, keepdims=True))
    saturated = is_flat(slope, steepest).mean(axis=rows) >= MOSTLY
    dead = (slope == 0).all(axis=rows)
    return {"dead": float(dead.mean()), "saturated": float(saturated.mean())}


def is_flat(slope: np.ndarray, steepest: Any) -> Any:
    """Where a slope, without its sign, is 0 or below 0.5 % of the steepest."""
    return (slope < FLAT * steepest) | (slope == 0)


def activation_slope(layer: Any, x: np.ndarray) -> np.ndarray | None:
    """The steepest slope of each unit of a layer from -8 to 8, of the shape of one row of x, or
    (C, 1, 1) for images; None where the layer mixes its units, is linear, or is not defined
    there."""
    x = x[..., :2, :2] if x.ndim == 4 else x  # images small and yet with places to mix
    column = (-1, *[1] * (x.ndim - 1))
    ladder = np.broadcast_to(LADDER.astype(x.dtype).reshape(column), (len(LADDER), *x.shape[1:]))
    try:
        out, cache = layer.forward(ladder, train=False)
    except ValueError:  # as the logarithm of a negative number
        return None
    slope = layer.backward(np.ones_like(out), cache)[0]
    # If every unit has a path of its own, each entry of dout comes back times the same slope.
    uneven = np.linspace(1, 2, out[0].size, dtype=out.dtype).reshape(out[0].shape)
    mixes = not np.allclose(layer.backward(uneven + 0 * out, cache)[0], uneven * slope, rtol=1e-3)
    if mixes or np.allclose(slope, slope[0], rtol=1e-3):
        return None
    return np.abs(slope).max(axis=(0, 2, 3) if x.ndim == 4 else 0, keepdims=True)
