"""Layers that work entry by entry: the wrong derivative, the wrong point, the wrong region."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.diagnosis.scene import Scene, Verdict, off_by, ratio
from gradcheck.diagnosis.size import two_valued


def formulas(x: np.ndarray, out: np.ndarray) -> dict[str, np.ndarray]:
    """Slopes and values that are easily taken for the slope of another function."""
    sigmoid = 1 / (1 + np.exp(-x))
    return {
        "out * (1 - out), the slope of the sigmoid": out * (1 - out),
        "1 - out², the slope of tanh": 1 - out * out,
        "out, the value of the layer and not its slope": out,
        "x, the input itself": x,
        "2 x, the slope of the square": 2 * x,
        "1 / x, the slope of the logarithm": 1 / x,
        "1 / out": 1 / out,
        "exp(x)": np.exp(x),
        "σ(x)": sigmoid,
        "1 - tanh²(x), the slope of tanh": 1 - np.tanh(x) ** 2,
        "the slope of the sigmoid at x": sigmoid * (1 - sigmoid),
    }


def not_the_derivative(scene: Scene, name: str) -> Iterator[Verdict]:
    yours, right, label = scene.yours[name], scene.right[name], scene.label(name)
    x, dout = scene.inputs[name], scene.dout
    if yours.shape != dout.shape or x.shape != dout.shape:
        return
    residual = scene.close(name, dout)
    if residual is not None:
        if two_valued(scene, name):
            yield (
                "mask",
                f"{label} equals dout: every entry passes, none is masked",
                "Multiply by the mask of the forward pass, entry by entry.",
                residual,
            )
        else:
            yield (
                "missing-term",
                f"{label} equals dout: the layer's own derivative is missing",
                "Multiply dout by the derivative of the output with respect to this input.",
                residual,
            )
    at_out = scene.slope_at(scene.out)
    if at_out is not None:
        residual = scene.close(name, dout * at_out)
        if residual is not None:
            yield (
                "swapped",
                f"{label} is the derivative taken at the output instead of at x",
                "The formula already holds the output: do not apply the function again.",
                residual,
            )
    with np.errstate(all="ignore"):
        for said, slope in formulas(x, scene.out).items():
            residual = scene.close(name, dout * slope)
            if residual is not None:
                yield "swapped", f"{label} is dout times {said}", "Use the derivative.", residual
        residual = scene.close(name, right * x)
        if residual is not None and two_valued(scene, name):
            yield (
                "swapped",
                f"{label} is the right gradient times x",
                "Use the derivative, not the value.",
                residual,
            )


def regions(scene, name) -> Iterator[tuple[str, np.ndarray]]:
    x, shape = scene.inputs[name], scene.yours[name].shape
    if scene.is_loss:
        for word, other in scene.inputs.items():
            if word != name and other.shape == shape:
                rest = x - other
                yield f"{name} > {word}", rest > 0
                yield f"{name} < {word}", rest < 0
                yield f"|{name} - {word}| < 1", np.abs(rest) < 1
                yield f"|{name} - {word}| > 1", np.abs(rest) > 1
        return
    o = scene.out
    others = {w: a for w, a in scene.inputs.items() if w != name and a.shape == shape}
    yield f"{name} > 0", x > 0
    yield f"{name} <= 0", x <= 0
    if o.shape == shape:
        yield "out > 0", o > 0
        yield "out <= 0", o <= 0
        yield "out = 0", o == 0
        yield "out is not 0", o != 0
    for word, other in others.items():
        yield f"{name} > {word}", x > other
        yield f"{name} < {word}", x < other
        yield f"{name} = {word}", x == other
    for word, other in others.items():
        yield f"{word} > 0", other > 0
        yield f"{word} <= 0", other <= 0


def wrong_in_a_region(scene: Scene, name: str) -> Iterator[Verdict]:
    yours, right, label = scene.yours[name], scene.right[name], scene.label(name)
    x, dout = scene.inputs[name], scene.dout
    if yours.shape != x.shape:
        return
    scale = np.nanmax(np.abs(right), initial=0.0)
    wrong = np.abs(yours - right) > max(1e-6, 100 * scene.error[name]) * max(scale, 1e-300)
    if not wrong.any():
        return
    where = ""
    for said, region in regions(scene, name):
        if region.shape == wrong.shape and not (wrong & ~region).any():
            where = said
            break
    if not where:
        lo, hi = x[wrong].min(), x[wrong].max()
        inside = (x >= lo) & (x <= hi)
        if (wrong == inside).mean() > 0.999:
            where = f"{lo:.2g} <= {name} <= {hi:.2g}"
    a, n, d = yours[wrong], right[wrong], dout[wrong] if dout.shape == yours.shape else None
    tiny = 1e-6 * scale
    if where:
        count = f"({wrong.sum()} of {wrong.size} entries)"
        if (np.abs(a) <= tiny).all():
            slope = n / d if d is not None else np.array([])
            if slope.size and np.ptp(slope) < 1e-5 and abs(slope.mean() - 1) < 1e-5:
                yield (
                    "mask",
                    f"{label} is 0 where {where}, but the output follows the input there {count}",
                    "Forward and backward must switch at the same point.",
                    1e-7,
                )
            yield (
                "missing-term",
                f"{label} is 0 where {where}, but the forward pass has a slope there {count}",
                "Give that side its own slope.",
                1e-7,
            )
        if (np.abs(n) <= tiny).all():
            yield (
                "mask",
                f"{label} should be 0 where {where}, and is not {count}",
                "Multiply by the mask of the forward pass.",
                1e-7,
            )
        c = ratio(yours, right, wrong)
        if c is not None and np.abs(a - c * n).max() <= 1e-5 * scale:
            if abs(c + 1) < 1e-5:
                yield "sign", f"{label} has the wrong sign where {where} {count}", "", 1e-7
            yield (
                "mask",
                f"{label} is {off_by(scene, c)} where {where} {count}",
                "That factor belongs to the other side alone.",
                1e-7,
            )
    passed, should_pass = np.abs(yours) > 1e-9 * scale, np.abs(right) > 1e-9 * scale
    if (passed != should_pass).all() and should_pass.any() and passed.any():
        yield (
            "mask",
            f"the mask of {label} is inverted: what should pass is 0, and the rest passes",
            "Turn the condition round.",
            1e-7,
        )
    if dout.shape == yours.shape and wrong.any():
        slope, should = yours / dout, right / dout
        up, down = x > 0, x <= 0
        if up.any() and down.any() and np.ptp(slope[down]) < 1e-6 and np.ptp(should[up]) < 1e-6 \
                and abs(slope[down].mean() - should[up].mean()) < 1e-6:  # fmt: skip
            yield (
                "mask",
                f"the two branches of {label} are exchanged: the slope of {name} > 0 is used where "
                f"{name} <= 0",
                "Turn the condition round.",
                1e-7,
            )
