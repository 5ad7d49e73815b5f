"""What the mistake is: hypotheses about a wrong gradient, tested to the noise level.

Given what a layer returns (`yours`) and what differences give (`right`), together with every array
at hand (inputs, parameters, cache, output, dout), each hypothesis says what `yours` would be if it
held. The first that explains the numbers to the noise level is stated; none is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from chainrule.gradcheck.explain.entries import not_the_derivative, regions, wrong_in_a_region
from chainrule.gradcheck.explain.forks import wrong_path
from chainrule.gradcheck.explain.labels import wrong_at_the_labels, wrong_beside_targets
from chainrule.gradcheck.explain.normalisation import wrong_normalisation
from chainrule.gradcheck.explain.order import (
    channels_mixed,
    rearranged,
    summed_as_well,
    summed_wrongly,
    swapped_with_another,
)
from chainrule.gradcheck.explain.products import wrong_product
from chainrule.gradcheck.explain.scene import Scene, Verdict
from chainrule.gradcheck.explain.size import (
    depends_wrongly_on_dout,
    lacks_a_factor,
    off_by_a_factor,
)
from chainrule.gradcheck.explain.terms import sums_of_terms, wrong_term
from chainrule.gradcheck.report import Finding

__all__ = ["Scene", "diagnose"]

Hypothesis = Callable[[Scene, str], Iterator[Verdict]]


def diagnose(scene: Scene, name: str) -> Finding:
    """The finding for one tensor whose gradient is wrong."""
    tests: list[Hypothesis] = [
        depends_wrongly_on_dout,
        off_by_a_factor,
        swapped_with_another,
    ]
    if scene.is_loss and name in scene.inputs:
        tests += [wrong_at_the_labels, wrong_beside_targets, wrong_in_a_region]
    if scene.elementwise and name in scene.inputs:
        tests += [not_the_derivative, wrong_in_a_region, lacks_a_factor]
    tests += [
        rearranged,
        summed_as_well,
        summed_wrongly,
        channels_mixed,
        wrong_product,
        lacks_a_factor,
        wrong_term,
        sums_of_terms,
        wrong_path,
        wrong_normalisation,
    ]
    if not np.isfinite(scene.yours[name]).all():
        return not_finite(scene, name)
    for test in tests:
        for kind, message, hint, residual in test(scene, name):
            return finding(scene, name, kind, message, hint, residual)
    return finding(scene, name, *unexplained(scene, name), None)


def not_finite(scene: Scene, name: str) -> Finding:
    yours = scene.yours[name]
    bad = ~np.isfinite(yours)
    index = np.unravel_index(bad.argmax(), yours.shape)
    word = "nan" if np.isnan(yours).any() else "inf"
    message = f"{scene.label(name)} is {word} in {bad.sum()} of {bad.size} entries"
    at = f"[{', '.join(map(str, index))}]" if index else ""
    example = f"{scene.label(name)}{at} = {yours[index]}, should be {scene.right[name][index]:.4g}"
    hint = "Something overflows, or is divided by 0, and is then multiplied by 0."
    line = scene.lines.get(name, "")
    return Finding("stability", name, message, hint, example, 0.0, entries(bad), line)


def entries(wrong: np.ndarray) -> tuple[np.ndarray, ...] | None:
    """The indices of the entries where `wrong` holds; None for a single number."""
    return np.nonzero(wrong) if wrong.ndim else None


def finding(
    scene: Scene, name: str, kind: str, message: str, hint: str, residual: float | None
) -> Finding:
    yours, right = scene.yours[name], scene.right[name]
    gap = np.abs(yours - right)
    worst = np.unravel_index(np.nanargmax(gap), gap.shape) if gap.size else ()
    index = ", ".join(str(int(i)) for i in worst)
    at = f"[{index}]" if worst else ""
    is_, should_be = told_apart(yours[worst], right[worst])
    example = f"{scene.label(name)}{at} = {is_}, should be {should_be}"
    where = entries(scene.wrong(name))
    return Finding(kind, name, message, hint, example, residual, where, scene.lines.get(name, ""))


def told_apart(a: float, b: float) -> tuple[str, str]:
    """Two numbers with four digits, or with so many more that one sees which is which."""
    pairs = [(f"{a:.{digits}g}", f"{b:.{digits}g}") for digits in range(4, 18)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])


def unexplained(scene: Scene, name: str) -> tuple[str, str, str]:
    right, label = scene.right[name], scene.label(name)
    measured = np.isfinite(right)
    wrong = measured & scene.wrong(name)
    total = int(measured.sum())
    where = f"in {int(wrong.sum())} of {total} entries" if wrong.sum() < total else "everywhere"
    x = scene.inputs.get(name)
    kind = "missing-term"
    if x is not None and wrong.any() and wrong.sum() < total:
        for said, region in regions(scene, name) if scene.elementwise or scene.is_loss else ():
            if region.shape == wrong.shape and (region == wrong).all():
                where, kind = f"{where}, all where {said}", "mask"
                break
    return kind, f"{label} is wrong {where}", ""
