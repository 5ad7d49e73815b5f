"""Several contributions to one gradient, of which some lack or are wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.causes import cause
from chainrule.gradcheck.explain.scene import STRENGTHS, Array, Scene
from chainrule.gradcheck.report.findings import Cause


def repeated_rows(scene: Scene, name: str) -> Iterator[Cause]:
    """Rows of a table that were taken more than once: the last one wins, or they are averaged."""
    yours, dout = scene.yours[name], scene.dout
    for word, ids in scene.inputs.items():
        if ids.dtype.kind not in "iu" or dout.shape != ids.shape + yours.shape[1:] or not ids.size:
            continue
        if not yours.ndim or not -len(yours) <= ids.min() <= ids.max() < len(yours):
            continue
        last, counts = np.zeros(yours.shape), np.zeros((len(yours), *[1] * (yours.ndim - 1)))
        last[ids] = dout
        np.add.at(counts, ids, 1)
        mean = scene.right[name] / np.maximum(counts, 1)
        for key, guess in (("repeated-ids", last), ("mean-of-repeats", mean)):
            residual = scene.close(name, guess)
            if residual is not None:
                yield cause(key, residual, ids=word)


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
    """An input that goes through several matrices, dx = Σ dz Wᵀ: what comes through one of them is
    missing, which shows in that its dz is dout or 0 entry by entry."""
    lack, dout = scene.right[name] - scene.yours[name], scene.dout
    if name not in scene.inputs or lack.ndim != 2 or not scene.measured(name):
        return
    tiny = 1e-6 * np.abs(dout).max(initial=0.0)
    for word, W in matrices(scene, lack.shape[1]):
        if np.linalg.matrix_rank(W) < W.shape[1] or W.shape[1] >= W.shape[0]:
            continue
        dz = lack @ np.linalg.pinv(W.T)
        residual = scene.small(name, lack - dz @ W.T, lack)
        if residual is not None and dz.shape == dout.shape:
            if ((np.abs(dz) < tiny) | (np.abs(dz - dout) < tiny)).all():
                yield cause("lacks-path", residual, path=word)


def wrong_left_factor(scene: Scene, name: str) -> Iterator[Cause]:
    """dW = xᵀ dz with the wrong array in the place of x, where dz is what dx tells it to be."""
    right, W = scene.right[name], scene.params.get(name)
    if W is None or W.ndim != 2:
        return
    for x_name, x in scene.inputs.items():
        dx = scene.right.get(x_name)
        if dx is None or x.ndim != 2 or x.shape[1] != len(W) or not np.isfinite(dx).all():
            continue
        dz = dx @ np.linalg.pinv(W.T)
        for c in (0.0, *(v for k, v in scene.settings.items() if k in STRENGTHS)):
            if scene.small(name, x.T @ dz + c * W - right, right) is None:
                continue
            for word, array in scene.arrays().items():
                if array.shape == (len(dz), len(W)):
                    residual = scene.close(name, array.T @ dz + c * W)
                    if residual is not None:
                        words = {"term": f"{word}.T @ dz", "wanted": f"{x_name}.T @ dz"}
                        yield cause("of-other-arrays", residual, **words)
