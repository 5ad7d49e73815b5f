"""From wrong gradients to findings, one for each cause."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from chainrule.gradcheck.derivatives.slopes import Point
from chainrule.gradcheck.explain import Scene, diagnose
from chainrule.gradcheck.explain.faulty_layer import blame_a_layer
from chainrule.gradcheck.subject.layer import Subject, as_outputs
from chainrule.gradcheck.subject.vocabulary import Vocabulary, alike

if TYPE_CHECKING:
    from chainrule.gradcheck.checks.gradients import Judge


def label(scene: Scene, name: str) -> str:
    return Vocabulary(params=frozenset(scene.params)).label(name)


Scene.label = label  # type: ignore[attr-defined]


def explain(judge: Judge, scene: Scene, wrong: list[str], train: bool) -> None:
    """Findings for the wrong tensors, one for each cause."""
    scene.slope_at = lambda z: slope_at(judge, z, train)
    scene.quadratic = scene.elementwise and is_quadratic(judge, scene, train)
    if blame_a_layer(judge, train):
        return
    for name in wrong:
        if not np.nan_to_num(scene.right[name]).any() and judge.ignored(name, train):
            return
    words = Vocabulary(params=frozenset(scene.params))
    causes = [diagnose(scene, name) for name in wrong]
    explained = [c for c in causes if c.key != "unexplained"]
    if explained and len(explained) < len(causes):
        rest = [words.label(c.tensors[0]) for c in causes if c.key == "unexplained"]
        verb = "is" if len(rest) == 1 else "are"
        judge.report.notes.append(f"{' and '.join(rest)} {verb} wrong too; mend the above first")
    for cause in alike(explained or causes):
        finding = words.finding(cause)
        if not train:
            finding = replace(finding, message=f"with train=False {finding.message}")
        judge.report.findings.append(finding)


def slope_at(judge: Judge, z: np.ndarray, train: bool) -> np.ndarray | None:
    """The slope of an entry-by-entry layer where its input is z instead."""
    at = Subject(judge.subject.layer, (z, *judge.subject.inputs[1:]))
    try:
        out, _ = at.forward(train)
    except Exception:
        return None
    outs = as_outputs(out)
    if outs[0].shape != z.shape:
        return None
    point = Point(at, train, outs, [np.ones_like(outs[0])])
    x = at.inputs[0]
    flat = np.empty(x.size)
    for i in range(x.size):
        h = 1e-4 * max(abs(x.flat[i]), 1.0)
        kept = x.flat[i]
        x.flat[i] = kept + h
        up = point.phi()[0]
        x.flat[i] = kept - h
        flat[i] = (up - point.phi()[0]) / (2 * h)
        x.flat[i] = kept
    judge.others.append(at)
    return flat.reshape(z.shape)


def is_quadratic(judge: Judge, scene: Scene, train: bool) -> bool:
    x = judge.subject.inputs[0]
    kept = x.copy()
    x *= 2
    out = as_outputs(judge.subject.forward(train)[0])[0]
    x[...] = kept
    return bool(np.allclose(out, 4 * scene.out, rtol=1e-9))
