"""A gradient that is too large, too small, of the wrong sign, or lacks a factor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.scene import Scene, Verdict, factor_name, off_by, ratio


def depends_wrongly_on_dout(scene: Scene, name: str) -> Iterator[Verdict]:
    label = scene.label(name)
    if scene.powers.get(name) == "ignored":
        yield (
            "missing-term",
            f"{label} does not change when dout changes",
            "Multiply the local derivative by the upstream gradient dout.",
            0.0,
        )
    elif scene.powers.get(name) == "sign":
        yield (
            "mask",
            f"{label} is not linear in dout: which entries pass depends on the sign of dout",
            "Take the mask from the input or the output, kept in the cache, not from the gradient.",
            0.0,
        )
    elif scene.powers.get(name) == "square":
        yield (
            "missing-term",
            f"{label} grows with the square of dout",
            "Multiply by the upstream gradient once.",
            0.0,
        )


def off_by_a_factor(scene: Scene, name: str) -> Iterator[Verdict]:
    yours, right, label = scene.yours[name], scene.right[name], scene.label(name)
    c = ratio(yours, right)
    if not yours.any() and np.nanmax(np.abs(right), initial=0.0) > 0:
        kind = "mask" if scene.elementwise and two_valued(scene, name) else "missing-term"
        yield kind, f"{label} is 0 everywhere", "Nothing of dout reaches this tensor.", 0.0
        return
    if c is None or c == 0:
        return
    residual = scene.close(name, c * right)
    if residual is None or abs(c - 1) < 1e-8:
        return
    if abs(c + 1) < 1e-5:
        yield "sign", f"{label} has the wrong sign everywhere", "Turn the sign.", residual
        return
    sign = "has the wrong sign and " if c < 0 else ""
    if abs(abs(c) - 0.5) < 1e-6 and scene.elementwise and scene.quadratic:
        yield (
            "overwrite",
            f"{label} is too small by a factor 2: x enters twice, and one of the two "
            f"contributions is lost",
            "Where a value forks its gradients add up: use +=, not =.",
            residual,
        )
        return
    known = factor_name(scene, max(abs(c), 1 / abs(c)))
    if known is None and abs(c - 1) < 1e-2:
        hint = "Look where eps stands, or for a cast to fewer digits."
        yield "missing-term", f"{label} is nearly right: off by a factor {c:.8g}", hint, residual
        return
    hint = ""
    if known is not None:
        hint = f"There is one factor too {'many' if abs(c) > 1 else 'few'}."
        if known.startswith("N,"):
            hint = (
                "Divide by the batch size: the loss is a mean over the examples."
                if abs(c) > 1
                else "Sum over the batch, do not average: if the loss is a mean, it has averaged."
            )
    yield "scale", f"{label} {sign}is {off_by(scene, c)}", hint, residual


def two_valued(scene: Scene, name: str) -> bool:
    """Whether the right slope is 0 or one constant: that of a mask."""
    with np.errstate(all="ignore"):
        slope = scene.right[name] / scene.dout
    slope = slope[np.isfinite(slope)]
    on = slope[np.abs(slope) > 1e-6]
    return on.size > 0 and on.size < slope.size and np.ptp(on) < 1e-5 * np.abs(on).max()


def broadcast_factors(scene: Scene, name: str) -> Iterator[tuple[str, np.ndarray]]:
    """Arrays at hand, and simple functions of them, that broadcast to the tensor."""
    shape = scene.yours[name].shape
    for word, array in scene.arrays().items():
        forms = [(word, array)]
        if array.shape == shape and shape:
            forms += [(f"(1 - {word})", 1 - array), (f"(1 + {word})", 1 + array)]
            forms += [(f"{word} (1 - {word})", array * (1 - array))]
        with np.errstate(all="ignore"):
            forms += [(f"{word}²", array**2)]
            if array.size and array.min() > 0:
                forms += [(f"√{word}", np.sqrt(array))]
        for said, form in forms:
            if form.ndim == 1 and len(shape) > 2 and form.shape[0] == shape[1]:
                form = form.reshape(-1, *[1] * (len(shape) - 2))
            try:
                if np.broadcast_shapes(form.shape, shape) == shape and form.size > 1:
                    yield said, form
            except ValueError:
                continue
    if "x" in scene.inputs and len(shape) >= 2 and scene.inputs["x"].shape == shape:
        axes = (0, *range(2, len(shape)))
        std = np.sqrt(
            scene.inputs["x"].var(axis=axes, keepdims=True) + scene.settings.get("eps", 0)
        )
        if std.size > 1 and (std > 0).all():
            yield "std", std
            yield "std²", std**2


def lacks_a_factor(scene: Scene, name: str) -> Iterator[Verdict]:
    yours, right, label = scene.yours[name], scene.right[name], scene.label(name)
    for said, factor in broadcast_factors(scene, name):
        with np.errstate(all="ignore"):
            # yours · factor = right, compared in that form so that zeros do no harm
            lacking = scene.small(name, yours * factor - right, np.abs(right))
            extra = scene.close(name, right * factor)
        if lacking is not None:
            yield (
                "missing-term",
                f"{label} lacks the factor {said}",
                f"Multiply by {said}.",
                lacking,
            )
        if extra is not None:
            kind = "scale" if said in scene.params and name in scene.params else "missing-term"
            yield (
                kind,
                f"{label} has the factor {said} too much",
                f"Leave out {said}: it is not part of this derivative.",
                extra,
            )
    if scene.elementwise and name in scene.inputs:
        o = scene.out
        factor = (1 + o) / np.where(o == 1, np.nan, 1 - o)
        if factor.shape == yours.shape:
            lacking = scene.small(name, yours * factor - right, np.abs(right))
            if lacking is not None:
                said = f"{label} lacks the factor (1 + out) / (1 - out)"
                yield "missing-term", said, "", lacking
