"""Every cause that can be told of a wrong gradient: its key, its kind, its sentence and its advice.

For the places to fill in see `subject.vocabulary`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chainrule.gradcheck.explain.scene import Array, Scene
from chainrule.gradcheck.report.findings import Cause, because

EPS = "Look where eps stands: forward and backward must have it in the same place."
ONE_HOT = "It should be the probabilities minus the one-hot labels."
TURN = "Turn the condition round."
BROADCAST = "Sum over the axes that were broadcast alone."

CAUSES: dict[str, tuple[str, ...]] = {
    # dout and factors
    "ignores-dout": ("missing-term", "{d} {does} not change when dout changes",
        "Multiply the local derivative by the upstream gradient dout."),
    "mask-from-dout": ("mask",
        "{d} {is} not linear in dout: which entries pass depends on the sign of dout",
        "Take the mask from the input or the output, kept in the cache, not from the gradient."),
    "part-without-dout": ("missing-term",
        "{d} {has} a part that does not come from dout: it is not 0 for dout = 0",
        "Multiply every term by the upstream gradient dout."),
    "power-of-dout": ("missing-term", "{d} {is} not linear in dout",
        "Multiply by the upstream gradient dout once."),
    "zero": ("missing-term", "{d} {is} 0 everywhere", "Nothing of dout reaches this tensor."),
    "zero-mask": ("mask", "{d} {is} 0 everywhere", "Nothing passes the mask."),
    "sign": ("sign", "{d} {has} the wrong sign everywhere"),
    "nearly": ("missing-term", "{d} {is} nearly right: off by a factor {factor}", EPS),
    "factor": ("scale", "{d} {is} {size}", "{advice}"),
    "averaged": ("scale", "{d} {is} divided by {count}, the number of examples: right only if "
        "{upstream} was not averaged",
        "The mean belongs into the loss, whose gradient brings the 1/{count} with it. Where "
        "{upstream} is that of each example's own loss, say on_purpose={{'averaged': '…'}}."),
    "factor-and-sign": ("scale", "{d} {has} the wrong sign and {is} {size}", "{advice}"),
    "lacks-factor": ("missing-term", "{d} {lacks} the factor {factor}", "Multiply by {factor}."),
    "own-factor": ("scale", "{d} {has} the factor {factor} too much, the parameter itself"),
    "extra-factor": ("missing-term", "{d} {has} the factor {factor} too much",
        "Leave out {factor}: it is not part of this derivative."),
    # places
    "swapped": ("swapped", "{d_first} and {d_second} are swapped",
        "Return each in the place, or under the name, of its own tensor."),
    "sum-of-another": ("swapped", "{d} {is} {d_other} summed over axis {axis}",
        "Sum dout itself over the batch instead."),
    "of-another": ("swapped", "{d} {holds} what belongs into {d_other}"),
    "transposed": ("transpose", "{d} {is} the transpose of what it should be"),
    "axes-exchanged": ("axis", "{d} {has} the right numbers with axes {axes} in another order",
        "Undo the transpose of the forward pass in the opposite order."),
    "reshaped": ("axis", "{d} {has} the right numbers, reshaped from shape {shape}",
        "A reshape does not move axes: transpose before you reshape."),
    "reordered": ("axis", "{d} {has} the right numbers in the wrong order"),
    "all-equal": ("axis", "all entries of {d} are equal, to the {word} of what they should be"),
    "summed-too": ("axis", "{d} {is} what it should be, {word} over its axis {axis} as well"),
    "winner-ignored": ("mask", "{d} {is} the same along axis {axis}: which one won is ignored",
        "Use the routed gradient, dout for the winner and 0 for the others."),
    "swapped-shapes": ("swapped", "{d} and {d_other} are swapped",
        "Return each gradient under its own name."),
    "one-number": ("axis", "{d} {is} a single number, {of}", BROADCAST),
    # losses
    "zero-at-true-class": ("missing-term", "{d} {is} 0 at the true class",
        "The score of the true class gets a gradient too."),
    "lacks-minus-one": ("missing-term", "{d} {lacks} the -1 at the true class", ONE_HOT),
    "plus-one": ("sign", "the 1 at the true class of {d} has the wrong sign", ONE_HOT),
    "counts-itself": ("overwrite", "{d} {counts} the true class itself and {is} too low there"),
    "factor-at-true-class": ("scale", "{d} at the true class {is} {size}",
        "If it is updated in a loop over the classes, move it out."),
    "true-class-only": ("missing-term", "{d} {is} 0 for all classes but the true one",
        "Every score has a share in the loss: the Jacobian is not diagonal."),
    "margin-values": ("mask",
        "{d} {grows} with the margins; every violated margin should count the same",
        "Use the indicator margins > 0, not their values."),
    "off-by-one-label": ("off-by-one-label", "{d} {takes} the column beside that of the true class",
        "Labels start at 0."),
    # units and parts
    "not-masked": ("mask", "{d} {equals} dout: every entry passes, none is masked",
        "Multiply by the mask of the forward pass, entry by entry."),
    "no-derivative": ("missing-term", "{d} {equals} dout: the layer's own derivative is missing",
        "Multiply dout by the derivative of the output with respect to this input."),
    "slope-at-out": ("swapped", "{d} {is} the derivative taken at the output instead of at {name}",
        "The formula already holds the output: do not apply the function again."),
    "product-rule": ("missing-term",
        "{d} {is} dout times {slope}, one of the two terms of the product rule",
        "Add {name} times the derivative of that factor."),
    "other-loss": ("swapped", "{d} {is} that of the {loss} error {errors}, and not of this loss"),
    "terms-of-product": ("missing-term", "{d} {does}",
        "Of out = {name} · g the slope is g + {name} g', with g = out / {name}."),
    "other-slope": ("swapped", "{d} {is} dout times {slope}", "Use the derivative."),
    "flat-part": ("mask", "{d} {is} 0 {where}, but the output follows the input there {count}",
        "Forward and backward must switch at the same point."),
    "zero-in-part": ("missing-term",
        "{d} {is} 0 {where}, but the forward pass has a slope there {count}"),
    "not-zero-in-part": ("mask", "{d} should be 0 {where}, and {is} not {count}",
        "Multiply by the mask of the forward pass."),
    "sign-in-part": ("sign", "{d} {has} the wrong sign {where} {count}"),
    "factor-in-part": ("scale", "{d} {is} {size} {where} {count}"),
    "mask-inverted": ("mask",
        "the mask of {d} is inverted: what should pass is 0, and the rest passes", TURN),
    "other-side": ("mask", "{d} {takes} the slope of the other side, {slope}, where {region}"),
    "branches": ("mask", "the two branches of {d} are exchanged: {slope} is used where {region}",
        TURN),
    # terms
    "product-transposed": ("transpose", "{d} {matches} {term}; it should be {wanted}",
        "Check the shapes: the inner ones must be those summed over."),
    "of-other-arrays": ("swapped", "{d} {matches} {term}; it should be {wanted}"),
    "sum-over-wrong-axis": ("axis", "{d} {is} {term}, the wrong one", "Sum over {axis}."),
    "lacks-term": ("missing-term", "{d} {lacks} the term {term}"),
    "lacks-contribution": ("overwrite", "{d} {lacks} the contribution {term}",
        "Where a value is used twice, its gradients add up."),
    "extra-term": ("missing-term", "{d} {has} the term {term} too much"),
    "one-term": ("missing-term", "{d} {is} just {term}, which is not the whole gradient"),
    "lacks-decay": ("missing-term", "{d} {lacks} the regularisation {decay}"),
    "decay-alone": ("overwrite", "{d} {is} the regularisation {decay} alone",
        "Add it to the gradient of the data: use +=, not =."),
    "decay-sign": ("sign", "the regularisation in {d} has the wrong sign"),
    "decay-factor": ("scale", "the regularisation in {d} is {size}",
        "The loss has {penalty}, whose gradient is {decay}."),
    "extra-decay": ("missing-term", "{d} {has} the term {decay} too much",
        "The loss does not regularise this parameter."),
    "repeated-ids": ("overwrite", "{d} {holds} only the last of the rows with the same {ids}",
        "With repeated indices += keeps one of them: use np.add.at."),
    # normalisation
    "without-eps": ("missing-term", "{d} {is} off by √(1 + eps / var): backward leaves out eps",
        "Use the same √(var + eps) as the forward pass."),
    "lacks-statistics": ("missing-term", "{d} {lacks} the {part} and the {other}",
        "Neither is a constant."),
    "lacks-direct": ("overwrite",
        "{d} {lacks} the direct path: it {holds} only what comes through {others}",
        "At the fork the contributions add up."),
    "lacks-part": ("missing-term", "{d} {lacks} the {part}"),
    "part-sign": ("sign", "the {part} in {d} has the wrong sign"),
    "part-factor": ("scale", "the {part} in {d} is {size}"),
    "parts-factor": ("scale", "the paths through {parts} in {d} are {size}"),
    "part-lacks-factor": ("missing-term", "the {part} in {d} lacks a factor {factor}"),
    "part-nearly": ("missing-term",
        "{d} {is} nearly right: the {part} is off by factors from {low} to {high}", EPS),
    "means-over": ("axis", "the {which} in {d} {go} over {mine}, not over {right}",
        "Take them over the same entries as forward's mean and variance."),
    "weight-outside": ("missing-term",
        "in {d} {weight} multiplies what comes out of the normalisation, not what goes into it",
        "Multiply dout by {weight} first: its means are those of {weight} * dout."),
    "moves-along": ("missing-term",
        "forward does not change with the {word} of {name} along axis {axis}, and yet {d} {has} a "
        "part along it", "Its {what} have to add up to 0 there: is a path missing?"),
    "broken-chain": ("missing-term",
        "{layer} gets {whose} instead of the dx of the layer behind it, so that its gradients and "
        "all before it are wrong", "Pass each layer's dx on as the next layer's dout."),
    # contributions of single outputs
    "leak": ("mask", "{d} {takes} a gradient{where} from outputs that do not depend on it{across}",
        "out{output} does not change with {name}{entry}: its dout must not reach it."),
    "leak-and-lack": ("overwrite",
        "in {d} the gradients{where} land on the wrong entries",
        "out{output} does not depend on {name}{entry}, and yet its dout gets there."),
    "own-only": ("missing-term",
        "{d} {holds} only what each output contributes to its own entry: the Jacobian is not "
        "diagonal", "out{output} depends on {name}{entry}, too."),
    "one-only": ("overwrite",
        "{d} {holds} only the {which} contribution where several outputs depend on an entry",
        "Contributions add up."),
    "lack": ("missing-term", "{d} {lacks} the contributions{where}",
        "out{output} depends on {name}{entry}, and its dout does not reach it."),
    "not-turned": ("transpose",
        "{d} {is} J @ dout, J the Jacobian of forward, and should be Jᵀ @ dout",
        "Undo the steps of forward in the opposite order, and an order by its inverse."),
    "lacks-factor-on-dout": ("missing-term", "{d} {lacks} the factor {factor} on dout",
        "Multiply dout by {factor} first."),
    "extra-factor-on-dout": ("missing-term", "{d} {has} the factor {factor} on dout too much"),
    "factor-of-outputs": ("scale", "in {d} what comes from out{place} is {size}"),
    # right numbers from the wrong place
    "turned": ("axis", "{d} {takes} {kernel} turned round along {axes}",
        "Use each weight where forward did: dout[i] goes to x[i + u] with w[u]."),
    "kernel-axes": ("axis", "{d} {takes} {other} with its rows and columns exchanged"),
    "window-axes": ("axis", "{d} {takes} rows within a window for columns",
        "An index k of a window of width w is row k // w and column k % w."),
    "window-setting": ("axis",
        "{d} {is} that of a {setting} of {mine} along {axes}, where forward has {right}",
        "Cut the windows in backward as in forward."),
    "no-offset": ("axis", "{d} {has} what comes from every window in the first one along {axes}",
        "Add where the window begins: its index times the stride."),
    "moved": ("axis", "{d} {is} moved by {by} along {axes}",
        "Look where the border is put around the image, and where it is cut off."),
    "windows-moved": ("axis", "{d} {is} that of windows that lie {by} off along {axes}",
        "Put the same border around the image as forward does."),
    "dout-moved": ("axis", "{d} {takes} dout from {by} off along {axes}",
        "Cut out of dout what forward put there."),
    "dout-steps": ("axis",
        "{d} {takes} dout in steps of {mine} along {axes}, where forward goes in steps of {right}",
        "Cut out of dout what forward put there."),
    "other-entries": ("swapped",
        "{d} {takes} other entries of {other} than forward does, along {axes}",
        "For out{output} and {name}{entry} it takes {other}{took}, and forward {other}{should}."),
    # whatever it is
    "edit": ("unknown", "{d} would agree in every digit {said} in line {number}",
        "If line {number} read `{text}`, {d} would be right."),
    "forward-edit": ("forward-bug",
        "{forward} would give what the reference gives {said} in line {number}",
        "If line {number} read `{text}`, out would be right."),
    "not-finite": ("stability", "{d} {is} {word} {where} ({count} of {total} entries)",
        "It computes 0 / 0, inf / inf or 0 * inf there."),
    "unexplained": ("unknown", "{d} {is} wrong {where}"),
}  # fmt: skip


def cause(key: str, evidence: float | None, /, **values: Any) -> Cause:
    """The cause with that key, what it leaves unexplained, and what is filled in."""
    kind, message, hint = (*CAUSES[key], "")[:3]
    return because(key, kind, message, hint, evidence, **values)


def explains(
    scene: Scene, name: str, key: str, guess: Array | float, fitted: int = 0, /, **values: Any
) -> Iterator[Cause]:
    """That cause, if `guess` is what `yours` holds."""
    residual = scene.close(name, guess, fitted)
    if residual is not None:
        yield cause(key, residual, **values)


def leaves_nothing(
    scene: Scene, name: str, key: str, rest: Array, size: Array, fitted: int = 0, /, **values: Any
) -> Iterator[Cause]:
    """That cause, if `rest` is nothing beside `size`."""
    residual = scene.small(name, rest, size, fitted)
    if residual is not None:
        yield cause(key, residual, **values)
