"""Layers that work entry by entry: the wrong derivative, the wrong point, the wrong region."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.scene import Scene, Verdict, off_by, ratio
from chainrule.gradcheck.explain.size import two_valued


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


def claims(scene: Scene, name: str, region: np.ndarray, hint: str) -> Iterator[Verdict]:
    """What may be wrong in all of a region, while the rest is right."""
    yours, right, dout = scene.yours[name], scene.right[name], scene.dout
    tiny = 1e-6 * np.nanmax(np.abs(right), initial=0.0)
    residual = scene.close(name, np.where(region, 0, right))
    if residual is not None:
        with np.errstate(all="ignore"):
            slope = (right / dout)[region] if dout.shape == right.shape else np.empty(0)
        slope = slope[np.isfinite(slope) & (np.abs(slope) > 1e-6)]
        if slope.size and np.abs(slope - 1).max() < 1e-5:
            said = "is 0 where {where}, but the output follows the input there"
            hint = hint or "Forward and backward must switch at the same point."
            yield "mask", said, hint, residual
        said = "is 0 where {where}, but the forward pass has a slope there"
        yield "missing-term", said, hint or "Give that side its own slope.", residual
    residual = scene.close(name, np.where(region, yours, right))
    if residual is not None and np.nanmax(np.abs(right[region]), initial=0.0) <= tiny:
        hint = hint or "Multiply by the mask of the forward pass."
        yield "mask", "should be 0 where {where}, and is not", hint, residual
    c = ratio(yours, right, region)
    if c is None or abs(c - 1) < 1e-3 or c == 0:
        return
    residual = scene.close(name, np.where(region, c * right, right))
    if residual is not None:
        if abs(c + 1) < 1e-5:
            yield "sign", "has the wrong sign where {where}", "", residual
        hint = "Forward and backward must have the same slope there."
        yield "mask", f"is {off_by(scene, c)} where {{where}}", hint, residual


def regions(scene: Scene, name: str) -> Iterator[tuple[str, np.ndarray]]:
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


def stretches(name: str, x: np.ndarray, wrong: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """The stretch of x, or of |x|, that holds all wrong entries, where it holds no other."""
    for what, values in ((name, x), (f"|{name}|", np.abs(x))):
        low, high = values[wrong].min(), values[wrong].max()
        inside = (values >= low) & (values <= high)
        if (inside != wrong).any():
            continue
        if low == high:
            yield f"{what} = {low:.3g}", inside
        elif high == values.max():
            yield f"{what} >= {low:.3g}", inside
        elif low == values.min():
            yield f"{what} <= {high:.3g}", inside
        else:
            yield f"{low:.3g} <= {what} <= {high:.3g}", inside


def wrong_in_a_region(scene: Scene, name: str) -> Iterator[Verdict]:
    yours, right, label = scene.yours[name], scene.right[name], scene.label(name)
    x, dout = scene.inputs[name], scene.dout
    if yours.shape != x.shape:
        return
    scale = np.nanmax(np.abs(right), initial=0.0)
    wrong = scene.wrong(name)
    if not wrong.any():
        return
    count = f"({wrong.sum()} of {wrong.size} entries)"
    sides = [(said, region, "") for said, region in regions(scene, name)]
    switch = "Forward and backward must switch at the same point."
    between = [(said, region, switch) for said, region in stretches(name, x, wrong)]
    for where, region, hint in (*sides, *between):
        if region.shape == wrong.shape and not (wrong & ~region).any():
            for verdict in claims(scene, name, region, hint):
                kind, said, told, residual = verdict
                yield kind, f"{label} {said.format(where=where)} {count}", told, residual
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
