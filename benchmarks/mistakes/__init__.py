"""Correct layers, and wrong ones that differ from them by a line or two.

    for name, layer, *inputs in twins(seed=0):        # all correct
    for mistake in MISTAKES:                          # and UNSEEN
        layer, inputs = instances(mistake, seed=0)    # wrong
    for mistake in REAL:                              # and STUDENTS
        report = mistake.check(np.random.default_rng(0))

mistake.py   Mistake: a patch on a correct class; and the wrong class that it makes
pair.py      PairMistake: a patch on a right pair of functions; and the wrong pair
scenes.py    ways to look at a layer, in one of which a mistake shows
activations.py, affine.py, batchnorm.py, dropout.py, gates.py, losses.py, networks.py
             the usual layers, and mistakes in them that were known while the checker was written
rules.py     update rules, and mistakes in them
unseen_*.py  other layers, with mistakes by somebody who had not seen the checker
hard.py      correct layers on data that is hard to judge on
real/        pairs of functions, with bugs that were in public code
students/    pairs of functions, with what students get wrong
verdicts.json
             what a person thinks of the first sentences of our reports about these pairs
museum.toml, pytorch.json
             what the site tells of twenty of the real ones, and what PyTorch's checker says of them
"""

import numpy as np

from benchmarks.mistakes import (
    activations,
    affine,
    batchnorm,
    dropout,
    gates,
    hard,
    losses,
    networks,
    rules,
    unseen_functions,
    unseen_gates,
    unseen_losses,
    unseen_modes,
    unseen_norms,
    unseen_products,
    unseen_regressions,
    unseen_units,
)
from benchmarks.mistakes.mistake import Mistake, example, instances, source, wrong_class
from benchmarks.mistakes.pair import PairMistake, wrong_pair
from benchmarks.mistakes.real import REAL
from benchmarks.mistakes.scenes import SCENES, look, unlike
from benchmarks.mistakes.students import STUDENTS

__all__ = [
    "MISTAKES",
    "REAL",
    "SCENES",
    "STUDENTS",
    "UNSEEN",
    "Mistake",
    "PairMistake",
    "example",
    "hard_twins",
    "instances",
    "look",
    "source",
    "twins",
    "unlike",
    "unseen_twins",
    "wrong_class",
    "wrong_pair",
]

#: Mistakes in the usual layers, networks and update rules.
MISTAKES: list[Mistake] = [
    *affine.MISTAKES,
    *activations.MISTAKES,
    *batchnorm.MISTAKES,
    *losses.MISTAKES,
    *dropout.MISTAKES,
    *gates.MISTAKES,
    *networks.MISTAKES,
    *rules.MISTAKES,
]

#: Mistakes in other layers, on which nobody tuned anything.
UNSEEN: list[Mistake] = [
    *unseen_functions.MISTAKES,
    *unseen_units.MISTAKES,
    *unseen_norms.MISTAKES,
    *unseen_modes.MISTAKES,
    *unseen_losses.MISTAKES,
    *unseen_regressions.MISTAKES,
    *unseen_gates.MISTAKES,
    *unseen_products.MISTAKES,
]


def examples(mistakes, seed):
    for cls in dict.fromkeys(mistake.layer for mistake in mistakes):
        for case, layer, *inputs in cls.examples(np.random.default_rng(seed)):
            yield f"{cls.__name__}, {case}", layer, *inputs


def twins(seed=0, rules=False):
    """Yields `(name, layer, *inputs)`, all correct; with `rules`, update rules instead, where the
    inputs are the parameters and a list of gradients."""
    chosen = [mistake for mistake in MISTAKES if (mistake.shows == "five updates") == rules]
    yield from examples(chosen, seed)


def unseen_twins(seed=0):
    """The same for `UNSEEN`."""
    yield from examples(UNSEEN, seed)


def hard_twins(seed=0):
    """Yields `(name, layer, *inputs)`: correct layers on data that is hard to judge on."""
    yield from hard.hard_twins(np.random.default_rng(seed))
