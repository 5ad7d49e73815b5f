"""Several contributions to one gradient, of which some lack or are wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.numbers import factor_name, off_by
from chainrule.gradcheck.explain.scene import STRENGTHS, Array, Scene, agree, ratio
from chainrule.gradcheck.report.findings import Cause, because

ADD_UP = "Where a value is used twice its gradients add up: use +=, not =."


def repeated_rows(scene: Scene, name: str) -> Iterator[Cause]:
    """Rows of a table that were taken more than once: the last one wins, or they are averaged."""
    yours, right, dout = scene.yours[name], scene.right[name], scene.dout
    for word, ids in scene.inputs.items():
        if ids.dtype.kind not in "iu" or not ids.size or yours.ndim < 1:
            continue
        if dout.shape != ids.shape + yours.shape[1:] or not -len(yours) <= ids.min():
            continue
        if ids.max() >= len(yours):
            continue
        last, counts = np.zeros(yours.shape), np.zeros(len(yours))
        last[ids] = dout
        np.add.at(counts, ids, 1)
        message = "{d} {holds} only the last of the rows with the same {ids}"
        hint = "With repeated indices += keeps one: use np.add.at."
        residual = scene.close(name, last)
        if residual is not None:
            yield because("repeated-ids", "overwrite", message, hint, residual, ids=word)
        often = np.maximum(counts, 1).reshape(-1, *[1] * (yours.ndim - 1))
        residual = scene.close(name, right / often)
        if residual is not None:
            message = "{d} {is} averaged over the rows with the same {ids}, not summed"
            yield because("mean-of-repeats", "scale", message, "", residual, ids=word)


def dout_alone(scene: Scene, name: str) -> Iterator[Cause]:
    """yours is dout: a skip connection without its branch, or nothing was done."""
    residual = scene.close(name, scene.dout)
    if residual is not None and not scene.elementwise:
        message = "{d} {equals} dout: it {holds} the direct path alone"
        hint = "Add the gradient of what else the input goes through."
        yield because("dout-alone", "overwrite", message, hint, residual)


def matrices(scene: Scene, rows: int) -> Iterator[tuple[str, Array]]:
    """The matrices through which contributions to an input of so many features may come."""
    for word, W in scene.params.items():
        if W.ndim == 2 and W.shape[0] == rows:
            yield word, W
        if W.ndim == 3 and W.shape[1] == rows:
            yield from ((f"{word}[{k}]", W[k]) for k in range(len(W)))
        elif W.ndim == 3 and W.shape[0] == rows:
            yield from ((f"{word}[:, {k}]", W[:, k]) for k in range(W.shape[1]))


def wrong_path(scene: Scene, name: str) -> Iterator[Cause]:
    """An input that goes through several matrices, dx = Σ dz Wᵀ: where the rows of the matrices are
    independent, each contribution can be told from the others."""
    yours, right = scene.yours[name], scene.right[name]
    if name not in scene.inputs or yours.ndim < 2 or not scene.measured(name):
        return
    found = list(matrices(scene, yours.shape[-1]))
    ways = np.concatenate([W for _, W in found], axis=1) if found else np.empty((0, 0))
    if len(found) < 2 or np.linalg.matrix_rank(ways) < ways.shape[1]:
        return
    sizes = np.cumsum([W.shape[1] for _, W in found])[:-1]
    flat = (a.reshape(-1, yours.shape[-1]) for a in (yours, right))
    mine, wanted = (np.split(a @ np.linalg.pinv(ways.T), sizes, axis=1) for a in flat)
    rebuilt = sum(dz @ W.T for dz, (_, W) in zip(mine, found, strict=True))
    residual = scene.close(name, np.reshape(rebuilt, yours.shape))
    if residual is None:
        return
    scale = max(np.abs(dz).max() for dz in wanted)
    for (word, _), dz, dz_right in zip(found, mine, wanted, strict=True):
        if agree(dz, dz_right, scale) or not np.abs(dz_right).max() > 1e-6 * scale:
            continue
        c = ratio(dz, dz_right)
        if agree(dz, 0, scale):
            message = "{d} {lacks} the contribution that comes through {path}"
            yield because("lacks-path", "overwrite", message, ADD_UP, residual, path=word)
        elif c and agree(dz, c * dz_right, scale):
            kind = "sign" if abs(c + 1) < 1e-6 else "scale"
            size = "of the wrong sign" if kind == "sign" else off_by(scene, c)
            message = "the contribution to {d} that comes through {path} is {size}"
            yield because("path-factor", kind, message, "", residual, path=word, size=size)


def wrong_left_factor(scene: Scene, name: str) -> Iterator[Cause]:
    """dW = xᵀ dz with the wrong array in the place of x, where dz is what dx tells it to be."""
    yours, right, W = scene.yours[name], scene.right[name], scene.params.get(name)
    if W is None or W.ndim != 2:
        return
    for x_name, x in scene.inputs.items():
        dx = scene.right.get(x_name)
        if dx is None or x.ndim != 2 or x.shape[1] != W.shape[0] or not np.isfinite(dx).all():
            continue
        dz = dx @ np.linalg.pinv(W.T)
        decays = [0.0, *(v for k, v in scene.settings.items() if k in STRENGTHS)]
        fits = [c for c in decays if scene.small(name, x.T @ dz + c * W - right, right) is not None]
        for word, array in scene.arrays().items() if fits else ():
            if array.shape == (len(dz), yours.shape[0]):
                residual = scene.close(name, array.T @ dz + fits[0] * W)
                if residual is not None:
                    message = (
                        "{d} {is} computed from {term}; it needs {wanted}, the input of that step"
                    )
                    yield because(
                        "of-other-arrays", "swapped", message, "", residual,
                        term=word, wanted=x_name,
                    )  # fmt: skip
