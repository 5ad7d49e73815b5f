"""Correct layers, and wrong ones that differ from them by a line or two.

This file stands for the folder as a package, so that a script can load it by its path:

    folder = pathlib.Path("tests/gradcheck/mistakes")
    spec = importlib.util.spec_from_file_location(
        "catalogue", folder / "catalogue.py", submodule_search_locations=[str(folder)]
    )
    catalogue = sys.modules["catalogue"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(catalogue)

    for name, layer, *inputs in catalogue.twins(seed=0):        # all correct
    for mistake in catalogue.MISTAKES:                          # and catalogue.UNSEEN
        layer, inputs = catalogue.instances(mistake, seed=0)    # wrong
"""

import numpy as np

from . import (
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
from .mistake import Mistake, example, instances, source, wrong_class
from .scenes import SCENES, look, unlike

__all__ = [
    "MISTAKES",
    "SCENES",
    "UNSEEN",
    "Mistake",
    "example",
    "hard_twins",
    "instances",
    "look",
    "source",
    "twins",
    "unlike",
    "unseen_twins",
    "wrong_class",
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
