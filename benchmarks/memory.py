"""What training and inference take beyond what they must: memory, and time around the steps.

    python -m benchmarks.memory [--quick] [--json FILE]

Each figure comes from a process of its own. Steps: the peak of what Python allocated during a
training step, parameters and all (`tracemalloc`), over what no step can do without: parameters,
gradients, what the rule remembers, and the activations that the backward pass reads (the outputs of
the hidden layers, and the scores). Convolutions: the peak of a forward and a backward pass, with
what goes in, over images, outputs, the gradients of both, and parameters. Inference: the peak
beyond input and output while a network judges a million rows. Epochs: the time that a `Solver`
takes for an epoch on rows like MNIST's, against the same steps written as a loop, and against the
layers and the rule alone, on batches that lie ready: for float32 rows, and for bytes that are
scaled batch by batch; in processor time, with one thread.
"""

import argparse
import statistics
import tracemalloc
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from tqdm import tqdm

from benchmarks import cases
from benchmarks.cases import NETS
from benchmarks.contenders.images.ours import conv_of
from benchmarks.contenders.ours import RULES, model_of
from benchmarks.machine import machine
from benchmarks.race import clock, in_a_process
from benchmarks.report import table, write_json
from chainrule.solvers import Solver

MiB = 2**20
FLOAT = 4  # bytes


def case_of(sizes, rule="sgd"):
    return {"sizes": sizes, "rule": rule, "dtype": "float32"}


@contextmanager
def traced():
    """Within it, what Python allocates is counted, and at the end forgotten."""
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def step_peak(sizes, batch, rule):
    """Bytes: the peak during a step, and what is necessary."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((batch, sizes[0]), dtype=np.float32), rng.integers(10, size=batch)

    def step():
        _, grads = model.loss(x, y)
        one.update(model.params, grads)

    with traced():
        model, one = model_of(case_of(sizes, rule)), RULES[rule](1e-3)
        step()
        tracemalloc.reset_peak()
        step()
        _, peak = tracemalloc.get_traced_memory()
    params = sum(array.nbytes for array in model.params.values())
    remembered = sum(array.nbytes for array in one.state.values())
    return peak, 2 * params + remembered + FLOAT * batch * sum(sizes[1:])


def convolution_peak(case):
    """Bytes: the peak during a forward and a backward pass, and what is necessary."""
    one, x, dout = conv_of(case)

    def passes():
        out, cache = one.forward(x)
        return out, one.backward(dout, cache)

    with traced():
        passes()
        tracemalloc.reset_peak()
        passes()
        _, peak = tracemalloc.get_traced_memory()
    given = x.nbytes + dout.nbytes + sum(array.nbytes for array in one.params.values())
    return peak + given, given + x.nbytes + dout.nbytes


def inference_peak(sizes, rows):
    """Bytes beyond input and output, for the scores and for the labels."""
    x = np.random.default_rng(0).standard_normal((rows, sizes[0]), dtype=np.float32)
    model, found = model_of(case_of(sizes)), []
    with traced():
        for judge in (model.outputs, model.predict):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            out = judge(x)
            _, peak = tracemalloc.get_traced_memory()
            found.append(peak - before - out.nbytes)
            del out
    return found


class FromBytes(Solver):
    """A solver on rows of bytes, which it scales batch by batch."""

    def gradients(self, rows):
        x = self.data.x_train.take(rows, axis=0)
        return self.model.loss(scaled(x), self.data.y_train.take(rows, axis=0))


def scaled(x):
    return np.divide(x, 255, dtype=np.float32) if x.dtype == np.uint8 else x


class Steps:
    """A model without `score`, which a solver would call between the epochs."""

    def __init__(self, model):
        self.params, self.state, self.loss = model.params, model.state, model.loss


def epoch_seconds(sizes, batch, rows, stored, rounds):
    """Medians of the seconds for an epoch: by a solver, by a loop, and by layers and rule alone."""
    rng = np.random.default_rng(0)
    x = rng.integers(256, size=(rows, sizes[0]), dtype=np.uint8)
    y = rng.integers(10, size=rows)
    x = x if stored == "uint8" else scaled(x)
    data = SimpleNamespace(x_train=x, y_train=y, x_val=None, y_val=None)
    model, one = Steps(model_of(case_of(sizes))), RULES["momentum"](1e-3)
    kind = FromBytes if stored == "uint8" else Solver
    solver = kind(model, one, data, epochs=1, batch_size=batch, progress=False)
    starts = range(0, rows, batch)

    def by_hand():
        order = rng.permutation(rows)
        for at in starts:
            own = order[at : at + batch]
            _, grads = model.loss(scaled(x.take(own, axis=0)), y.take(own))
            one.update(model.params, grads)

    ready = scaled(x)

    def alone():
        for at in starts:
            _, grads = model.loss(ready[at : at + batch], y[at : at + batch])
            one.update(model.params, grads)

    ways, times = (solver.train, by_hand, alone), []
    for _ in range(rounds + 1):
        times.append([seconds_of(way) for way in ways])
    return [statistics.median(own) for own in zip(*times[1:], strict=True)]  # the first: warm-up


def seconds_of(function):
    now = clock(threads=1)
    started = now()
    function()
    return now() - started


def measurements(quick):
    """What is measured: name of the table, cells that say what, function, arguments."""
    rows = 100_000 if quick else 1_000_000
    nets = NETS[:2] if quick else NETS
    for sizes, own_batch in nets:
        for batch in (own_batch, 1024):
            for rule in ("sgd", "momentum", "adam"):
                yield "steps", (named(sizes), str(batch), rule), step_peak, (sizes, batch, rule)
    convolutions = [case for case in cases.convolutions() if case["kind"] == "convolution"]
    for case in convolutions[:2] if quick else convolutions:
        yield "convolutions", (cases.name_of(case),), convolution_peak, (case,)
    for count in (rows // 10, rows):
        net = (64, 100, 10)
        yield "inference", (named(net), f"{count:,}"), inference_peak, (net, count)
    for sizes, batch in nets[:3]:
        for stored in ("float32", "uint8"):
            epoch = (sizes, batch, rows * 55 // 1000, stored, 2 if quick else 5)
            yield "epochs", (named(sizes), str(batch), stored), epoch_seconds, epoch


def named(sizes):
    return "-".join(map(str, sizes))


HEADERS = {
    "steps": ["net", "batch", "rule", "peak, MiB", "necessary, MiB", "ratio"],
    "convolutions": ["case", "peak, MiB", "necessary, MiB", "ratio"],
    "inference": ["net", "rows", "scores: beyond, MiB", "labels: beyond, MiB"],
    "epochs": [
        *("net", "batch", "rows as", "solver, s", "loop, s", "layers and rule, s"),
        *("solver ÷ loop", "solver ÷ layers and rule"),
    ],
}


def cells(kind, what, found):
    """A row of a table."""
    if kind == "epochs":
        solver, loop, alone = found
        ratios = (f"{solver / loop:.3f}", f"{solver / alone:.3f}")
        return [*what, *(f"{seconds:.3f}" for seconds in found), *ratios]
    figures = [f"{size / MiB:.2f}" for size in found]
    ratio = [f"{found[0] / found[1]:.2f}"] if kind in ("steps", "convolutions") else []
    return [*what, *figures, *ratio]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory")
    parser.add_argument("--quick", action="store_true", help="fewer networks and rows")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    options = parser.parse_args(arguments)
    records = []
    for kind, what, function, given in tqdm([*measurements(options.quick)], unit="figure"):
        found = in_a_process(1, function, *given)
        records.append({"kind": kind, "what": what, "found": found})
    for kind, header in HEADERS.items():
        rows = [cells(**record) for record in records if record["kind"] == kind]
        print("\n".join(["", *table(header, rows)]))
    if options.json:
        write_json(options.json, {"machine": machine(), "records": records})


if __name__ == "__main__":
    main()
