"""Gradients that are wrong in a part of their entries, and units with another slope."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.factors import two_valued
from chainrule.gradcheck.explain.numbers import factor_name, off_by
from chainrule.gradcheck.explain.scene import Array, Scene, agree, ratio
from chainrule.gradcheck.report.findings import Cause, because

SWITCH = "Forward and backward must switch at the same point."


def slopes(x: Array, out: Array) -> dict[str, Array]:
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


def not_the_derivative(scene: Scene, name: str) -> Iterator[Cause]:
    """Of a unit that works entry by entry: what stands in the place of its slope."""
    yours, dout, x = scene.yours[name], scene.dout, scene.inputs.get(name)
    if not scene.elementwise or x is None or not yours.shape == x.shape == dout.shape:
        return
    residual = scene.close(name, dout)
    if residual is not None and two_valued(scene, name):
        message = "{d} {equals} dout: every entry passes, none is masked"
        hint = "Multiply by the mask of the forward pass, entry by entry."
        yield because("not-masked", "mask", message, hint, residual)
    elif residual is not None:
        message = "{d} {equals} dout: the layer's own derivative is missing"
        hint = "Multiply dout by the derivative of the output with respect to this input."
        yield because("no-derivative", "missing-term", message, hint, residual)
    with np.errstate(all="ignore"):
        at_out = scene.slope_at(scene.out)
        residual = None if at_out is None else scene.close(name, dout * at_out)
        if residual is not None:
            message = "{d} {is} the derivative taken at the output instead of at {name}"
            hint = "The formula already holds the output: do not apply the function again."
            yield because("slope-at-out", "swapped", message, hint, residual)
        for said, slope in slopes(x, scene.out).items():
            residual = scene.close(name, dout * slope)
            if residual is not None:
                message, hint = "{d} {is} dout times {slope}", "Use the derivative."
                yield because("other-slope", "swapped", message, hint, residual, slope=said)


def sides(scene: Scene, name: str) -> Iterator[tuple[str, Array]]:
    """The sides of the points at which units and losses switch."""
    x = scene.inputs[name]
    others = {w: a for w, a in scene.inputs.items() if w != name and a.shape == x.shape}
    if scene.is_loss:
        for word, other in others.items():
            yield f"{name} > {word}", x > other
            yield f"{name} < {word}", x < other
            yield f"|{name} - {word}| < 1", np.abs(x - other) < 1
            yield f"|{name} - {word}| > 1", np.abs(x - other) > 1
        return
    yield f"{name} > 0", x > 0
    yield f"{name} <= 0", x <= 0
    if scene.out.shape == x.shape:
        yield "out > 0", scene.out > 0
        yield "out <= 0", scene.out <= 0
        yield "out = 0", scene.out == 0
        yield "out is not 0", scene.out != 0
    for word, other in others.items():
        yield f"{name} > {word}", x > other
        yield f"{name} < {word}", x < other
        yield f"{name} = {word}", x == other
        yield f"{word} > 0", other > 0
        yield f"{word} <= 0", other <= 0


def stretches(name: str, x: Array, wrong: Array) -> Iterator[tuple[str, Array]]:
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


def box(wrong: Array) -> Iterator[tuple[str, Array]]:
    """The block of rows, columns and so on that the wrong entries fill, if it can be told shortly:
    "[:, 2:4]"."""
    kept = [np.unique(at) for at in np.nonzero(wrong)]
    if wrong.ndim < 2 or not wrong.any() or np.prod([len(at) for at in kept]) != wrong.sum():
        return
    words = []
    for at, size in zip(kept, wrong.shape, strict=True):
        low, high = int(at[0]), int(at[-1]) + 1
        run = "" if (low, high) == (0, size) else f"{low or ''}:{high if high < size else ''}"
        if len(at) == 1 < size:
            words.append(str(low))
        elif len(at) == high - low:
            words.append(run or ":")
        elif len(at) <= 3:
            words.append(str([int(i) for i in at]))
        else:
            return
    while words and words[-1] == ":":
        words.pop()
    if words:
        yield f"[{', '.join(words)}]", wrong


def parts(scene: Scene, name: str) -> Iterator[tuple[str, Array, str]]:
    """The parts of a tensor that hold all wrong entries: (where it is, mask, hint)."""
    yours, wrong, x = scene.yours[name], scene.wrong(name), scene.inputs.get(name)
    if not wrong.any() or wrong.all():
        return
    if x is not None and x.shape == yours.shape and (scene.elementwise or scene.is_loss):
        for said, region in sides(scene, name):
            if not (wrong & ~region).any() and not region.all():
                yield f"where {said}", region, ""
        if scene.measured(name):
            for said, region in stretches(name, x, wrong):
                yield f"where {said}", region, SWITCH
    if scene.measured(name):
        for said, region in box(wrong):
            yield f"in {said}", region, ""


def wrong_in_a_part(scene: Scene, name: str) -> Iterator[Cause]:
    """What holds in all of a part, while the rest is right."""
    wrong = scene.wrong(name)
    count = f"({wrong.sum()} of {np.isfinite(scene.right[name]).sum()} entries)"
    for where, region, hint in parts(scene, name):
        for cause in (*zeros(scene, name, region, hint), *scaled(scene, name, region)):
            values = {**cause.values, "where": where, "count": count}
            yield because(
                cause.key, cause.kind, f"{cause.message} {{count}}", cause.hint, cause.evidence,
                **values,
            )  # fmt: skip


def zeros(scene: Scene, name: str, region: Array, hint: str) -> Iterator[Cause]:
    """0 in a part, or not 0 where it should be."""
    yours, right, dout = scene.yours[name], scene.right[name], scene.dout
    residual = scene.close(name, np.where(region, 0, right))
    if residual is not None:
        slope = np.empty(0)
        if dout.shape == right.shape:
            with np.errstate(all="ignore"):
                slope = (right / dout)[region]
        slope = slope[np.isfinite(slope) & (np.abs(slope) > 1e-6)]
        if slope.size and agree(slope, 1, 1, 1e-5):
            message = "{d} {is} 0 {where}, but the output follows the input there"
            yield because("zero-in-part", "mask", message, hint or SWITCH, residual)
        message = "{d} {is} 0 {where}, but the forward pass has a slope there"
        yield because("zero-in-part", "missing-term", message, hint, residual)
    tiny = 1e-6 * np.nanmax(np.abs(right), initial=0.0)
    residual = scene.close(name, np.where(region, yours, right))
    if residual is not None and np.nanmax(np.abs(right[region]), initial=0.0) <= tiny:
        message = "{d} should be 0 {where}, and {is} not"
        hint = hint or "Multiply by the mask of the forward pass."
        yield because("not-masked-in-part", "mask", message, hint, residual)


def scaled(scene: Scene, name: str, region: Array) -> Iterator[Cause]:
    """A wrong sign or a factor in a part."""
    yours, right = scene.yours[name], scene.right[name]
    c = ratio(yours, right, region)
    kinks = scene.kinks.get(name)
    on_kinks = kinks is not None and bool((kinks & region).any())
    if not c or abs(c - 1) < 1e-3 or on_kinks:
        return
    known = factor_name(scene, max(abs(c), 1 / abs(c)))[0] or abs(c + 1) < 1e-5
    residual = scene.close(name, np.where(region, c * right, right))
    if residual is None or not (known or (region & np.isfinite(right)).sum() > 2):
        return
    if abs(c + 1) < 1e-5:
        message = "{d} {has} the wrong sign {where}"
        yield because("sign-in-part", "sign", message, "", residual)
        return
    message = "{d} {is} {size} {where}"
    yield because("factor-in-part", "scale", message, "", residual, size=off_by(scene, c), factor=c)


def two_sides(scene: Scene, name: str) -> Iterator[Cause]:
    """Units and losses of two branches: one of them on both sides, or each on the other's."""
    yours, right, x = scene.yours[name], scene.right[name], scene.inputs.get(name)
    if x is None or x.shape != yours.shape or not (scene.elementwise or scene.is_loss):
        return
    scale = np.nanmax(np.abs(right), initial=0.0)
    passed, should_pass = np.abs(yours) > 1e-9 * scale, np.abs(right) > 1e-9 * scale
    if (
        scene.measured(name)
        and (passed != should_pass).all()
        and should_pass.any()
        and passed.any()
    ):
        message = "the mask of {d} is inverted: what should pass is 0, and the rest passes"
        yield because("mask-inverted", "mask", message, "Turn the condition round.")
    dout = np.broadcast_to(scene.dout, x.shape)
    forms = {"dout": dout, f"dout * {name}": dout * x}
    for word, other in scene.inputs.items():
        if word != name and other.shape == x.shape:
            rest = dout * (x - other)
            forms |= {f"{name} - {word}": rest, f"the sign of {name} - {word}": np.sign(rest)}
    for said, region in sides(scene, name):
        if not region.any() or region.all():
            continue
        for word, form in forms.items():
            c = ratio(yours, form, region)  # this form where it does not belong
            proper = ratio(right, form, ~region)  # and where it does
            if not c or not proper or abs(c - proper) > 1e-5 * abs(c):
                continue
            there = np.where(region, yours - c * form, 0)
            here = np.where(region, 0, right - c * form)
            residual = scene.small(name, there, right, 1)
            if residual is None or scene.small(name, here, right, 1) is None:
                continue
            if not (scene.wrong(name) & ~region).any():
                message = "{d} {takes} the slope of the other side, {slope}, where {region}"
                yield because("other-side", "mask", message, "", residual, slope=word, region=said)
            message = "the two branches of {d} are exchanged: the slope that belongs elsewhere, " \
                "{slope}, is used where {region}"  # fmt: skip
            hint = "Turn the condition round."
            yield because("branches", "mask", message, hint, residual, slope=word, region=said)
