"""A value that is used twice, and one of the two contributions to its gradient lost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.products import products
from chainrule.gradcheck.explain.scene import Scene, Verdict


def wrong_path(scene: Scene, name: str) -> Iterator[Verdict]:
    """yours, or what it lacks, is what one of several matrices contributes: a fork overwritten."""
    yours, right, label = scene.yours[name], scene.right[name], scene.label(name)
    if not np.isfinite(right).all():
        return
    if scene.dout.shape == yours.shape and scene.close(name, scene.dout) is not None:
        yield (
            "overwrite",
            f"{label} equals dout: it holds the direct path alone",
            "x is used twice: add the gradient of the other branch to dout.",
            0.0,
        )
    for said, p, q, _, _ in products(scene):
        try:
            product = p @ q
        except ValueError:
            continue
        if product.shape != yours.shape:
            continue
        for what, rest in (("lacks the contribution", right - yours),
                           ("holds only the contribution", yours)):  # fmt: skip
            residual = scene.small(name, rest - product, np.abs(rest))
            if residual is not None:
                kind = "overwrite" if name in scene.inputs else "missing-term"
                hint = "Where a value is used twice its gradients add up: use +=."
                yield kind, f"{label} {what} {said}", hint, residual
    if name not in scene.inputs or yours.ndim != 2:
        return
    for word, W in scene.params.items():
        for array, said in matrices(word, W, yours.shape[1]):
            basis = np.linalg.qr(array)[0]
            if basis.shape[1] >= yours.shape[1]:
                continue
            for what, rest in (("lacks a contribution", right - yours),
                               ("holds only a contribution", yours)):  # fmt: skip
                residual = scene.small(name, rest - rest @ basis @ basis.T, np.abs(rest))
                if residual is not None:
                    yield (
                        "overwrite",
                        f"{label} {what} that comes through {said}",
                        "x is used more than once: its gradients add up, use += and not =.",
                        residual,
                    )


def matrices(word: str, W: np.ndarray, rows: int) -> Iterator[tuple[np.ndarray, str]]:
    """The matrices in a parameter whose row space a contribution to dx may lie in."""
    if W.ndim == 2 and W.shape[0] == rows:
        yield W, word
    if W.ndim == 3:
        for k in range(W.shape[0]):
            if W.shape[1] == rows:
                yield W[k], f"{word}[{k}]"
        for k in range(W.shape[1]):
            if W.shape[0] == rows:
                yield W[:, k], f"{word}[:, {k}]"
