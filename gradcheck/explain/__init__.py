"""What the mistake is: hypotheses about a wrong gradient, tested to the noise level.

Given what a layer returns (`yours`) and what differences give (`right`), together with every array
at hand (inputs, parameters, cache, output, dout), each hypothesis says what `yours` would be if it
held. The first that explains the numbers to the noise level is stated; none is guessed.

    scene           what a hypothesis may look at, and when it counts as true
    causes          every cause: its key, kind, sentence and advice
    factors         dout ignored, a number too many and what it is called, a factor that lacks
    places          swapped, transposed, reordered, summed once more, of another shape
    regions         wrong in a part of the entries, at the true class; units with another slope
    labels          losses: at the true class, beside it
    terms           the terms that gradients are made of, and which of them is wrong
    normalisation   the paths through means and variances; a part that changes nothing
    contributions   what single outputs contribute, beside the Jacobian
    positions       where those numbers stand: windows of convolutions and pooling
    repair          the edit of the source that makes all right: `editor`, `edits`, `insertions`,
                    tried on `clones`
    comparison      from wrong gradients to causes; in a network, to the layer that is wrong
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from chainrule.gradcheck.explain import (
    contributions,
    factors,
    labels,
    normalisation,
    places,
    positions,
    regions,
    terms,
)
from chainrule.gradcheck.explain.causes import cause
from chainrule.gradcheck.explain.scene import Scene
from chainrule.gradcheck.report.findings import Cause

__all__ = ["HYPOTHESES", "Scene", "diagnose"]

HYPOTHESES: tuple[Callable[[Scene, str], Iterator[Cause]], ...] = (  # the first that holds is told
    factors.depends_wrongly_on_dout,
    factors.off_by_a_factor,
    places.swapped_with_another,
    labels.wrong_at_the_labels,
    regions.not_the_derivative,
    regions.of_another_loss,
    regions.wrong_in_a_part,
    regions.two_sides,
    terms.repeated_rows,
    places.rearranged,
    places.summed_as_well,
    terms.wrong_penalty,
    terms.wrong_term,
    factors.lacks_a_factor,
    normalisation.wrong_normalisation,
    contributions.jacobian_not_turned,
    positions.moved,
    positions.taken_from_elsewhere,
    positions.displaced,
    places.reordered,
    contributions.wrong_contributions,
    normalisation.moves_along_what_changes_nothing,
    terms.one_term_alone,
)


def diagnose(scene: Scene, name: str) -> Cause:
    """What is wrong with the gradient of one tensor: kind "unknown" where nothing explains it."""
    yours, right = scene.yours[name], scene.right[name]
    wrong = scene.wrong(name) | ~np.isfinite(yours)
    with np.errstate(all="ignore"):
        told = (one for hypothesis in HYPOTHESES for one in hypothesis(scene, name))
        first = not_finite(scene, name) or next(told, None) or unexplained(scene, name)
    gap = np.where(np.isfinite(yours) | np.isnan(right), np.abs(yours - right), np.inf)
    worst = np.unravel_index(np.nan_to_num(gap, nan=-1, posinf=np.inf).argmax(), gap.shape)
    is_, should_be = told_apart(float(yours[worst]), float(right[worst]))
    at = f"[{', '.join(str(int(i)) for i in worst)}]" if worst else ""
    return replace(
        first,
        tensors=(name,),
        example=f"{{d}}{at} = {is_}, should be {should_be}",
        where=np.nonzero(wrong) if wrong.ndim else None,
        line=scene.lines.get(name, ""),
    )


def not_finite(scene: Scene, name: str) -> Cause | None:
    yours, x = scene.yours[name], scene.inputs.get(name, np.zeros(()))
    bad = ~np.isfinite(yours)
    if not bad.any():
        return None
    where = f"at {contributions.index(int(bad.argmax()), yours.shape)}"
    if x.shape == yours.shape:
        where += f", where {name} = {x[bad][0]:.4g}"
    word = "nan" if np.isnan(yours).any() else "inf"
    return cause("not-finite", None, word=word, where=where, count=bad.sum(), total=bad.size)


def unexplained(scene: Scene, name: str) -> Cause:
    """Where it is wrong: that at least was measured."""
    wrong, seen = scene.wrong(name), np.isfinite(scene.right[name])
    if wrong.sum() == seen.sum():
        return cause("unexplained", None, where="everywhere", part="")
    same = (said for said, region in regions.parts(scene, name) if (region & seen == wrong).all())
    part = next((said for said in same if said != regions.SOME), "")
    where = f"in {int(wrong.sum())} of {int(seen.sum())} entries{part and ', all '}{part}"
    return cause("unexplained", None, where=where, part=part)


def told_apart(a: float, b: float) -> tuple[str, str]:
    """Two numbers with four digits, or with so many more that one sees which is which."""
    pairs = [(f"{a:.{digits}g}", f"{b:.{digits}g}") for digits in range(4, 18)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])
