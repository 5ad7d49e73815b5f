"""How long it takes to reach 98 % on MNIST's test images, from the same start by the same steps.

    python -m benchmarks.mnist98 --data-dir FOLDER [--seeds 3] [--threads N] [--json FILE]

FOLDER holds MNIST's four IDX files. Chainrule, PyTorch and scikit-learn train the same network,
784-256-256-10 in float32, from the same initial weights, on the same batches of 100 in the same
order, by the same rule, momentum; each in a process of its own, one after the other, with N threads
(the cores of the machine; with one, seconds are of processor time). The clock runs while they
train, not while they are tested after each epoch. A row shows the medians over the seeds.
"""

import argparse
import importlib
import importlib.util
import statistics
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.machine import cores, machine
from benchmarks.race import NEEDS, clock, in_a_process
from benchmarks.report import table, write_json
from chainrule.data import load_mnist

GOAL = 0.98
EPOCHS = 30  # at most
BATCH = 100
CASE = {
    "sizes": (784, 256, 256, 10),
    "batch": BATCH,
    "rule": "momentum",
    "lr": 0.05,
    "dtype": "float32",
}
TITLES = {"ours": "Chainrule", "pytorch": "PyTorch", "scikit_learn": "scikit-learn"}


def train(name, folder, seed, threads):
    """The seconds spent on each epoch, and the accuracy after it, until it reaches the goal."""
    contender = importlib.import_module(f"benchmarks.contenders.{name}")
    data = load_mnist(folder)
    x, y = (
        contender.own(
            np.concatenate([getattr(data, f"{axis}_{part}") for part in ("train", "val")])
        )
        for axis in "xy"
    )
    x_test = contender.own(data.x_test)
    step, predict = contender.trainer({**CASE, "seed": seed})
    rng, now, found = np.random.default_rng(seed), clock(threads), []
    for epoch in range(1, EPOCHS + 1):
        order = contender.own(rng.permutation(len(x)))
        starts = tqdm(range(0, len(x), BATCH), f"{TITLES[name]}, epoch {epoch}", leave=False)
        started = now()
        for at in starts:
            rows = order[at : at + BATCH]
            step(x[rows], y[rows])
        seconds = now() - started
        accuracy = float(np.mean(np.asarray(predict(x_test)) == data.y_test))
        found.append((seconds, accuracy))
        if accuracy >= GOAL:
            break
    return found


def reached(run):
    """The epochs and the seconds that a run took; endless where it did not get there."""
    if run[-1][1] < GOAL:
        return float("inf"), float("inf")
    return len(run), sum(seconds for seconds, _ in run)


def rows_of(runs):
    """The cells of the table; `runs` is a list of runs for each name."""
    medians = {
        name: [statistics.median(figure) for figure in zip(*map(reached, own), strict=True)]
        for name, own in runs.items()
    }
    for name, (epochs, seconds) in medians.items():
        each = statistics.median(seconds for run in runs[name] for seconds, _ in run)
        ratio = medians["ours"][1] / seconds
        yield [TITLES[name], f"{epochs:g}", f"{seconds:.1f}", f"{each:.2f}", f"{ratio:.2f}"]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mnist98")
    parser.add_argument("--data-dir", required=True, metavar="FOLDER")
    parser.add_argument("--seeds", type=int, default=3, metavar="N")
    parser.add_argument("--threads", type=int, default=cores(), metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    options = parser.parse_args(arguments)
    runs: dict[str, list] = {}
    for name, title in TITLES.items():
        if importlib.util.find_spec(NEEDS[name]) is None:
            print(f"{title} is not installed and is left out.")
        else:
            runs[name] = []
    for seed in range(options.seeds):
        for name, own in runs.items():
            given = (name, options.data_dir, seed, options.threads)
            own.append(in_a_process(options.threads, train, *given))
            epochs, seconds = reached(own[-1])
            print(f"seed {seed}, {TITLES[name]}: {epochs} epochs, {seconds:.1f} s", flush=True)
    header = ["", "epochs", "seconds to 98 %", "seconds an epoch", "ours ÷ it"]
    print("\n".join(["", *table(header, [*rows_of(runs)])]))
    if options.json:
        about = {"machine": machine(), "threads": options.threads, "recipe": CASE}
        write_json(options.json, {**about, "runs": runs})


if __name__ == "__main__":
    main()
