"""Pictures of why a gradient check works, and of where a gradient is wrong.

Each function returns a matplotlib Figure, which a notebook shows and `path=` saves. Matplotlib is
imported by the functions that draw, not with this module, and needs no screen.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.gradcheck.report import Report, Tensor
from chainrule.gradcheck.report.html import as_matrix
from chainrule.gradcheck.subject.subject import own_stream
from chainrule.pictures.drawing import with_any_backend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EPS = float(np.finfo(np.float64).eps)
TINY = 1e-300  # keeps a zero on a log scale
HALFWAY = 1.5  # a rate nearer to 2 than to 1 is that of a right gradient
BLUE, ORANGE, GREEN, GREY, RED = "#2166ac", "#d95f02", "#1b7837", "#777777", "#b2182b"
# The differences, with the order of their truncation error in the step.
DIFFERENCES: dict[str, tuple[Callable[..., Any], int, str]] = {
    "one-sided": (lambda f, x, h: (f(x + h) - f(x)) / h, 1, ORANGE),
    "central": (lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h), 2, BLUE),
    "five-point": (
        lambda f, x, h: (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h),
        4,
        GREEN,
    ),
}


def step_size_picture(
    f: Callable[[Any], Any],
    x: float,
    derivative: float,
    *,
    steps: np.ndarray | None = None,
    path: str | Path | None = None,
) -> Figure:
    """The error of differences of `f` at the number `x` against their step h, on two log scales.

    `f` takes and returns a number, `derivative` is f'(x). Every difference has two regimes. On
    the right the error is truncation and falls with h: as h for the one-sided difference, h² for
    the central one, h⁴ for the five-point one. On the left it is rounding: f is known to about
    eps |f|, so its difference over h is off by eps |f| / h. They meet near h = eps^(1/2), eps^(1/3)
    and eps^(1/5), times max(|x|, 1), where each curve carries a dot. The complex step
    Im f(x + ih) / h subtracts nothing, so nothing is lost on the left; it is drawn where `f`
    accepts complex numbers and is the wrong tool where `f` takes absolute values.

    The error is relative to |f'(x)|, and absolute where f'(x) = 0. `steps` are the values of h;
    left out, 1e-14 to 1. `path` saves the picture too.
    """
    x, scale = float(x), abs(float(derivative)) or 1.0
    h = np.geomspace(1e-14, 1, 141) if steps is None else np.asarray(steps, np.float64)
    picture, (axes,) = new_figure(1, 9.0, 5.0)
    tip = max(abs(x), 1.0)
    for name, (difference, order, colour) in DIFFERENCES.items():
        found = [difference(f, x, one) for one in h]
        best = EPS ** (1 / (order + 1)) * tip
        label = f"{name}: best near {best:.0e}"
        axes.plot(h, floored(found, derivative, scale), color=colour, lw=1.6, label=label)
        dot = floored([difference(f, x, best)], derivative, scale)
        axes.plot([best], dot, "o", color=colour, ms=9, mec="black", zorder=3)
    axes.plot([], [], "o", color="white", ms=9, mec="black", label="best step in theory")
    slopes = complex_slopes(f, x, h)
    if slopes is None:
        axes.plot([], [], " ", label="no complex step: f takes\nno complex numbers")
    else:
        errors = floored(slopes, derivative, scale)
        axes.plot(h, errors, color=GREY, lw=1.6, ls="--", label="complex step: no rounding")
    axes.set(xscale="log", yscale="log", ylim=(1e-17, 1e2), xlabel="step h")
    axes.set_ylabel("error of the derivative" + (", relative" if derivative else ""))
    axes.set_title(f"Differences at x = {x:g}: the best step is neither large nor tiny")
    said: dict[str, Any] = {"va": "top", "transform": axes.transAxes, "color": "#444444"}
    axes.text(0.02, 0.97, "← rounding: the error grows as 1/h", ha="left", **said)
    axes.text(0.98, 0.97, "truncation: h, h², h⁴ →", ha="right", **said)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=9)
    return saved(picture, path)


def taylor_picture(
    f: Callable[[np.ndarray], Any],
    x: np.ndarray,
    gradient: np.ndarray,
    direction: np.ndarray | None = None,
    *,
    steps: np.ndarray | None = None,
    seed: int = 0,
    path: str | Path | None = None,
) -> Figure:
    """Two remainders of `f` along `direction` against the step h, on two log scales.

    `f` takes an array of the shape of `x` and returns a number; `gradient`, of that shape too, is
    put to the test. |f(x + hv) - f(x)| falls as h whatever the gradient is. What remains when
    h <gradient, v> is taken off as well falls as h² if and only if the gradient is right along v,
    where f is smooth: at a kink both fall as h. The rate in the title is fitted over the two
    decades of h just above rounding, so that a small mistake shows.

    `direction` is v; left out, it is half-way between a random one, drawn with `seed`, and the
    gradient, of which even a small part shows, and has length 1. `steps` are the values of h, 1e-10
    to 1 if left out. `path` saves the picture too.
    Raises ValueError where the shapes of `x`, `gradient` and `direction` differ.
    """
    x, gradient = np.asarray(x, np.float64), np.asarray(gradient, np.float64)
    if direction is None:
        v = unit(own_stream(seed).standard_normal(x.shape)) + unit(gradient)
        v /= np.linalg.norm(v)
    else:
        v = np.asarray(direction, np.float64)
    for name, array in (("gradient", gradient), ("direction", v)):
        if array.shape != x.shape:
            raise ValueError(
                f"taylor_picture: {name} has shape {array.shape}, expected {x.shape}, that of x"
            )
    h = np.geomspace(1e-10, 1, 101) if steps is None else np.sort(np.asarray(steps, np.float64))
    slope = float(np.sum(gradient * v))
    start = float(f(x))
    change = np.array([float(f(x + one * v)) - start for one in h])
    first, second = np.abs(change), np.abs(change - h * slope)
    noise = rounding(f, x, v)
    rate = fitted_rate(h, second, noise)

    picture, (axes,) = new_figure(1, 8.0, 5.0)
    axes.loglog(h, first + TINY, "o", ms=3, color=GREY, label="|f(x + hv) - f(x)|")
    colour = BLUE if rate is None or rate > HALFWAY else RED
    label = "|f(x + hv) - f(x) - h⟨g, v⟩|"
    axes.loglog(h, second + TINY, "o", ms=3, color=colour, label=label)
    at = int(np.searchsorted(h, h[-1] * 1e-1))
    for power, remainder, style in ((1, first, ":"), (2, second, "--")):
        guide = remainder[at] * (h / h[at]) ** power
        axes.loglog(h, guide + TINY, style, color="black", lw=1, label=f"slope {power}")
    axes.axhspan(TINY, max(noise, TINY), color=GREY, alpha=0.2, lw=0, label="rounding of f")
    highest = max(float(first.max()), float(second.max()), noise, 10 * TINY)
    axes.set(xlabel="step h", ylabel="remainder", title=verdict(rate))
    axes.set_ylim(min(noise, highest) / 30, highest * 3)
    axes.legend(loc="upper left", frameon=False, fontsize=10)
    return saved(picture, path)


def unit(v: np.ndarray) -> np.ndarray:
    """v in length 1, or 0."""
    length = float(np.linalg.norm(v))
    return v / length if 0 < length < math.inf else np.zeros(v.shape)


def verdict(rate: float | None) -> str:
    """The title of a Taylor picture."""
    if rate is None:
        return "nothing remains but rounding: the gradient is right"
    return f"falls as h^{rate:.2f}: the gradient is {'right' if rate > HALFWAY else 'wrong'}"


def rounding(f: Callable[[np.ndarray], Any], x: np.ndarray, v: np.ndarray) -> float:
    """How far rounding moves f, from third differences of seven values so near to each other that
    f is a straight line between them (Hamming's table of differences)."""
    values = np.array([float(f(x + k * 1e-11 * v)) for k in range(7)])
    spread = float(np.sqrt(np.mean(np.diff(values, 3) ** 2) / math.comb(6, 3)))
    return max(4 * spread, EPS * float(np.abs(values).max()), TINY)


def fitted_rate(h: np.ndarray, remainder: np.ndarray, noise: float) -> float | None:
    """The slope of log remainder over log h in the two decades of `h` from where the remainder
    stands 30 times above `noise` for good, or None where it never does."""
    above = remainder > 30 * noise
    below = np.flatnonzero(~above)
    start = below[-1] + 1 if len(below) else 0
    window = slice(start, int(np.searchsorted(h, 100 * h[min(start, len(h) - 1)], "right")))
    if len(h[window]) < 3:
        return None
    return float(np.polyfit(np.log(h[window]), np.log(remainder[window]), 1)[0])


def heat_map(
    checked: Report | Tensor, name: str | None = None, *, path: str | Path | None = None
) -> Figure:
    """A gradient of a report as three maps side by side: yours, what it should be, and yours
    minus that. Blue is negative, red positive; grey was not measured.

    `checked` is a Report, of which `name` picks a tensor (left out, the first wrong one, or the
    first), or a Tensor, of which `name` is the title. (M,) is drawn as a row, and (N, d1, …, dk)
    as (N, d1 · … · dk). `path` saves the picture too. Raises KeyError where the report has no
    tensor of that name, ValueError where it has none or the tensor is empty.
    """
    if isinstance(checked, Report):
        tensors = checked.tensors
        if not tensors:
            raise ValueError(f"heat_map: the report on {checked.subject} holds no tensors")
        if name is None:
            name = next((key for key, one in tensors.items() if not one.ok), next(iter(tensors)))
        if name not in tensors:
            raise KeyError(f"heat_map: the report has {', '.join(tensors)}, not {name}")
        tensor, subject = tensors[name], f"{checked.subject}, "
    else:
        tensor, subject = checked, ""
    if not tensor.analytic.size:
        raise ValueError(f"heat_map: a tensor of shape {tensor.analytic.shape} has no entries")
    yours, right = as_matrix(tensor.analytic), as_matrix(tensor.numeric)
    with np.errstate(invalid="ignore"):
        error = yours - right
    both = max(largest_finite(yours), largest_finite(right))
    panels = (
        ("yours", yours, both),
        ("should be", right, both),
        ("yours minus should be", error, largest_finite(error)),
    )
    height = min(max(yours.shape[0] / yours.shape[1] * 3.0 + 1.7, 2.2), 6.0)
    picture, all_axes = new_figure(3, 11.0, height)
    from matplotlib.ticker import MaxNLocator

    for axes, (title, values, limit) in zip(all_axes, panels, strict=True):
        axes.set_facecolor("#a8a8a8")  # shows where a value is nan
        image = axes.imshow(
            np.ma.masked_invalid(values),
            cmap="RdBu_r",
            vmin=-(limit or 1.0),
            vmax=limit or 1.0,
            aspect="auto",
            interpolation="nearest",
        )
        axes.set_title(title, fontsize=11)
        for axis, length in ((axes.xaxis, values.shape[1]), (axes.yaxis, values.shape[0])):
            axis.set_major_locator(MaxNLocator(nbins=min(length, 6), integer=True))
        if len(values) == 1:
            axes.set_yticks([])
        picture.colorbar(image, ax=axes, fraction=0.05, pad=0.03)
    outcome = "ok" if tensor.ok else "WRONG"
    what = f"gradient of {name} {tensor.analytic.shape}" if name else f"{tensor.analytic.shape}"
    picture.suptitle(f"{subject}{what}: {outcome}", fontsize=12)
    return saved(picture, path)


def largest_finite(values: np.ndarray) -> float:
    """The largest absolute value that is finite, or 0."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


def complex_slopes(f: Callable[[Any], Any], x: float, h: np.ndarray) -> list[float] | None:
    """Im f(x + ih) / h for each h, or None where `f` does not compute with complex numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a cast to a real number only warns
            values = [f(complex(x, one)) for one in h]
    except Exception:  # whatever f does with a number it was not written for
        return None
    if not all(np.iscomplexobj(value) for value in values):
        return None
    return [float(np.imag(value) / one) for value, one in zip(values, h, strict=True)]


def floored(found: Any, derivative: float, scale: float) -> np.ndarray:
    """|found - derivative| / scale, with zeros lifted to where a log scale shows them."""
    return np.maximum(np.abs(np.asarray(found, np.float64) - derivative) / scale, EPS / 10)


def new_figure(panels: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of so many inches with `panels` axes in a row. It belongs to no window and no list
    of open figures, and shows itself in a notebook as a PNG."""
    with_any_backend()
    from matplotlib.figure import Figure

    class Picture(Figure):
        def _repr_png_(self) -> bytes:
            buffer = io.BytesIO()
            self.savefig(buffer, format="png", dpi=100)
            return buffer.getvalue()

    picture = Picture(figsize=(width, height), layout="constrained")
    return picture, list(picture.subplots(1, panels, squeeze=False)[0])


def saved(picture: Figure, path: str | Path | None) -> Figure:
    """`picture`, written to `path` unless that is None."""
    if path is not None:
        picture.savefig(path, dpi=150)
    return picture
