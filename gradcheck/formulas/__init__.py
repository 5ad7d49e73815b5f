"""Reference formulas of common layers, and the words for what was computed in their place.

A layer whose forward and backward pass are wrong together passes every comparison with
differences; only the formula it should compute can tell. The formulas are written to be read, one
expression each. Beside each stand the formulas that people write by mistake, each with a sentence:
it is said only where it gives, to the last digits, what the layer gave. Sources of the formulas
are the papers named in the layers of the same name.

    reference.py    Reference: a formula and its mistakes; Call: the forward pass it is applied to;
                    Comparison: what is found
    units.py, activations.py         of one array, entry by entry or row by row; gates; x W + b
    norms.py, group_norms.py         normalisations
    losses.py, entropies.py, regressions.py   losses
    convolution.py, transposed.py, pooling.py, shapes.py   of images
    recurrence.py, sequences.py      steps and loops through time; words, and every step alike
    attention.py, heads.py           one head and many; positions
    dropout.py      which is random, and known by its habits
    names.py        which class name means which formula
    comparison.py   compare: one forward pass against its formula
"""

from chainrule.gradcheck.formulas.comparison import compare, evaluated
from chainrule.gradcheck.formulas.names import REFERENCES, find
from chainrule.gradcheck.formulas.reference import (
    INAPPLICABLE,
    Call,
    Comparison,
    Inapplicable,
    Reference,
)

__all__ = [
    "INAPPLICABLE",
    "REFERENCES",
    "Call",
    "Comparison",
    "Inapplicable",
    "Reference",
    "compare",
    "evaluated",
    "find",
]
