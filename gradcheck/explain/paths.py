"""Several contributions to one gradient, of which some lack or are wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.gradcheck.explain.causes import explains, leaves_nothing
from chainrule.gradcheck.explain.scene import STRENGTHS, Array, Scene
from chainrule.gradcheck.report.findings import Cause


def repeated_rows(scene: Scene, name: str) -> Iterator[Cause]:
    """Rows of a table that were taken more than once: the last one wins."""
    yours, dout = scene.yours[name], scene.dout
    for word, ids in scene.inputs.items():
        if ids.dtype.kind not in "iu" or dout.shape != ids.shape + yours.shape[1:] or not ids.size:
            continue
        if not yours.ndim or not -len(yours) <= ids.min() <= ids.max() < len(yours):
            continue
        last = np.zeros(yours.shape)
        last[ids] = dout
        yield from explains(scene, name, "repeated-ids", last, ids=word)


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
        if dz.shape == dout.shape and ((abs(dz) < tiny) | (abs(dz - dout) < tiny)).all():
            yield from leaves_nothing(scene, name, "lacks-path", lack - dz @ W.T, lack, path=word)


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
                    words = {"term": f"{word}.T @ dz", "wanted": f"{x_name}.T @ dz"}
                    guess = array.T @ dz + c * W
                    yield from explains(scene, name, "of-other-arrays", guess, **words)
