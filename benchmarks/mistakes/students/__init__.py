"""Mistakes of students in the layers of a course, each in a small right pair of functions.

    for mistake in STUDENTS:
        report = mistake.check(np.random.default_rng(0))    # should be wrong

convolutions.py, im2col.py, pooling.py
                images
spatial_norms.py, norms.py
                normalisations of images, vectors and sequences
shapes.py       what moves, repeats, joins, masks
recurrence.py, lstm.py, gru.py
                steps, and loops through time
sequences.py    every step alike; sequences of different lengths
embeddings.py   words and positions
attention.py, heads.py
                attention, and many heads of it
units.py        smooth and gated units
losses.py, similarity.py
                losses of scores, and of pairs
"""

from benchmarks.mistakes.pair import PairMistake
from benchmarks.mistakes.students import (
    attention,
    convolutions,
    embeddings,
    gru,
    heads,
    im2col,
    losses,
    lstm,
    norms,
    pooling,
    recurrence,
    sequences,
    shapes,
    similarity,
    spatial_norms,
    units,
)

__all__ = ["STUDENTS"]

STUDENTS: list[PairMistake] = [
    *convolutions.MISTAKES,
    *im2col.MISTAKES,
    *pooling.MISTAKES,
    *spatial_norms.MISTAKES,
    *norms.MISTAKES,
    *shapes.MISTAKES,
    *recurrence.MISTAKES,
    *lstm.MISTAKES,
    *gru.MISTAKES,
    *sequences.MISTAKES,
    *embeddings.MISTAKES,
    *attention.MISTAKES,
    *heads.MISTAKES,
    *units.MISTAKES,
    *losses.MISTAKES,
    *similarity.MISTAKES,
]
