"""Every cause that can be told of a wrong gradient: its key, its kind, its sentence and its advice.

For the places to fill in see `subject.vocabulary`.
"""

from __future__ import annotations

from typing import Any

from chainrule.gradcheck.report.findings import Cause, because

CAUSES = {
    # dout and factors
    "ignores-dout": ("missing-term", "{d} {does} not change when dout changes",
                     "Multiply the local derivative by the upstream gradient dout."),
    "mask-from-dout": ("mask", "{d} {is} not linear in dout: which entries pass depends on the sign "
                       "of dout", "Take the mask from the input or the output, kept in the cache."),
    "square-of-dout": ("missing-term", "{d} {grows} with the square of dout",
                       "Multiply by the upstream gradient once."),
    "zero": ("missing-term", "{d} {is} 0 everywhere", "Nothing of dout reaches this tensor."),
    "zero-mask": ("mask", "{d} {is} 0 everywhere", "Nothing passes the mask."),
    "sign": ("sign", "{d} {has} the wrong sign everywhere", ""),
    "half-of-a-square": ("overwrite", "{d} {is} too small by a factor 2: {name} enters twice, and "
                         "one of the two contributions is lost",
                         "Where a value forks its gradients add up: use +=, not =."),
    "nearly": ("missing-term", "{d} {is} nearly right: off by a factor {factor}",
               "Look where eps stands, or for a cast to fewer digits."),
    "factor": ("scale", "{d} {sign}{is} {size}", "{advice}"),
    "lacks-sign": ("sign", "{d} {lacks} the sign {factor}", ""),
    "lacks-factor": ("missing-term", "{d} {lacks} the factor {factor}", "Multiply by {factor}."),
    "extra-factor": ("missing-term", "{d} {has} the factor {factor} too much",
                     "Leave out {factor}: it is not part of this derivative."),
    "own-factor": ("scale", "{d} {has} the factor {factor} too much, the parameter itself",
                   "Leave out {factor}."),
    "factor-by-slice": ("missing-term", "{d} {is} off by factors that differ along {axes} alone, "
                        "from {low} to {high}", ""),
    # places
    "swapped": ("swapped", "{d_first} and {d_second} are swapped",
                "Return each in the place, or under the name, of its own tensor."),
    "of-another": ("swapped", "{d} {holds} what belongs into {d_other}", ""),
    "sum-of-another": ("swapped", "{d} {is} {d_other} summed over axis {axis}",
                       "Sum dout itself over the batch instead."),
    "transposed": ("transpose", "{d} {is} the transpose of what it should be", ""),
    "axes-exchanged": ("axis", "{d} {has} the right numbers with axes {axes} exchanged",
                       "Undo the transpose of the forward pass in the opposite order."),
    "reshaped": ("axis", "{d} {has} the right numbers, reshaped from shape {shape}",
                 "A reshape does not move axes: transpose before you reshape."),
    "reordered": ("axis", "{d} {has} the right numbers in the wrong order", ""),
    "halves": ("swapped", "the two halves of {d} along axis {axis} are swapped", ""),
    "moved": ("axis", "{d} {is} moved by one along axis {axis}: entry i is that of {index}", ""),
    "all-equal": ("axis", "all entries of {d} are equal, to the {word} of what they should be", ""),
    "summed-too": ("axis", "{d} {is} {word} over its own axis {axis} as well", ""),
    "winner-ignored": ("mask", "{d} {is} the same along axis {axis}: which one won is ignored",
                       "Use the routed gradient, dout for the winner and 0 for the others."),
    "channels-mixed": ("axis", "{d} {mixes} the channels: it sums {word} reshaped to {shape}",
                       "Move the channels last before you reshape: transpose(0, 2, 3, 1)."),
    # losses
    "zero-at-true-class": ("missing-term", "{d} {is} 0 at the true class",
                           "The score of the true class gets a gradient too."),
    "lacks-minus-one": ("missing-term", "{d} {lacks} the -1 at the true class",
                        "It should be the probabilities minus the one-hot labels."),
    "plus-one": ("sign", "the 1 at the true class of {d} has the wrong sign",
                 "It should be the probabilities minus the one-hot labels."),
    "counts-itself": ("overwrite", "{d} {counts} the true class itself and {is} too low there",
                      "Leave the true class out."),
    "factor-at-true-class": ("scale", "{d} at the true class {is} {size}",
                             "If it is updated in a loop over the classes, move it out of the loop."),
    "true-class-only": ("missing-term", "{d} {is} 0 for all classes but the true one",
                        "Every score has a share in the loss: the Jacobian is not diagonal."),
    "off-by-one-label": ("off-by-one-label", "{d} {takes} the column beside that of the true class",
                         "Labels start at 0."),
    "margin-values": ("mask", "{d} {grows} with the margins; every violated margin should count the "
                      "same", "Use the indicator margins > 0, not their values."),
    "label-coding": ("off-by-one-label", "{d} {is} off by the constant {step} where the target is "
                     "{value}", "{forward} takes labels as 0 and 1, {backward} as -1 and +1, it "
                     "seems."),
    "sign-for-value": ("swapped", "all entries of {d} have the same size: that is the gradient of the "
                       "absolute error", "Use the difference itself, not its sign."),
    # units and regions
    "not-masked": ("mask", "{d} {equals} dout: every entry passes, none is masked",
                   "Multiply by the mask of the forward pass, entry by entry."),
    "no-derivative": ("missing-term", "{d} {equals} dout: the layer's own derivative is missing",
                      "Multiply dout by the derivative of the output with respect to this input."),
    "slope-at-out": ("swapped", "{d} {is} the derivative taken at the output instead of at {name}",
                     "The formula already holds the output: do not apply the function again."),
    "product-rule": ("missing-term", "{d} {is} dout times {slope}, one of the two terms of the "
                     "product rule", "Add {name} times the derivative of that factor."),
    "other-slope": ("swapped", "{d} {is} dout times {slope}", "Use the derivative."),
    "flat-part": ("mask", "{d} {is} 0 {where}, but the output follows the input there {count}",
                  "Forward and backward must switch at the same point."),
    "zero-in-part": ("missing-term", "{d} {is} 0 {where}, but the forward pass has a slope there {count}",
                     ""),
    "not-zero-in-part": ("mask", "{d} should be 0 {where}, and {is} not {count}",
                         "Multiply by the mask of the forward pass."),
    "sign-in-part": ("sign", "{d} {has} the wrong sign {where} {count}", ""),
    "factor-in-part": ("scale", "{d} {is} {size} {where} {count}", ""),
    "mask-inverted": ("mask", "the mask of {d} is inverted: what should pass is 0, and the rest "
                      "passes", "Turn the condition round."),
    "other-side": ("mask", "{d} {takes} the slope of the other side, {slope}, where {region}", ""),
    "branches": ("mask", "the two branches of {d} are exchanged: the slope of the other side, "
                 "{slope}, is used where {region}", "Turn the condition round."),
    # terms and paths
    "product-transposed": ("transpose", "{d} {matches} {term}; it should be {wanted}",
                           "Check the shapes: the inner ones must be those summed over."),
    "of-other-arrays": ("swapped", "{d} {matches} {term}; it should be {wanted}", ""),
    "sum-over-wrong-axis": ("axis", "{d} {is} {term}, the wrong one", "Sum over axis {axis}."),
    "term-over-wrong-axis": ("axis", "{d} {has} the term {term} where {wanted} belongs",
                             "Sum over the other axis."),
    "lacks-term": ("missing-term", "{d} {lacks} the term {term}", ""),
    "lacks-contribution": ("overwrite", "{d} {lacks} the contribution {term}",
                           "Where a value is used twice its gradients add up: use +=, not =."),
    "extra-term": ("missing-term", "{d} {has} the term {term} too much", ""),
    "term-sign": ("sign", "the term {term} in {d} has the wrong sign", ""),
    "term-factor": ("scale", "the term {term} in {d} is {size}", ""),
    "one-term": ("missing-term", "{d} {is} just {term}, and that is not all of it", ""),
    "lacks-decay": ("missing-term", "{d} {lacks} the regularisation {decay}", ""),
    "decay-alone": ("overwrite", "{d} {is} the regularisation {decay} alone",
                    "Add it to the gradient of the data: use +=, not =."),
    "decay-sign": ("sign", "the regularisation in {d} has the wrong sign", ""),
    "decay-factor": ("scale", "the regularisation in {d} is {size}",
                     "The loss has {penalty}, whose gradient is {decay}."),
    "extra-decay": ("missing-term", "{d} {has} the term {decay} too much",
                    "The loss does not regularise this parameter."),
    "off-by-decay": ("missing-term", "{d} {is} off by {factor} * {name}", ""),
    "data-factor": ("scale", "the data part of {d} is {size}; the regularisation {decay} is right",
                    ""),
    "repeated-ids": ("overwrite", "{d} {holds} only the last of the rows with the same {ids}",
                     "With repeated indices += keeps one of them: use np.add.at."),
    "mean-of-repeats": ("scale", "{d} {is} averaged over the rows with the same {ids}, not summed", ""),
    "lacks-path": ("overwrite", "{d} {lacks} the contribution that comes through {path}",
                   "Where a value is used twice its gradients add up: use +=, not =."),
    "path-sign": ("sign", "the contribution to {d} that comes through {path} has the wrong sign", ""),
    "path-factor": ("scale", "the contribution to {d} that comes through {path} is {size}", ""),
    # normalisation
    "without-eps": ("missing-term", "{d} {is} off by √(1 + eps / var): {backward} leaves out eps",
                    "Use the same √(var + eps) as the forward pass."),
    "statistics-over": ("axis", "the statistics in {d} are those of the {mine}, not of the {wanted}",
                        ""),
    "weight-outside": ("missing-term", "{d} {lacks} the factor {factor} under the sums of the "
                       "statistics", "Multiply dout by {factor} first, then follow the statistics."),
    "lacks-statistics": ("missing-term", "{d} {lacks} the {part} and the {other}",
                         "Neither is a constant."),
    "lacks-direct": ("overwrite", "{d} {lacks} the direct path: it {holds} only what comes through "
                     "{others}", "At the fork add the contributions up: use +=, not =."),
    "lacks-part": ("missing-term", "{d} {lacks} the {part}", ""),
    "part-sign": ("sign", "the {part} in {d} has the wrong sign", ""),
    "part-factor": ("scale", "the {part} in {d} is {size}", ""),
    "part-lacks-factor": ("missing-term", "the {part} in {d} lacks a factor {factor}", ""),
    "part-nearly": ("missing-term", "{d} {is} nearly right: the {part} is off by factors from {low} "
                    "to {high}", "Look where eps stands: forward and backward must have it in the "
                    "same place."),
    # whatever it is
    "not-finite": ("stability", "{d} {is} {word} in {count} of {total} entries", "Something "
                   "overflows, or is divided by 0, and is then multiplied by 0."),
    "unexplained": ("unknown", "{d} {is} wrong {where}", "{advice}"),
}  # fmt: skip


def cause(key: str, evidence: float | None, **values: Any) -> Cause:
    """The cause with that key, what it leaves unexplained, and what is filled in."""
    return because(key, *CAUSES[key], evidence, **values)
