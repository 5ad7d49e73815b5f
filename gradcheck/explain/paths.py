"""Several contributions to one gradient, of which some lack or are wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.causes import cause
from chainrule.gradcheck.explain.numbers import off_by
from chainrule.gradcheck.explain.scene import STRENGTHS, Array, Scene, agree, ratio
from chainrule.gradcheck.report.findings import Cause


def repeated_rows(scene: Scene, name: str) -> Iterator[Cause]:
    """Rows of a table that were taken more than once: the last one wins, or they are averaged."""
    yours, dout = scene.yours[name], scene.dout
    for word, ids in scene.inputs.items():
        whole = ids.dtype.kind in "iu" and ids.size and yours.ndim
        if not whole or dout.shape != ids.shape + yours.shape[1:]:
            continue
        if not -len(yours) <= ids.min() <= ids.max() < len(yours):
            continue
        last, counts = np.zeros(yours.shape), np.zeros((len(yours), *[1] * (yours.ndim - 1)))
        last[ids] = dout
        np.add.at(counts, ids, 1)
        residual = scene.close(name, last)
        if residual is not None:
            yield cause("repeated-ids", residual, ids=word)
        residual = scene.close(name, scene.right[name] / np.maximum(counts, 1))
        if residual is not None:
            yield cause("mean-of-repeats", residual, ids=word)


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
    """An input that goes through several matrices, dx = Σ dz Wᵀ, where what comes through one of
    them is missing, which shows if its dz is dout or 0 entry by entry, or has the wrong size."""
    yours, right, dout = scene.yours[name], scene.right[name], scene.dout
    if name not in scene.inputs or yours.ndim != 2 or not scene.measured(name):
        return
    found = list(matrices(scene, yours.shape[-1]))
    for word, W in found if len(found) > 1 else ():
        if np.linalg.matrix_rank(W) < W.shape[1] or W.shape[1] >= W.shape[0]:
            continue
        dz = (right - yours) @ np.linalg.pinv(W.T)
        residual = scene.small(name, right - yours - dz @ W.T, right - yours)
        if residual is not None and dz.shape == dout.shape:
            tiny = 1e-6 * np.abs(dout).max()
            if ((np.abs(dz) < tiny) | (np.abs(dz - dout) < tiny)).all():
                yield cause("lacks-path", residual, path=word)
    yield from independent_paths(scene, name, found)


def independent_paths(scene: Scene, name: str, found: list[tuple[str, Array]]) -> Iterator[Cause]:
    """Where the columns of the matrices are independent, each contribution can be told apart."""
    yours, right = scene.yours[name], scene.right[name]
    ways = np.concatenate([W for _, W in found], axis=1) if found else np.empty((0, 0))
    if len(found) < 2 or np.linalg.matrix_rank(ways) < ways.shape[1]:
        return
    sizes = np.cumsum([W.shape[1] for _, W in found])[:-1]
    mine, wanted = (np.split(a @ np.linalg.pinv(ways.T), sizes, axis=1) for a in (yours, right))
    rebuilt = np.concatenate(mine, axis=1) @ ways.T
    residual = scene.close(name, rebuilt)
    scale = max(np.abs(dz).max() for dz in wanted)
    for (word, _), dz, proper in zip(found, mine, wanted, strict=True):
        c = ratio(dz, proper) or 0.0
        if residual is None or agree(dz, proper, scale) or not agree(dz, c * proper, scale):
            continue
        if agree(c, 0, 1):
            yield cause("lacks-path", residual, path=word)
        elif agree(c, -1, 1):
            yield cause("path-sign", residual, path=word)
        else:
            yield cause("path-factor", residual, path=word, size=off_by(scene, c))


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
                    words = {"term": f"{word}.T @ dz", "wanted": f"{x_name}.T @ dz"}
                    yield cause("of-other-arrays", residual, **words)
