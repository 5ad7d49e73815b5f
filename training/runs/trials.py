"""The trials of several runs, and which is next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from chainrule.training.runs.trial import Result, Trial

#: By the name of a trial: its result, why it failed, or None where it is not done.
Outcomes: TypeAlias = Mapping[str, Result | str | None]


class Trials:
    """Trials that are known from the start; a subclass may find more as results come in."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self.trials = [*trials]
        self.total = len(trials)
        self._taken: set[str] = set()

    def open(self) -> None:
        """To be called once their folder is there, and is kept from other processes."""

    def take(self, outcomes: Outcomes) -> Trial | None:
        """The next that is not done, each once; None where there is none."""
        for trial in self.trials:
            if trial.name not in self._taken and outcomes.get(trial.name) is None:
                self._taken.add(trial.name)
                return trial
        new = self.more(outcomes)
        self._taken |= {new.name} if new else set()
        return new

    def more(self, outcomes: Outcomes) -> Trial | None:
        """A trial that is new."""
        return None
