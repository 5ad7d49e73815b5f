"""The end of a run that gets no better."""

from __future__ import annotations

import math

from chainrule.solvers import Solver, StopTraining


class Plateau:
    """A callback that ends a run after more than `patience` epochs in a row, of which none was
    better by more than `tol` than the best before it: in the score of the validation rows, or where
    there are none in the loss."""

    def __init__(self, tol: float, patience: int) -> None:
        self.tol, self.patience = tol, patience
        self.best, self.waited = -math.inf, 0

    def __call__(self, solver: Solver) -> None:
        score = solver.history.val_score[-1]
        figure = -solver.history.loss[-1] if score is None else score
        self.waited = 0 if figure > self.best + self.tol else self.waited + 1
        self.best = max(self.best, figure)
        if self.reached:
            raise StopTraining

    @property
    def reached(self) -> bool:
        """Whether the run has come to its end."""
        return self.waited > self.patience
