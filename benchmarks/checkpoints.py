"""What it costs to save a run as it goes.

    python -m benchmarks.checkpoints [--rounds 7] [--quick]

Trains the same networks with and without saving, in turn, on the digits and on random data of the
size of MNIST, and prints for each the medians of the times without and with, and of what saving
adds, pair by pair; then, measured around the saving itself, which the noise of a busy machine
touches least, how often a run was saved on the way and the share of the time that this took, and
the milliseconds for the first checkpoint and the last, which every run has, however short.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.data import Dataset, load_digits
from chainrule.training.options import fill_in, parser
from chainrule.training.run.folder import RunFolder, description
from chainrule.training.run.running import assembled
from chainrule.training.run.setup import build


def like_mnist(rows):
    """Random pictures of the size of MNIST's, so many to train on."""
    rng = np.random.default_rng(0)

    def part(n):
        return rng.standard_normal((n, 784), dtype=np.float32), rng.integers(10, size=n)

    (x, y), (x_val, y_val), (x_test, y_test) = map(part, (rows, rows // 11, rows // 6))
    classes = tuple("0123456789")
    return Dataset("like MNIST", x, y, x_val, y_val, x_test, y_test, classes, (28, 28))


def train(dataset, options, folder, saving):
    """Trains once; returns the seconds that it took, and those of each time it was saved."""
    model, solver = build(options, dataset)
    folder = RunFolder.create(folder, description(options, dataset))
    run = assembled(options, dataset, model, solver, folder)
    solver.callbacks, solver.progress = [run.keeper.monitor], False
    seconds = []
    keeper: Any = run.keeper

    def save(solver, then=run.keeper.save):
        started = time.perf_counter()
        then(solver)
        seconds.append(time.perf_counter() - started)

    keeper.save = save if saving else lambda _: None
    started = time.perf_counter()
    keeper.save(solver)
    solver.train()
    keeper.save(solver)
    total = time.perf_counter() - started
    run.release()
    return total, seconds


def measure(dataset, words, rounds):
    """A line of the table, from so many pairs of runs."""
    options = parser().parse_args(words)
    fill_in(options, dataset)
    seen = []
    with tempfile.TemporaryDirectory() as home:
        for number in range(rounds + 1):
            took = {}
            for saving in (True, False) if number % 2 else (False, True):
                took[saving] = train(dataset, options, Path(home, f"{number}{saving}"), saving)
            without, (time_with, saves) = took[False][0], took[True]
            first, *between, last = saves
            seen.append(
                (
                    *(without, time_with, time_with / without - 1),
                    *(len(between), sum(between) / time_with, 1e3 * first, 1e3 * last),
                )
            )
        size = Path(home, "0True", "checkpoint.safetensors").stat().st_size / 1e6
    medians = [statistics.median(figures) for figures in zip(*seen[1:], strict=True)]  # 0: warm-up
    return (
        "{:>8.2f} s {:>8.2f} s {:>+8.1%} {:>6.0f} {:>7.2%} {:>6.0f} {:>6.0f}".format(*medians)
        + f" {size:>7.1f} MB"
    )


def main():
    command = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    command.add_argument("--rounds", type=int, default=7, help="pairs of runs for a median")
    command.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    asked = command.parse_args()
    rounds, rows, epochs = (3, 11_000, 2) if asked.quick else (asked.rounds, 55_000, 4)
    digits = load_digits().standardised().astype(np.float32)
    mnist = like_mnist(rows).standardised()
    wide = ["--hidden", "512,512", "--batch-size", "128", "--dropout", "0.6"]
    cases = {
        "digits, 64-128-10, 40 epochs": (digits, ["--dropout", "0.8"]),
        f"{rows:,} like MNIST, 784-512-512-10, {epochs} epochs": (
            mnist,
            [*wide, "--epochs", str(epochs)],
        ),
    }
    print(f"{'':44} {'without':>10} {'with':>10} {'added':>8} {'saves on the way':>16}", end="")
    print(f"{'first, last (ms)':>17} {'file':>7}")
    for name, (dataset, words) in cases.items():
        print(f"{name:44} {measure(dataset, words, rounds)}", flush=True)


if __name__ == "__main__":
    main()
