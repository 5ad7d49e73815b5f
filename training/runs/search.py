"""A random search: `chainrule train --search lr=1e-4..1e-1:log hidden=50,100,100x100 --trials 20`.

Random trials find a good value of what matters sooner than a grid of as many, which tries few
values of each option (Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization", 2012).
"""

from __future__ import annotations

import argparse
import math
import shlex
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from chainrule.nets import FileError
from chainrule.nets.files import brief, write_file
from chainrule.pictures.drawing import BLUE, ORANGE, RED, Panel, Picture
from chainrule.training.measures import MEASURES
from chainrule.training.options import parser
from chainrule.training.runs.trial import ABOUT_SEVERAL, Result, Trial, single
from chainrule.training.runs.trials import Outcomes, Trials
from chainrule.training.text import aligned

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMS = "NAME=LOW..HIGH, NAME=LOW..HIGH:log or NAME=A,B,C"
# Say how to search, where to write and what: not what to train.
FIXED = {*ABOUT_SEVERAL, "run_dir", "resume", "no_report", "pictures", "log", "tensorboard", "live"}


@dataclass(frozen=True)
class Choice:
    """One of some words, each as likely as the others."""

    name: str
    ends: tuple[str, ...]
    log: ClassVar[bool] = False

    def draw(self, u: float) -> str:
        """The word at u in [0, 1)."""
        return self.ends[int(u * len(self.ends))]

    def word(self, at: str) -> str:
        """The word itself."""
        return at


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, both included: a whole one if they are. It is spread evenly
    or, with `log`, such that each factor between two numbers is as likely wherever it lies."""

    name: str
    low: float
    high: float
    log: bool

    @property
    def ends(self) -> tuple[str, str]:
        return repr(self.low), repr(self.high)

    def draw(self, u: float) -> str:
        """The number at u in [0, 1), as a word."""
        whole = isinstance(self.low, int)
        # A whole number stands for all that is below the next.
        low, high = self.low, self.high + whole
        if self.log:
            at = math.exp((1 - u) * math.log(low) + u * math.log(high))
        else:
            at = (1 - u) * low + u * high
        return self.word(min(max(int(at) if whole else at, self.low), self.high))

    def word(self, at: float) -> str:
        """A number of the range as a word, with six digits."""
        if isinstance(self.low, int):
            return str(int(at))
        at = min(max(float(f"{at:.6g}"), self.low), self.high)
        return str(at) if float(f"{at:g}") != at else f"{at:g}"


def plan(options: argparse.Namespace, path: Path) -> Trials:
    """The trials. Raises ValueError where --sampler needs a library that is missing."""
    if options.sampler == "tpe":
        return Suggested(options, path)
    return Trials(drawn(options, path))


def drawn(options: argparse.Namespace, path: Path) -> list[Trial]:
    """The trials of a random search. Each is drawn from a generator of its own, by --seed and its
    number, so that it does not depend on how many there are. They are all trained with the seed
    --seed, so that one that draws what an earlier one drew is left out."""
    ranges, found = ranges_of(options.search), dict[tuple[str, ...], Trial]()
    for number in range(options.trials):
        rng = np.random.default_rng([options.seed, number])
        trial = numbered(
            path, number, options, {one.name: one.draw(rng.random()) for one in ranges}
        )
        found.setdefault(tuple(trial.words.values()), trial)
    return list(found.values())


def numbered(path: Path, number: int, options: argparse.Namespace, words: dict[str, str]) -> Trial:
    """A trial of these words."""
    return Trial(path / f"trial-{number:02}", altered(options, words), words)


class Suggested(Trials):
    """The trials of a search by Optuna's TPE sampler: after ten that are drawn at random, those
    that the results so far promise most of (Bergstra et al., "Algorithms for Hyper-Parameter
    Optimization", 2011). What was asked and told stands in optuna.log. Which trial comes next
    depends on which results are there, so that the same seed gives the same trials where one goes
    on at a time."""

    def __init__(self, options: argparse.Namespace, path: Path) -> None:
        super().__init__([])
        try:
            import optuna
        except ImportError:
            raise ValueError(
                '--sampler tpe: Optuna is not there: pip install "chainrule[optuna]"'
            ) from None
        self.optuna, self.options, self.path = optuna, options, path
        self.ranges, self.total = ranges_of(options.search), options.trials
        self.study: Any = None

    def open(self) -> None:
        """Takes up what stands in optuna.log, or begins it. Raises FileError where that is
        damaged."""
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        self.optuna.logging.set_verbosity(self.optuna.logging.ERROR)
        file = self.path / "optuna.log"
        try:
            storage = JournalStorage(JournalFileBackend(str(file)))
            self.study = self.optuna.create_study(
                storage=storage, study_name="search", direction="maximize", load_if_exists=True
            )
            for one in self.study.trials:
                self.add(one.number, one.params)
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise FileError(f"{file}: damaged: {brief(error)}") from None

    def add(self, number: int, found: dict[str, Any]) -> bool:
        """Adds the trial of what was suggested, unless it repeats an earlier one."""
        words = {one.name: one.word(found[one.name]) for one in self.ranges}
        if words in [trial.words for trial in self.trials]:
            return False
        self.trials.append(numbered(self.path, number, self.options, words))
        return True

    def more(self, outcomes: Outcomes) -> Trial | None:
        """The next trial that is suggested, None where there have been enough."""
        self.tell(outcomes)
        while (number := len(self.study.trials)) < self.total:
            seed = int(np.random.default_rng([self.options.seed, number]).integers(2**31))
            with warnings.catch_warnings(action="ignore"):  # of what is new in Optuna
                self.study.sampler = self.optuna.samplers.TPESampler(seed=seed, constant_liar=True)
                asked = self.study.ask({one.name: self.distribution(one) for one in self.ranges})
            if self.add(asked.number, asked.params):
                return self.trials[-1]
            self.study.tell(asked, state=self.optuna.trial.TrialState.FAIL)
        return None

    def tell(self, outcomes: Outcomes) -> None:
        """Tells Optuna what it does not know yet. One that failed counts as the worst so far."""
        scores = [one.best_score for one in outcomes.values() if isinstance(one, Result)]
        state = self.optuna.trial.TrialState
        open_ = {one.number for one in self.study.trials if one.state == state.RUNNING}
        for trial in self.trials:
            number, outcome = int(trial.name.removeprefix("trial-")), outcomes.get(trial.name)
            if outcome is None or number not in open_:
                continue
            if isinstance(outcome, Result):
                self.study.tell(number, outcome.best_score)
            elif scores:
                self.study.tell(number, min(scores))
            else:
                self.study.tell(number, state=state.FAIL)

    def distribution(self, one: Range | Choice) -> Any:
        """A range as Optuna has it."""
        kinds = self.optuna.distributions
        if isinstance(one, Choice):
            return kinds.CategoricalDistribution(one.ends)
        kind = "IntDistribution" if isinstance(one.low, int) else "FloatDistribution"
        return getattr(kinds, kind)(one.low, one.high, log=one.log)


def rehearsals(options: argparse.Namespace) -> list[argparse.Namespace]:
    """The options to try before anything is begun: each end and each word at least once."""
    ends = {one.name: one.ends for one in ranges_of(options.search)}
    return [
        altered(options, {name: words[at % len(words)] for name, words in ends.items()})
        for at in range(max(map(len, ends.values())))
    ]


def altered(options: argparse.Namespace, words: dict[str, str]) -> argparse.Namespace:
    """The options of a single run, with those in `words` as they say."""
    changes = {attribute(name): value_of(name, word) for name, word in words.items()}
    return single(options, **changes)


def ranges_of(texts: Sequence[str]) -> list[Range | Choice]:
    """What the words behind --search ask for. Raises ValueError where one is wrong."""
    ranges = [range_of(text) for text in texts]
    names = [one.name for one in ranges]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"--search {name}: given {names.count(name)} times, expected once")
    return ranges


def range_of(text: str) -> Range | Choice:
    """What one word behind --search asks for. Raises ValueError where it is wrong."""
    name, equals, values = text.partition("=")
    name = name.replace("_", "-")
    if not equals:
        raise ValueError(f"--search {text:.40}: expected {FORMS}")
    if name not in searchable():
        raise ValueError(
            f"--search {text:.40}: expected one of {', '.join(searchable())}, got {name!r:.40}"
        )
    try:
        if ".." in values and isinstance(number(name, values.partition("..")[0]), (int, float)):
            return numbers(name, values)
        words = tuple(values.split(","))
        if name in ("channels", "hidden"):
            words = tuple(word.replace("x", ",") for word in words)
        for word in words:
            value_of(name, word)
        return Choice(name, words)
    except (argparse.ArgumentError, ValueError) as error:
        raise ValueError(f"--search {text:.40}: {getattr(error, 'message', error)}") from None


def numbers(name: str, text: str) -> Range:
    """LOW..HIGH or LOW..HIGH:log. Raises ArgumentError or ValueError where it is wrong."""
    ends, colon, scale = text.partition(":")
    low, high = (number(name, end) for end in ends.split("..", 1))
    if colon and scale != "log":
        raise ValueError(f"expected nothing or log behind ':', got {scale!r:.40}")
    if not isinstance(high, (int, float)):
        raise ValueError(f"expected a number behind '..', got {ends.partition('..')[2]!r:.40}")
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"expected LOW below HIGH, both finite, got {low:g} and {high:g}")
    if colon and low <= 0:
        raise ValueError(f"expected numbers above 0 for a log scale, got {low:g}")
    return Range(name, low, high, bool(colon))


def number(name: str, text: str) -> Any:
    """The value of an option; of a single hidden layer its size."""
    value = value_of(name, text)
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def value_of(name: str, text: str) -> Any:
    """What the command line makes of --name=text. Raises ArgumentError where it refuses it."""
    words = parser()
    words.exit_on_error = False
    return getattr(words.parse_args([f"--{name}={text}"]), attribute(name))


def searchable() -> list[str]:
    """The options that take a value and say what to train."""
    left_out = vars(parser().parse_args([])).items()
    return [
        name.replace("_", "-")
        for name, value in left_out
        if name not in FIXED and not isinstance(value, bool)
    ]


def attribute(name: str) -> str:
    """What an option is called among the options."""
    return name.replace("-", "_")


def command(options: argparse.Namespace, words: dict[str, str]) -> str:
    """The command line that trains with `options` and the words of a trial."""
    left_out, line = vars(parser().parse_args([])), ["chainrule", "train"]
    for name, value in vars(single(options)).items():
        option = name.replace("_", "-")
        if name in FIXED or option in words or value == left_out[name]:
            continue
        text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        line += [f"--{option}"] if value is True else [f"--{option}", text]
    for name, word in words.items():
        line += [f"--{name}", word]
    return shlex.join(line)


def conclude(
    options: argparse.Namespace, path: Path, done: list[tuple[Trial, Result]], failed: list[Trial]
) -> None:
    """Prints the table, the best trial and how to train it again, and draws search.png."""
    done = sorted(done, key=lambda pair: pair[1].best_score, reverse=True)
    print(table(done))
    trial, best = done[0]
    print(
        f"\nbest: {trial.name}, validation {best.text(best.best_score)} after epoch "
        f"{best.epoch}, test {best.measure} {best.text(best.test_score)}; train it again with\n"
        f"{command(options, trial.words)}"
    )
    ranges = ranges_of(options.search)
    write_file(path / "search.png", pictured(ranges, done, failed).png())
    print(f"\n{path / 'search.png'} shows the scores")


def table(done: list[tuple[Trial, Result]]) -> str:
    """A line per trial."""
    rows = [("", *done[0][0].words, "validation", "epoch", "seconds")]
    for trial, one in done:
        words = (word or "none" for word in trial.words.values())
        scores = one.text(one.best_score), f"{one.epoch}", f"{one.seconds:.1f}"
        rows.append((trial.name, *words, *scores))
    return aligned(rows, right=range(1, len(rows[0])))


def pictured(
    ranges: Sequence[Range | Choice], done: list[tuple[Trial, Result]], failed: list[Trial]
) -> Picture:
    """The score against each of the options searched."""
    return Picture(
        "search",
        "Search",
        "Scores that rise towards one side, up to its end, ask for a range that goes on there; an "
        "option whose scores look the same everywhere does not matter.",
        [
            Panel(partial(scores, one, done, failed), f"validation score against {one.name}")
            for one in ranges
        ],
    )


def scores(
    one: Range | Choice, done: list[tuple[Trial, Result]], failed: list[Trial], axes: Axes
) -> None:
    """The score of each trial, the best in another colour; those that failed on the bottom."""

    def across(trials: Sequence[Trial]) -> list[float]:
        words = [trial.words[one.name] for trial in trials]
        return [one.ends.index(word) if isinstance(one, Choice) else float(word) for word in words]

    over_range(one, axes)
    x, y = across([trial for trial, _ in done]), [result.best_score for _, result in done]
    axes.plot(x, y, "o", color=BLUE, ms=5, alpha=0.7, mew=0)
    axes.plot(x[:1], y[:1], "o", color=ORANGE, ms=8)
    axes.set_title(f"best: {done[0][0].words[one.name] or 'none'}", color=ORANGE)
    if failed:
        axes.margins(y=0.12)
        bottom = [0.03] * len(failed)
        axes.plot(across(failed), bottom, "x", color=RED, label="failed",
                  transform=axes.get_xaxis_transform())  # fmt: skip
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), borderpad=0, handletextpad=0.1)
    measure = MEASURES[done[0][1].measure]
    axes.yaxis.set_major_formatter(measure.tick)
    axes.set_xlabel(one.name)
    axes.set_ylabel(f"validation {measure.name}")
    axes.grid(alpha=0.25)


def over_range(one: Range | Choice, axes: Axes) -> None:
    """Have the axis go over all that was searched of an option."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    if isinstance(one, Choice):
        words = [word or "none" for word in one.ends]
        axes.set_xticks(range(len(words)), words, rotation=30 if sum(map(len, words)) > 30 else 0)
        axes.set_xlim(-0.5, len(words) - 0.5)
    elif one.log:
        beyond = (one.high / one.low) ** 0.04
        axes.set_xscale("log")
        axes.set_xlim(one.low / beyond, one.high * beyond)
        if one.high < 100 * one.low:
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        beyond = 0.04 * (one.high - one.low)
        axes.set_xlim(one.low - beyond, one.high + beyond)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=isinstance(one.low, int)))
