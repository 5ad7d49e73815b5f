"""Why does it not learn? What an experienced person looks at before a long run.

    diagnosis = examine(solver)  # trains nothing: works on copies
    print(diagnosis)             # a line for each check, and the cause in plain words
    range_picture(diagnosis).save("sanity.png")  # of training.sanity.picture

The recipe is Karpathy's, "A Recipe for Training Neural Networks", 2019: look at the data, verify
the loss at the start, check the gradients, overfit a few examples; with a learning-rate range test
(Smith 2017) and two questions that tell bad data from a bad network: do rows that are near each
other have the same label, and does the network know rows that it was not trained on?
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from operator import attrgetter

import numpy as np

from chainrule.solvers import Solver
from chainrule.training.sanity.answers import SAMPLE, answers_of, sample
from chainrule.training.sanity.before_training import (
    ROWS,
    check_depth,
    check_first_loss,
    check_gradients,
    check_inputs,
    check_symmetry,
    check_units,
    draws,
    leaves,
    unregularised,
)
from chainrule.training.sanity.check import Check
from chainrule.training.sanity.short_runs import (
    CERTAIN,
    EXAMPLES,
    STEPS,
    RangeTest,
    Run,
    Trial,
    overfit,
    round_off,
)

FEW = 200  # rows, below which a weak relation does not show
# A rate is blamed where it is so many times the best one that was found, or such a part of it …
HIGH, LOW = 5.0, 1 / 30
# … and learned less than this part of what the best one did. Measured on the digits: what learned
# less ended a full run with at most 91 % right, and the default rates end it with 97 %.
HIGH_LEARNED, LOW_LEARNED = 0.75, 0.6
CREDIBLE = 0.25  # a best rate that learned less than this is no measure for others
SLOW = 0.5  # of the way from knowing nothing, in 300 steps; the digits went 0.8 and more

__all__ = ["Check", "Diagnosis", "examine"]


@dataclass
class Diagnosis:
    """What was found: `str` is the report, and it is true where nothing is to blame.

    checks     one for each line of the report, in the order in which they were made
    blamed     the names of those that say why it does not learn, the most likely first
    rate       the learning rate asked for
    suggested  the best of those that were tried; None where no step was taken
    range      the learning-rate range test; None where no step was taken
    chance     the loss of a batch for scores that say nothing
    slow       whether 300 steps at that rate were not enough to get half of the way
    """

    rate: float
    checks: list[Check] = field(default_factory=list)
    blamed: list[str] = field(default_factory=list)
    suggested: float | None = None
    range: RangeTest | None = None
    chance: float = math.nan
    slow: bool = False

    def __bool__(self) -> bool:
        return not self.blamed

    def __getitem__(self, name: str) -> Check:
        return next(check for check in self.checks if check.name == name)

    @property
    def verdict(self) -> str:
        """The cause, and what to do about it."""
        if self.blamed:
            more = " When that is mended, examine it again." if self.blamed[1:] else ""
            return f"{self[self.blamed[0]].cause}{more}"
        if odd := [check.name for check in self.checks if not check.ok]:
            odd = list(dict.fromkeys(odd))
            return f"Nothing keeps it from learning, though a ✗ stands at: {', '.join(odd)}."
        if self.slow:
            faster = f", or take a rate near {self.suggested:.3g}" * (self.suggested != self.rate)
            return f"Nothing suspicious, but it learns slowly: train for long{faster}."
        return "Nothing suspicious."

    def __str__(self) -> str:
        return "\n".join([*map(str, self.checks), "", self.verdict])


def examine(
    solver: Solver, *, seed: int = 0, show: Callable[[Check], object] | None = None
) -> Diagnosis:
    """Looks for the reason why `solver.train()` would not learn, or learns badly.

    Model, rule and data of the solver are left as they are: every step is taken on a copy. The
    solver's schedule and its callbacks play no part. `seed` is that of batches and samples; the
    same seed gives the same diagnosis. `show` is called with each check as it is done, and where
    it is given, progress bars on stderr tell of the longer ones: `examine(solver, show=print)`.

    Raises TypeError where the model is neither a `nets.Classifier` nor a `nets.Regressor`.
    """
    examination = Examination(solver, seed, show)
    with np.errstate(all="ignore"):  # rates are tried until numbers overflow
        if examination.at_the_start():
            examination.on_the_way()
    return examination.diagnosis


class Examination:
    """The checks in their order, and the thoughts that join them into a verdict."""

    def __init__(self, solver: Solver, seed: int, show: Callable[[Check], object] | None) -> None:
        self.show, self.answers = show, answers_of(solver.model)
        self.model, self.rate = unregularised(solver.model), solver.rule.lr
        self.steps = solver.epochs * solver.steps_per_epoch
        self.trial = Trial(solver, solver.model, seed, progress=show is not None)
        rows = sample(len(solver.data.x_train), seed)[:ROWS]
        self.x, self.y = solver.data.x_train[rows], solver.data.y_train[rows]
        self.diagnosis = Diagnosis(self.rate)

    def look(self, check: Check) -> Check:
        """Adds a line to the report."""
        self.diagnosis.checks.append(check)
        if self.show is not None:
            self.show(check)
        return check

    def blame(self, *names: str) -> None:
        """Blames those of the checks that found something wrong."""
        self.diagnosis.blamed += [name for name in names if not self.diagnosis[name].ok]

    def at_the_start(self) -> bool:
        """The checks that take no step; false where steps would make no sense."""
        model, x, y = self.model, self.x, self.y
        data, rng = self.trial.data, np.random.default_rng(self.trial.seed)
        columns = model.outputs(x[:1]).shape[1]
        checks: list[Callable[[], Check]] = [
            lambda: check_inputs(data),
            lambda: self.answers.check(data, columns),
            lambda: check_first_loss(self.answers, model, x, y, rng),
            lambda: check_gradients(model, x[:4], y[:4]),
            lambda: check_symmetry(model, x, y),
            lambda: check_units(model, x),
            lambda: check_depth(model, x, y),
        ]
        for note in getattr(data, "notes", ()):
            self.look(Check("data", False, note))
        for check in checks:
            if (done := self.look(check())).fatal:
                self.blame(*dict.fromkeys(("inputs", done.name)))
                return False
        return True

    def on_the_way(self) -> None:
        """The checks that take steps, and the verdict."""
        trial, told = self.trial, self.diagnosis
        plain = replace(trial, model=self.model)
        told.range = RangeTest.of(trial)
        told.chance = self.indifferent(trial.solver.batch_size)
        chance = self.indifferent(SAMPLE)  # another number where the loss is a sum
        own = Run.of(trial, self.rate)
        tried = [own, *(Run.of(trial, rate) for rate in told.range.candidates)]
        best = min(tried, key=attrgetter("loss"))
        if slow(best, chance):  # the range test may have been too quick for this network
            tried += [Run.of(trial, round_off(own.rate * factor)) for factor in (10, 0.1)]
            best = min(tried, key=attrgetter("loss"))
        told.suggested = best.rate
        self.look(check_rate(told.range, own, best, chance))
        learned = self.look(check_examples(plain, own.rate, best.rate)).ok
        self.look(check_relation(trial, tried))

        told.slow = slow(own, chance)
        if self.steps < STEPS and not told.slow:
            short = Run.of(trial, self.rate, self.steps)
            self.look(check_steps(short, own, self.steps, chance))
            self.blame("steps")
        self.blame("inputs", self.answers.called, "symmetry", "new rows")
        if told.slow or not learned:
            self.blame("first loss")
        self.blame("learning rate")
        if slow(best, chance) or not learned:
            self.blame("units", "depth")
        if told.slow and not told.blamed and self.regularised():
            self.look(check_regularisation(own, Run.of(plain, own.rate), chance))
            self.blame("regularisation")
        if not told.blamed:
            self.blame("50 examples")

    def indifferent(self, n: int) -> float:
        """The loss of n training rows, of scores that say nothing."""
        data = self.trial.data
        rows = sample(len(data.x_train), self.trial.seed)[:n]
        return self.answers.indifferent(self.model, data.x_train[rows], data.y_train[rows])

    def regularised(self) -> bool:
        """Whether there is a penalty or dropout."""
        model = self.trial.model
        return bool(model.l2) or any(map(draws, leaves(model.net)))


def slow(run: Run, chance: float) -> bool:
    """Whether a run went less than half of the way from knowing nothing, in loss and in score."""
    return max(run.learned(chance), run.way) < SLOW


def check_rate(test: RangeTest, own: Run, best: Run, chance: float) -> Check:
    """The rate asked for learns about as well as the best one that was tried."""
    factor, part = own.rate / best.rate, own.learned(chance) / (best.learned(chance) or 1.0)
    high = factor > HIGH and part < HIGH_LEARNED
    low = factor < LOW and part < LOW_LEARNED
    found = (
        f"{own.rate:.3g} (loss {own.loss:.3g} after {STEPS} steps), expected near {best.rate:.3g} "
        f"({best.loss:.3g}), within {test.begin:.1g} to {test.lowest:.1g}"
    )
    if best.learned(chance) < CREDIBLE or not (high or low):
        return Check("learning rate", True, found)
    times = (
        f"{round_off(factor if high else 1 / factor):,.0f} times too {'high' if high else 'low'}"
    )
    came = f"the loss is {own.loss:.3g}" if math.isfinite(own.loss) else "the numbers overflow"
    cause = (
        f"The learning rate {own.rate:.3g} is about {times}: after {STEPS} steps {came}, at "
        f"{best.rate:.3g} it is {best.loss:.3g}. Take {best.rate:.3g}."
    )
    return Check("learning rate", False, found, cause)


def check_steps(short: Run, own: Run, steps: int, chance: float) -> Check:
    """The steps of the run are enough to learn."""
    found = f"the loss is {short.loss:.3g} after {steps}, and {own.loss:.3g} after {STEPS} steps"
    if not slow(short, chance):
        return Check("steps", True, found)
    cause = (
        f"The run is too short: it takes {steps} steps, and {found}. Train for more epochs, or in "
        f"smaller batches."
    )
    return Check("steps", False, f"{found}, expected about the same", cause)


def check_examples(plain: Trial, rate: float, best: float) -> Check:
    """A few examples are learned by heart, at the rate asked for or at the best one."""
    answers = plain.answers
    known, steps = overfit(plain, rate)
    found = f"{answers.right(known)} learned by heart in {steps} steps"
    if known < answers.by_heart and best != rate:
        known, steps = overfit(plain, best)
        found += f", {answers.right(known)} in {steps} at {best:.3g}"
    if known >= answers.by_heart:
        return Check("50 examples", True, f"{found}, expected {answers.right(answers.by_heart)}")
    cause = (
        f"The network cannot learn {EXAMPLES} examples by heart, only {answers.right(known)} of "
        f"them: it is too small for the task, or some inputs are alike and have different "
        f"{answers.called}."
    )
    return Check(
        "50 examples", False, f"{found}, expected {answers.right(answers.by_heart)}", cause
    )


def check_relation(trial: Trial, runs: list[Run]) -> Check:
    """Rows that are near each other tend to have one answer, or the network finds the answer to
    rows that it was not trained on, more often than chance."""
    answers = trial.answers
    near, certainty = answers.neighbours(trial.data, trial.seed)
    best = max(runs, key=attrgetter("certainty"))
    found = f"{answers.right(near)} by the nearest neighbour"
    if best.certainty > -math.inf:
        score = answers.right(best.score)
        found = f"{score} of the validation rows right at rate {best.rate:.3g}, {found}"
    certainty = max(certainty, best.certainty)
    if certainty >= CERTAIN:
        return Check("new rows", True, f"{found}, more than by chance")
    n = len(trial.data.x_train)
    few = f", or {n} rows are too few to show it" * (n < FEW)
    cause = (
        f"The {answers.called} seem unrelated to the inputs{few}: what a network or the nearest "
        f"neighbour says of new rows is no better than chance. See whether rows and "
        f"{answers.called} were shuffled or sorted apart, and whether the {answers.called} come "
        f"from the right column."
    )
    return Check("new rows", False, f"{found}, expected more than by chance", cause)


def check_regularisation(own: Run, bare: Run, chance: float) -> Check:
    """Learning is not held back by the penalty or by dropout."""
    found = f"the loss is {own.loss:.3g} with and {bare.loss:.3g} without it"
    if own.learned(chance) >= HIGH_LEARNED * bare.learned(chance):
        return Check("regularisation", True, found)
    cause = (
        f"The regularisation is too strong: after {STEPS} steps {found}. Lower l2, or raise the "
        f"probability with which dropout keeps a unit."
    )
    return Check("regularisation", False, f"{found}, expected about the same", cause)
