"""Matrix products with a transpose too few, or with the wrong array."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.scene import STRENGTHS, Scene, Verdict


def products(scene: Scene) -> Iterator[tuple[str, np.ndarray, np.ndarray, str, str]]:
    """Matrix products of dout (times an array of its shape) with the arrays at hand."""
    dout = scene.dout
    arrays = {w: a for w, a in scene.arrays().items() if a.ndim >= 2}
    lefts = {"dout": dout}
    for word, array in scene.arrays().items():
        if array.shape == dout.shape and dout.ndim:
            lefts[f"(dout * {word})"] = dout * array
    for g_word, g in lefts.items():
        if g.ndim < 2:
            continue
        for word, array in arrays.items():
            for t_g, t_a in itertools.product(("", ".T", "ᵀ"), repeat=2):
                first, second = turned(g, t_g), turned(array, t_a)
                for p, q, said in (
                    (first, second, f"{g_word}{t_g} @ {word}{t_a}"),
                    (second, first, f"{word}{t_a} @ {g_word}{t_g}"),
                ):
                    if p.shape[-1] != q.shape[-2]:
                        continue
                    yield said, p, q, g_word, word


def turned(array: np.ndarray, how: str) -> np.ndarray:
    return {"": array, ".T": array.T, "ᵀ": array.swapaxes(-1, -2)}[how]


def wrong_product(scene: Scene, name: str) -> Iterator[Verdict]:
    yours, right, label = scene.yours[name], scene.right[name], scene.label(name)
    matches: list[tuple[str, str, str, float]] = []
    proper: list[tuple[str, str, str]] = []
    for said, p, q, g_word, word in products(scene):
        try:
            product = p @ q
        except ValueError:
            continue
        if product.ndim > yours.ndim:
            product = product.sum(axis=tuple(range(product.ndim - yours.ndim)))
        if product.size != yours.size:
            continue
        product = product.reshape(yours.shape)
        residual = scene.close(name, product)
        if residual is not None:
            matches.append((said, g_word, word, residual))
        size = np.abs(right)
        if scene.small(name, product - right, size) is not None:
            proper.append((said, g_word, word))
    for said, g_word, word, residual in matches:
        for want, want_g, want_word in proper:
            if {want_g, want_word} == {g_word, word}:
                yield (
                    "transpose",
                    f"{label} matches {said}; it should be {want}",
                    "Check the shapes: the inner ones must be those summed over.",
                    residual,
                )
        for want, want_g, want_word in proper:
            if want_g == g_word or want_word == word:
                yield "swapped", f"{label} matches {said}; it should be {want}", "", residual
    if not matches and not proper:
        yield from wrong_left_factor(scene, name)


def wrong_left_factor(scene: Scene, name: str) -> Iterator[Verdict]:
    """dW = xᵀ dz with the wrong array in the place of x, where dz is what dx tells it to be."""
    yours, right = scene.yours[name], scene.right[name]
    if yours.ndim != 2 or name not in scene.params:
        return
    W = scene.params[name]
    for x_name, x in scene.inputs.items():
        dx = scene.right.get(x_name)
        if dx is None or x.ndim != 2 or x.shape[1] != W.shape[0] or not np.isfinite(dx).all():
            continue
        dz = dx @ np.linalg.pinv(W.T)
        decays = [0.0, *(v for k, v in scene.settings.items() if k in STRENGTHS)]
        fits = [c for c in decays if scene.small(name, x.T @ dz + c * W - right, right) is not None]
        if not fits:
            continue
        for word, array in scene.arrays().items():
            if array.ndim == 2 and len(array) == len(dz) and array.shape[1] == yours.shape[0]:
                residual = scene.close(name, array.T @ dz + fits[0] * W)
                if residual is not None:
                    yield (
                        "swapped",
                        f"{scene.label(name)} is computed from {word}; it needs {x_name}, the "
                        f"input of that step",
                        "",
                        residual,
                    )
