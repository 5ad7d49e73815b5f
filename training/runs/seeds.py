"""The same training with one seed after another: `chainrule train --seeds 5`."""

import argparse
import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from chainrule.training.runs.comparison import picture, read
from chainrule.training.runs.trial import Result, Trial, single
from chainrule.training.runs.trials import Trials
from chainrule.training.text import aligned

#: Of the scores of all seeds; the deviation is that of a sample, which takes two.
STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "mean": statistics.fmean,
    "deviation": lambda scores: statistics.stdev(scores) if len(scores) > 1 else math.nan,
    "smallest": min,
    "largest": max,
}


def plan(options: argparse.Namespace, path: Path) -> Trials:
    """The trials, in folders by seed: --seed, the number after it, …"""
    return Trials(
        [
            Trial(path / f"seed-{seed}", single(options, seed=seed), {})
            for seed in range(options.seed, options.seed + options.seeds)
        ]
    )


def rehearsals(options: argparse.Namespace) -> list[argparse.Namespace]:
    """The options to try before anything is begun: one seed stands for all."""
    return [single(options)]


def conclude(
    _: argparse.Namespace, path: Path, done: Sequence[tuple[Trial, Result]], __: Sequence[Trial]
) -> None:
    """Prints a table and draws seeds.png."""
    print(table(done))
    picture([read(trial.path) for trial, _ in done], path / "seeds.png")
    print(f"\n{path / 'seeds.png'} shows the curves")


def table(done: Sequence[tuple[Trial, Result]]) -> str:
    """A line per seed, then what they come to together."""
    rows = [("", "validation", "epoch", "test", "seconds")]
    for trial, one in done:
        scores = one.text(one.best_score), f"{one.epoch}", one.text(one.test_score)
        rows.append((trial.name, *scores, f"{one.seconds:.1f}"))
    for name, statistic in STATISTICS.items():
        validation, test = (
            statistic([getattr(one, score) for _, one in done])
            for score in ("best_score", "test_score")
        )
        both = ("-" if math.isnan(score) else one.text(score) for score in (validation, test))
        rows.append((name, next(both), "", next(both), ""))
    return aligned(rows, right=range(1, len(rows[0])))
