"""A run that is ready to go on, or that has ended."""

import argparse
import dataclasses
from collections.abc import Callable

from chainrule.data import Dataset
from chainrule.nets.models import Model
from chainrule.solvers import Solver
from chainrule.training.run.autosave import Keeper
from chainrule.training.run.folder import RunFolder
from chainrule.training.run.ranks import Alone


@dataclasses.dataclass
class Run:
    """A run: what it was asked to do, and its parts."""

    options: argparse.Namespace
    dataset: Dataset
    model: Model
    solver: Solver
    folder: RunFolder
    keeper: Keeper
    release: Callable[[], object]  # gives the folder free for other processes
    team: Alone
    finished: bool = False
