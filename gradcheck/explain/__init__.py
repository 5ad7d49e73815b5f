"""What the mistake is: hypotheses about a wrong gradient, tested to the noise level.

Given what a layer returns (`yours`) and what differences give (`right`), together with every array
at hand (inputs, parameters, cache, output, dout), each hypothesis says what `yours` would be if it
held. The first that explains the numbers to the noise level is stated; none is guessed.

    scene           what a hypothesis may look at, and when it counts as true
    numbers         the numbers that gradients are often off by, and their names
    causes          every cause: its key, kind, sentence and advice
    factors         dout ignored, a number too many, a factor that lacks
    places          swapped, transposed, reordered, moved, summed once more
    labels          losses: at the true class, beside it
    regions         wrong in a part of the entries; units with another slope
    terms           the terms that gradients are made of
    combinations    the wrong term, one that lacks, is too much or has the wrong size
    paths           several contributions, of which some lack
    normalisation   the paths through means and variances
    grouping        from wrong gradients to causes, one for each mistake
    faulty_layer    in a network: the layer at which the gradient goes wrong
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from chainrule.gradcheck.explain.causes import cause
from chainrule.gradcheck.explain.combinations import (
    one_term_alone,
    sums_of_terms,
    wrong_penalty,
    wrong_term,
)
from chainrule.gradcheck.explain.factors import (
    depends_wrongly_on_dout,
    factors_by_slice,
    lacks_a_factor,
    off_by_a_factor,
)
from chainrule.gradcheck.explain.labels import wrong_at_the_labels, wrong_beside_targets
from chainrule.gradcheck.explain.normalisation import wrong_normalisation
from chainrule.gradcheck.explain.paths import (
    repeated_rows,
    wrong_left_factor,
    wrong_path,
)
from chainrule.gradcheck.explain.places import (
    channels_mixed,
    rearranged,
    summed_as_well,
    swapped_with_another,
)
from chainrule.gradcheck.explain.regions import (
    not_the_derivative,
    parts,
    two_sides,
    wrong_in_a_part,
)
from chainrule.gradcheck.explain.scene import Array, Scene
from chainrule.gradcheck.report.findings import Cause

__all__ = ["HYPOTHESES", "Scene", "diagnose"]

Hypothesis = Callable[[Scene, str], Iterator[Cause]]

HYPOTHESES: tuple[Hypothesis, ...] = (  # the first that holds is told
    depends_wrongly_on_dout,
    off_by_a_factor,
    swapped_with_another,
    wrong_at_the_labels,
    wrong_beside_targets,
    not_the_derivative,
    wrong_in_a_part,
    two_sides,
    repeated_rows,
    rearranged,
    summed_as_well,
    channels_mixed,
    wrong_penalty,
    wrong_term,
    wrong_path,
    lacks_a_factor,
    wrong_normalisation,
    sums_of_terms,
    wrong_left_factor,
    factors_by_slice,
    one_term_alone,
)


def diagnose(scene: Scene, name: str) -> Cause:
    """What is wrong with the gradient of one tensor: kind "unknown" where nothing explains it."""
    if not np.isfinite(scene.yours[name]).all():
        return not_finite(scene, name)
    with np.errstate(all="ignore"):
        told = (one for hypothesis in HYPOTHESES for one in hypothesis(scene, name))
        first = next(told, None) or unexplained(scene, name)
    yours, right = scene.yours[name], scene.right[name]
    gap = np.abs(yours - right)
    worst = np.unravel_index(np.nanargmax(gap), gap.shape) if np.isfinite(gap).any() else None
    example = ""
    if worst is not None:
        is_, should_be = told_apart(float(yours[worst]), float(right[worst]))
        example = f"{{d}}{at(worst)} = {is_}, should be {should_be}"
    return placed(scene, name, first, example, scene.wrong(name))


def placed(scene: Scene, name: str, first: Cause, example: str, wrong: Array) -> Cause:
    """The cause, with the tensor, an example, the entries and the line it is about."""
    where = np.nonzero(wrong) if wrong.ndim else None
    line = scene.lines.get(name, "")
    return replace(first, tensors=(name,), example=example, where=where, line=line)


def at(index: tuple[np.intp, ...]) -> str:
    return f"[{', '.join(str(int(i)) for i in index)}]" if index else ""


def not_finite(scene: Scene, name: str) -> Cause:
    yours, right = scene.yours[name], scene.right[name]
    bad = ~np.isfinite(yours)
    index = np.unravel_index(bad.argmax(), yours.shape)
    word = "nan" if np.isnan(yours).any() else "inf"
    found = cause("not-finite", None, word=word, count=int(bad.sum()), total=bad.size)
    example = f"{{d}}{at(index)} = {yours[index]}, should be {right[index]:.4g}"
    return placed(scene, name, found, example, bad)


def told_apart(a: float, b: float) -> tuple[str, str]:
    """Two numbers with four digits, or with so many more that one sees which is which."""
    pairs = [(f"{a:.{digits}g}", f"{b:.{digits}g}") for digits in range(4, 18)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])


def unexplained(scene: Scene, name: str) -> Cause:
    """Where it is wrong: that at least was measured."""
    wrong, seen = scene.wrong(name), np.isfinite(scene.right[name])
    if wrong.sum() == seen.sum():
        return cause("unexplained", None, where="everywhere", part="", advice="")
    same = (said for said, region in parts(scene, name) if ((region & seen) == wrong).all())
    part = next((said for said in same if said != "there"), "")
    where = f"in {int(wrong.sum())} of {int(seen.sum())} entries{part and ', all '}{part}"
    steps = (
        wrong.ndim == 3 and name in scene.inputs and wrong[:, 0].any() and not wrong[:, -1].any()
    )
    advice = "The last step is right: look at what is carried back from step to step."
    return cause("unexplained", None, where=where, part=part, advice=advice if steps else "")
