"""Which name of a class means which formula."""

from __future__ import annotations

import re

from chainrule.gradcheck.formulas.dropout import DROPOUT
from chainrule.gradcheck.formulas.losses import LOSSES
from chainrule.gradcheck.formulas.norms import NORMS
from chainrule.gradcheck.formulas.reference import Reference
from chainrule.gradcheck.formulas.units import UNITS

REFERENCES = {one.name: one for one in (*UNITS, *NORMS, *LOSSES, DROPOUT)}

OTHER_NAMES = {
    "affine": "linear dense fullyconnected fc",
    "batchnorm": "spatialbatchnorm spatialbatchnormalization batchnormalization batchnormalisation",
    "dropout": "inverteddropout",
    "hinge": "svm multiclasshinge multiclasssvm",
    "layernorm": "layernormalization layernormalisation",
    "max": "maximum elementwisemax",
    "mse": "meansquarederror meansquareerror",
    "multiply": "mul",
    "negate": "neg",
    "reciprocal": "inverse",
    "relu": "rectifier",
    "sigmoid": "logistic",
    "sigmoidcrossentropy": "sigmoidce bcewithlogits binarycrossentropywithlogits",
    "softmaxcrossentropy": "softmaxloss softmaxce softmaxwithloss",
    "subtract": "sub",
}
ALIASES = {alias: name for name, aliases in OTHER_NAMES.items() for alias in aliases.split()}
# Words that say nothing about the formula, before and after the one that does.
PREFIXES = "my our simple plain naive slow fast vectorized stable numpy custom student correct the"
SUFFIXES = "layer gate loss function activation forward node module op fn closed naive staged"
PREFIX, KNOWN, SUFFIX = (
    "|".join(sorted(words, key=len, reverse=True))
    for words in (PREFIXES.split(), [*REFERENCES, *ALIASES], SUFFIXES.split())
)


def find(name: str | type) -> Reference | None:
    """The reference of a layer's name or class, or None where the name does not say for sure.

    Case, underscores, digits ("BatchNorm1d") and words that say nothing ("MyReLULayer", "MaxGate")
    make no difference; "SoftmaxCrossEntropy" is not "softmax", and "TiedAffine" is none.
    """
    word = name if isinstance(name, str) else name.__name__
    word = re.sub(r"[\W_]", "", re.sub(r"\d+[dD]?", "", word)).lower()
    if (parts := re.fullmatch(f"(?:{PREFIX})*({KNOWN})((?:{SUFFIX})*)", word)) is None:
        return None
    found = REFERENCES[ALIASES.get(parts[1], parts[1])]
    return found if found.loss or "loss" not in parts[2] else None
