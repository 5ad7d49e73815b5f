"""Bugs of public code, each replayed in a small right pair of functions, with its source.

    for mistake in REAL:
        report = mistake.check(np.random.default_rng(0))    # should be wrong

gathers.py       indices, sorts, broadcasting
arithmetic.py    operations and small formulas
pooling.py, convolutions.py, sampling.py
                 windows of images, and what lies between pixels
units.py         activations, clips, dropout
losses.py        softmax and losses
norms.py         layer norm and its kin
recurrence.py, attention.py
                 sequences
algebra.py       decompositions, solves, Fourier
geometry.py      rotations and splats
"""

from benchmarks.mistakes.pair import PairMistake
from benchmarks.mistakes.real import (
    algebra,
    arithmetic,
    attention,
    convolutions,
    gathers,
    geometry,
    losses,
    norms,
    pooling,
    recurrence,
    sampling,
    units,
)

__all__ = ["REAL"]

REAL: list[PairMistake] = [
    *gathers.MISTAKES,
    *arithmetic.MISTAKES,
    *pooling.MISTAKES,
    *convolutions.MISTAKES,
    *sampling.MISTAKES,
    *units.MISTAKES,
    *losses.MISTAKES,
    *norms.MISTAKES,
    *recurrence.MISTAKES,
    *attention.MISTAKES,
    *algebra.MISTAKES,
    *geometry.MISTAKES,
]
