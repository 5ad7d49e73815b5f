"""What more ranks buy: one training step on one, two, … processes of one BLAS thread each.

    python -m benchmarks.scaling [--ranks 1 2] [--rule sgd] [--rounds 7] [--out FOLDER]

Needs `pip install -e ".[mpi]"`. The network, 784-2048-2048-2048-10 in float32, has 10 million
parameters. The numbers of ranks take turns, round by round, each in an mpiexec of its own. *Strong*
scaling divides a batch of 256 among the ranks, *weak* scaling gives 256 rows to each.

From the times of the parts of a step on one rank (gradients for so many rows; gathering them in
one buffer; the rest, which is mostly the update) and from an Allreduce of growing size on two
ranks, a model of the cost

    step(P) = gradients(rows on a rank) + gather + allreduce(P) + rest
    allreduce(P) = 2 ⌈log₂ P⌉ latency + 2 (P - 1)/P · bytes / bandwidth

(R. Thakur, R. Rabenseifner, W. Gropp 2005, for a reduce-scatter and an allgather) predicts the step
for 2 ranks, printed beside the measured one, and for 8 to 1,024 on machines like this one, one rank
each, joined by a network whose --latency and --bandwidth are assumptions, not measured. FOLDER gets
scaling.json and scaling.png.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.drawing import plain
from benchmarks.machine import in_words, machine
from benchmarks.report import table, write_json
from chainrule.nets import MLP, Classifier
from chainrule.pictures import Panel, Picture
from chainrule.pictures.drawing import BLUE, ORANGE
from chainrule.solvers import SGD, Adam, ParallelSolver, UpdateRule
from chainrule.solvers.parallel import Share

SIZES = (784, 2048, 2048, 2048, 10)
BATCH = 256
STEPS = 6  # timed in a turn, after 2 that are not
RULES: dict[str, Callable[..., UpdateRule]] = {
    "sgd": SGD,
    "momentum": lambda lr: SGD(lr, momentum=0.9),
    "adam": Adam,
}
PREDICTED = (2, 8, 32, 128, 512, 1024)
MESSAGES = tuple(8 * 4**power for power in range(12))  # bytes, up to 32 MiB


def data(rows):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, SIZES[0]), np.float32)
    y = rng.integers(0, SIZES[-1], rows)
    return SimpleNamespace(x_train=x, y_train=y, x_val=None, y_val=None)


def solver_on(comm, batch, rule):
    model = Classifier(MLP(SIZES, rng=0, dtype=np.float32))
    settings = {"batch_size": batch, "epochs": 1, "progress": False}
    return ParallelSolver(comm, model, RULES[rule](1e-4), data(batch), **settings)


def timed(action, repeats):
    """The times of so many calls, after two that are not counted."""
    times = []
    for _ in range(repeats + 2):
        begun = time.perf_counter()
        action()
        times.append(time.perf_counter() - begun)
    return times[2:]


def steps(comm, batch, rule):
    """The times of whole steps, in step on all ranks."""
    solver = solver_on(comm, batch, rule)

    def action():
        comm.Barrier()
        solver._step()

    return timed(action, STEPS)


def parts(comm, rule):
    """On one rank: the times of the gradients for the rows that 1, 2, … ranks would have, of
    gathering them in one buffer, and of the rest of a step."""
    solver = solver_on(comm, BATCH, rule)
    found: dict[str, Any] = {"gradients": {}}
    size = BATCH
    while size >= 1:
        x, y = solver.data.x_train[:size], solver.data.y_train[:size]
        times = timed(lambda x=x, y=y: solver.model.loss(x, y), STEPS)
        found["gradients"][size] = statistics.median(times)
        size //= 2
    loss, grads = solver.model.loss(solver.data.x_train, solver.data.y_train)
    gather = timed(lambda: solver._added_up(loss, grads, False), STEPS)
    found["gather"] = statistics.median(gather)
    known = solver.gradients(np.arange(BATCH))
    vars(solver)["gradients"] = lambda _: known
    found["rest"] = statistics.median(timed(solver._step, STEPS))
    return found


def messages(comm):
    """The time of an Allreduce for each of the sizes, a median."""
    found = {}
    for size in MESSAGES:
        buffer = np.ones(size // 4, np.float32)
        solver = SimpleNamespace(ranks=comm.Get_size(), comm=comm)

        def action(buffer=buffer, solver=solver):
            comm.Barrier()
            begun = time.perf_counter()
            ParallelSolver._sum(solver, buffer)
            return time.perf_counter() - begun

        times = [action() for _ in range(40 if size < 1e6 else 12)]
        found[size] = statistics.median(times[2:])
    return found


def work(words):
    """What a rank does: measures as told by a JSON text, and rank 0 prints what it found."""
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    told = json.loads(words)
    actions: dict[str, Callable[..., Any]]
    actions = {"steps": steps, "parts": parts, "messages": messages}
    found = actions[told.pop("what")](comm, **told)
    if comm.Get_rank() == 0:
        print(json.dumps(found))


def on_ranks(ranks, **told):
    """What rank 0 of so many found."""
    mpiexec = Path(sys.executable).parent / "mpiexec"
    command = [str(mpiexec) if mpiexec.exists() else "mpiexec", "-n", str(ranks), sys.executable]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "-m", "benchmarks.scaling", "--work", json.dumps(told)],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{told} on {ranks} ranks: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout)


def measure(ranks, rule, rounds):
    """Medians over the rounds, all in turns."""
    found: dict[str, Any] = {name: {n: [] for n in ranks} for name in ("strong", "weak")}
    found |= {"parts": [], "messages": []}
    for _ in tqdm(range(rounds), unit="round"):
        for n in ranks:
            found["strong"][n].append(
                statistics.median(on_ranks(n, what="steps", batch=BATCH, rule=rule))
            )
            found["weak"][n].append(
                statistics.median(on_ranks(n, what="steps", batch=BATCH * n, rule=rule))
            )
        found["parts"].append(on_ranks(1, what="parts", rule=rule))
        found["messages"].append(on_ranks(2, what="messages"))
    return found


def summary(found):
    """The medians of what `measure` found, with the latency and the bandwidth of an Allreduce."""
    median = statistics.median
    gradients = {
        int(size): median(one["gradients"][size] for one in found["parts"])
        for size in found["parts"][0]["gradients"]
    }
    lengths = {
        int(size): median(one[size] for one in found["messages"]) for size in found["messages"][0]
    }
    largest = max(lengths)
    latency = lengths[min(lengths)] / 2
    return {
        "strong": {n: median(times) for n, times in found["strong"].items()},
        "weak": {n: median(times) for n, times in found["weak"].items()},
        "ratios": {
            n: median(one / many for one, many in zip(found["strong"][1], times, strict=True))
            for n, times in found["strong"].items()
        },
        "gradients": gradients,
        "gather": median(one["gather"] for one in found["parts"]),
        "rest": median(one["rest"] for one in found["parts"]),
        "messages": lengths,
        "latency": latency,
        "bandwidth": largest / (lengths[largest] - 2 * latency),  # 2 (P - 1)/P is 1 for 2 ranks
    }


def predicted(told, ranks, rows, latency, bandwidth):
    """The time of a step by the model, for a batch of `rows` in all."""
    share = Share.of(ranks - 1, ranks, rows)
    own = share.last - share.first
    known = sorted(told["gradients"])
    gradients = float(np.interp(own, known, [told["gradients"][size] for size in known]))
    bytes_ = 4 * (2 + sum((a + 1) * b for a, b in pairwise(SIZES)))
    rounds = (ranks - 1).bit_length()
    allreduce = 2 * rounds * latency + 2 * (ranks - 1) / ranks * bytes_ / bandwidth
    return gradients + told["gather"] + (allreduce if ranks > 1 else 0.0) + told["rest"]


def predictions(told, latency, bandwidth):
    """Rows (ranks, strong, weak): how many times the rows of one rank are done in a second, with
    the batch of one divided among all, and with as many rows for each."""
    alone = predicted(told, 1, BATCH, latency, bandwidth)
    for ranks in PREDICTED:
        strong = alone / predicted(told, ranks, BATCH, latency, bandwidth)
        weak = ranks * alone / predicted(told, ranks, BATCH * ranks, latency, bandwidth)
        yield ranks, strong, weak


def lines(told, rule, latency, bandwidth):
    """What is printed: the measurements, the model beside them, and what it says of more ranks."""
    out = [f"A step of {rule}, batch {BATCH} (strong) or {BATCH} a rank (weak), medians in ms", ""]
    rows = []
    for ranks, strong in told["strong"].items():
        here = told["latency"], told["bandwidth"]
        model = [predicted(told, ranks, rows_, *here) for rows_ in (BATCH, BATCH * ranks)]
        rows.append(
            [
                str(ranks),
                f"{1e3 * strong:.0f}",
                f"{1e3 * model[0]:.0f}",
                f"{told['ratios'][ranks]:.2f}",
                f"{1e3 * told['weak'][ranks]:.0f}",
                f"{1e3 * model[1]:.0f}",
                f"{ranks * told['weak'][1] / told['weak'][ranks]:.2f}",
            ]
        )
    names = ["ranks", "strong", "model", "speed-up", "weak", "model", "speed-up"]
    out += [*table(names, rows), ""]
    rows = [[str(size), f"{1e3 * t:.1f}"] for size, t in sorted(told["gradients"].items())]
    out += [*table(["rows on a rank", "gradients, ms"], rows), ""]
    out.append(
        f"gather {1e3 * told['gather']:.1f} ms, rest {1e3 * told['rest']:.1f} ms; Allreduce on 2 "
        f"ranks here: latency {1e6 * told['latency']:.1f} µs, "
        f"{told['bandwidth'] / 1e9:.2f} GB/s"
    )
    rows = [[f"{size:,}", f"{1e6 * t:.0f}"] for size, t in told["messages"].items()]
    out += ["", *table(["bytes", "Allreduce, µs"], rows), ""]
    out.append(
        f"Predicted for one rank a machine, a network of {1e6 * latency:g} µs and "
        f"{bandwidth / 1e9:g} GB/s (assumed): speed-up over one rank"
    )
    rows = [
        [f"{ranks:,}", f"{strong:.1f}", f"{weak:.1f}", f"{weak / ranks:.0%}"]
        for ranks, strong, weak in predictions(told, latency, bandwidth)
    ]
    return [*out, "", *table(["ranks", "strong", "weak", "weak, of the ideal"], rows)]


def picture(told, latency, bandwidth):
    panels = [
        Panel(partial(draw_messages, told), "an Allreduce on two ranks"),
        Panel(partial(draw_predictions, told, latency, bandwidth), "predicted speed-up"),
    ]
    reading = "Strong scaling ends where a rank has too few rows; weak scaling pays for longest."
    return Picture("scaling", "One step on many ranks", reading, panels, 4.2, 3.4)


def draw_messages(told, axes):
    sizes = [*told["messages"]]
    model = [2 * told["latency"] + size / told["bandwidth"] for size in sizes]
    axes.loglog(
        sizes, [1e6 * told["messages"][n] for n in sizes], "o", color=BLUE, label="measured"
    )
    axes.loglog(sizes, [1e6 * t for t in model], "-", color=ORANGE, label="latency and bandwidth")
    axes.set_xticks([8, 512, 2**15, 2**21], ["8 B", "512 B", "32 KiB", "2 MiB"])
    axes.set_xticks([], minor=True)
    plain(axes.yaxis)
    axes.set_ylabel("µs")
    axes.set_title("an Allreduce on two ranks")
    axes.grid(alpha=0.2)
    axes.legend(fontsize=8)


def draw_predictions(told, latency, bandwidth, axes):
    rows = [*predictions(told, latency, bandwidth)]
    ranks = [row[0] for row in rows]
    axes.loglog(ranks, ranks, ":", color="grey", label="ideal")
    axes.loglog(ranks, [row[2] for row in rows], "o-", color=BLUE, label="weak")
    axes.loglog(ranks, [row[1] for row in rows], "s-", color=ORANGE, label="strong")
    for axis in (axes.xaxis, axes.yaxis):
        plain(axis)
    axes.set_xlabel("ranks")
    axes.set_title("predicted speed-up")
    axes.grid(alpha=0.2)
    axes.legend(fontsize=8)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling")
    parser.add_argument("--ranks", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rule", choices=RULES, default="sgd")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--latency", type=float, default=5e-6, help="of a message, in s; assumed")
    parser.add_argument("--bandwidth", type=float, default=2.5e9, help="in bytes/s; assumed")
    parser.add_argument("--out", type=Path, metavar="FOLDER")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.work:
        work(options.work)
        return
    if options.ranks[0] != 1:
        parser.error("--ranks must begin with 1, which the others are compared with")
    print(in_words(machine()), end="\n\n")
    found = measure(options.ranks, options.rule, options.rounds)
    told = summary(found)
    print("\n".join(lines(told, options.rule, options.latency, options.bandwidth)))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        about = {"machine": machine(), "rule": options.rule, "medians": told}
        write_json(options.out / "scaling.json", {**about, "measured": found})
        picture(told, options.latency, options.bandwidth).save(options.out / "scaling.png")


if __name__ == "__main__":
    main()
