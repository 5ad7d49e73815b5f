"""Gradients that are wrong in a part of their entries, as at the true class of a loss, and units
with another slope."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.causes import explains
from chainrule.gradcheck.explain.factors import factor_name, off_by, two_valued
from chainrule.gradcheck.explain.scene import Array, Named, Scene, agree, ratio
from chainrule.gradcheck.report.findings import Cause

SOME = "in some entries"


def not_the_derivative(scene: Scene, name: str) -> Iterator[Cause]:
    """Of a unit that works entry by entry: what stands in the place of its slope."""
    yours, dout, out, x = scene.yours[name], scene.dout, scene.out, scene.inputs.get(name)
    if not scene.elementwise or x is None or not yours.shape == x.shape == dout.shape:
        return
    key = "not-masked" if two_valued(scene, name) else "no-derivative"
    yield from explains(scene, name, key, dout)
    at_out = scene.slope_at(out)
    if at_out is not None:
        yield from explains(scene, name, "slope-at-out", dout * at_out)
    easily_taken = {
        "out * (1 - out), the slope of the sigmoid": out * (1 - out),
        "out, the value of the layer and not its slope": out,
        "x, the input itself": x,
        "1 / out": 1 / out,
        "σ(x)": 1 / (1 + np.exp(-x)),
    }
    for said, slope in easily_taken.items():
        is_factor = agree(x * slope, out, np.abs(out).max())
        key = "product-rule" if is_factor else "other-slope"
        yield from explains(scene, name, key, dout * slope, slope=said)
    if scene.measured(name) and np.abs(x).min() > 0 and dout.all():
        first, whole = out / x, scene.right[name] / dout
        inner = (whole - first) / x
        for said, slope in {
            f"is dout times out / {name}, one of the two terms of the product rule": first,
            f"lacks out / {name}, one of the two terms of the product rule": whole - first,
            f"is dout times the derivative of out / {name} alone": inner,
            f"lacks the factor {name} in the second term of the product rule": first + inner,
            "has the wrong sign in the second term of the product rule": first - x * inner,
        }.items():
            yield from explains(scene, name, "terms-of-product", dout * slope, does=said)


def of_another_loss(scene: Scene, name: str) -> Iterator[Cause]:
    """Of a loss of two arrays alike: the gradient of squares, or of absolute values."""
    yours, y = scene.yours[name], scene.inputs.get(name)
    for word, t in scene.inputs.items():
        if not scene.is_loss or y is None or word == name or t.shape != y.shape or y.size < 4:
            continue
        e = y - t if t.dtype.kind == "f" else np.zeros(())
        for said, slope in {"squared": e, "absolute": np.sign(e)}.items():
            if c := ratio(yours, slope):
                values = {"errors": f"{name} - {word}", "loss": said}
                yield from explains(scene, name, "other-loss", c * slope, 1, **values)


def sides(scene: Scene, name: str) -> Iterator[tuple[str, Array]]:
    """The sides of the points at which units and losses switch."""
    x = scene.inputs[name]
    others = [(w, a) for w, a in scene.inputs.items() if w != name and a.shape == x.shape]
    if not scene.is_loss:
        for word, array in ((name, x), ("out", scene.out), *others):
            yield f"{word} > 0", array > 0
            yield f"{word} <= 0", array <= 0
        yield "out = 0", scene.out == 0
        yield "out is not 0", scene.out != 0
    for word, other in others:
        rest, said = x - other, f"{name} - {word}"
        yield f"{name} > {word}", rest > 0
        yield f"{name} < {word}", rest < 0
        yield f"{name} = {word}", rest == 0
        if scene.is_loss:
            yield f"|{said}| < 1", np.abs(rest) < 1
            yield f"|{said}| > 1", np.abs(rest) > 1
            yield f"{said} < -1", rest < -1
            yield f"{said} > 1", rest > 1


def stretches(name: str, x: Array, wrong: Array) -> Iterator[tuple[str, Array]]:
    """The stretch of x, or of |x|, that holds all wrong entries, where it holds no other."""
    for what, values in ((name, x), (f"|{name}|", np.abs(x))):
        low, high = values[wrong].min(), values[wrong].max()
        inside = (values >= low) & (values <= high)
        if (inside == wrong).all():
            left = f"{low:.3g} <= " if low > values.min() else ""
            right = f" <= {high:.3g}" if high < values.max() else ""
            yield f"{what} = {low:.3g}" if low == high else f"{left}{what}{right}", inside


def box(wrong: Array) -> str:
    """The block of rows, columns and so on that the wrong entries fill, "[:, 2:4]", or "" if they
    fill none that can be told shortly."""
    kept = [np.unique(at) for at in np.nonzero(wrong)]
    if wrong.ndim < 2 or np.prod([len(at) for at in kept]) != wrong.sum():
        return ""
    words = []
    for at, size in zip(kept, wrong.shape, strict=True):
        low, high = int(at[0]), int(at[-1]) + 1
        if len(at) == high - low:
            run = f"{low or ''}:{high if high < size else ''}"
            words.append(str(low) if len(at) == 1 < size else run)
        else:
            words.append(str([int(i) for i in at]))
    while words[-1] == ":":
        words.pop()
    fancy = [word for word in words if word.startswith("[")]
    short = len(fancy) < 2 and all(word.count(",") < 4 for word in fancy)
    return f"[{', '.join(words)}]" if short else ""


def parts(scene: Scene, name: str) -> Iterator[tuple[str, Array]]:
    """The parts of a tensor that hold all wrong entries, and last just those entries."""
    yours, wrong, x = scene.yours[name], scene.wrong(name), scene.inputs.get(name)
    if not wrong.any() or wrong.all():
        return
    if x is not None and x.shape == yours.shape and (scene.elementwise or scene.is_loss):
        for said, region in sides(scene, name):
            if region.shape == wrong.shape and not (wrong & ~region).any() and not region.all():
                yield f"where {said}", region
        for said, region in stretches(name, x, wrong) if scene.elementwise else ():
            yield f"where {said}", region
    if scene.measured(name):
        if said := box(wrong):
            yield f"in {said}", wrong
        yield SOME, wrong


def wrong_in_a_part(scene: Scene, name: str) -> Iterator[Cause]:
    """What holds in all of a part, while the rest is right."""
    yours, right, dout = scene.yours[name], scene.right[name], scene.dout
    count = f"({scene.wrong(name).sum()} of {np.isfinite(right).sum()} entries)"
    tiny = 1e-6 * np.nanmax(np.abs(right), initial=0.0)
    for said, region in parts(scene, name):
        where = {"where": said, "count": count}
        flat = dout.shape == right.shape and agree(
            right[region], np.where(right, dout, 0)[region], 1, 1e-5
        )
        key, guess = "flat-part" if flat else "zero-in-part", np.where(region, 0, right)
        yield from explains(scene, name, key, guess, **where)
        if np.nanmax(np.abs(right[region]), initial=0.0) <= tiny:
            guess = np.where(region, yours, right)
            yield from explains(scene, name, "not-zero-in-part", guess, **where)
        c = ratio(yours, right, region)
        if not c or abs(c - 1) < 1e-3 or (region & scene.kinks.get(name, np.False_)).any():
            continue
        guess = np.where(region, c * right, right)
        known = factor_name(scene, max(abs(c), 1 / abs(c)))[0] or said.startswith("where")
        if abs(c + 1) < 1e-5:
            yield from explains(scene, name, "sign-in-part", guess, **where)
        elif known and (region & np.isfinite(right)).sum() > 1:
            values = where | {"size": off_by(scene, c)}
            yield from explains(scene, name, "factor-in-part", guess, **values)


def two_sides(scene: Scene, name: str) -> Iterator[Cause]:
    """Units and losses of two branches: one of them on both sides, or each on the other's."""
    yours, right, x = scene.yours[name], scene.right[name], scene.inputs.get(name)
    if x is None or x.shape != yours.shape or not (scene.elementwise or scene.is_loss):
        return
    dout = np.broadcast_to(scene.dout, x.shape)
    passing = np.abs(right) > 1e-9 * np.nanmax(np.abs(right), initial=0.0)
    inverted = np.where(passing, 0, (ratio(right, dout, passing) or 0.0) * dout)
    yield from explains(scene, name, "mask-inverted", inverted, 1)
    forms = {"dout": dout, f"dout * {name}": dout * x}
    for (word, a), (key, c) in itertools.product(scene.arrays.items(), scene.settings.items()):
        if a.shape == x.shape:
            forms[f"dout * ({word} + {key})"] = dout * (a + c)
    for word, other in scene.inputs.items():
        if word != name and other.shape == x.shape:
            rest = dout * (x - other)
            forms |= {f"{name} - {word}": rest, f"the sign of {name} - {word}": np.sign(rest)}
    for said, region in sides(scene, name):
        inside = fitting(scene, name, forms, region)
        for slope, form in fitting(scene, name, forms, ~region).items():
            values = {"slope": slope, "region": said}
            guess = np.where(region, form, right)
            yield from explains(scene, name, "other-side", guess, 1, **values)
            for other in inside.values():
                guess = np.where(region, form, other)
                yield from explains(scene, name, "branches", guess, 2, **values)


def fitting(scene: Scene, name: str, forms: Named, region: Array) -> Named:
    """Those of the forms that the right gradient has in a region, in the right size."""
    right = scene.right[name]
    if region.shape != right.shape or region.sum() < 3:
        return {}
    sized = {word: (ratio(right, form, region) or 0.0) * form for word, form in forms.items()}
    rests = {word: np.where(region, right - form, 0) for word, form in sized.items()}
    return {w: sized[w] for w, rest in rests.items() if scene.small(name, rest, right) is not None}
