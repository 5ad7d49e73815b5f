"""How many planted mistakes do gradient checkers find, and how often do they cry wolf?

    python -m benchmarks.checkers [--quick] [--seeds 3] [--json FILE]

Prints a Markdown table with a row per checker: `gradcheck.check`; the recipe of the course CS231n
(central differences with h = 1e-5, the largest relative error of an entry against a threshold); and
those of PyTorch, JAX and HIPS autograd, where installed (`pip install torch jax autograd`).

Mistakes.  The layers of benchmarks/mistakes are wrong in a line or two each. A checker finds
a mistake if it reports a failure or raises. "In a gradient": plain differences at one generic point
reveal it. "Beyond": all others, such as an input that is written to, a cache that does not survive
another call, an overflow, a wrong forward pass. "Unseen": in layers on which nothing was tuned.
Update rules are left out. Names count if the first tensor named is wrong, the first kind fair.

False alarms.  The same layers without mistakes, for several seeds: with inputs as they were drawn;
with zeros and ties, that is with inputs rounded and with inputs cut off at 0, where outputs stay
finite; and "hard" ones, which sit on kinks, saturate, are huge, tiny or empty. float32, for which
most tools are not made, is left out. Time is the median over correct layers with inputs as drawn.

Everyone gets the same float64 numbers, looks at all inputs and parameters in the training and in
the inference pass, and has its own defaults (autograd: first order, reverse mode). Ours looks at
both passes by itself; the others are called for one, then the other, and see a function of arrays
whose generators are rewound before every call, so that dropout can be checked. Ours compares
forward with a formula where it knows the class by its name; where the only mistake is a wrong
forward pass it is given the correct layer as a reference, which the others cannot use.
"""

import argparse
import collections
import copy
import importlib
import importlib.metadata
import itertools
import json
import pathlib
import re
import statistics
import sys
import time
import warnings
from functools import partial
from typing import Any

import numpy as np

from benchmarks import mistakes
from benchmarks.mistakes import scenes
from chainrule import gradcheck

# Whether a checker takes offence, and the first tensor and the first kind of mistake it names.
Verdict = collections.namedtuple("Verdict", "alarm tensor kind", defaults=("", ""))


def ours(layer, inputs, reference):
    report = gradcheck.check(layer, *inputs, reference=reference)
    if report:
        return Verdict(False)
    return Verdict(True, report.findings[0].tensor, report.findings[0].kind)


def generators(thing):
    """The bit generators of a layer and of the layers in it."""
    if isinstance(thing, np.random.Generator):
        return [thing.bit_generator]
    thing = vars(thing) if hasattr(thing, "forward") else thing
    parts = thing.values() if isinstance(thing, dict) else thing
    nested = isinstance(thing, (dict, list, tuple))
    return [found for part in parts for found in generators(part)] if nested else []


class Function:
    """A layer as a function of arrays: the differentiated inputs, then the parameters."""

    def __init__(self, layer, inputs, train):
        names = scenes.argument_names(layer)[: len(inputs)]
        self.layer, self.train, self.count = layer, train, len(names)
        self.targets = inputs[self.count :]
        self.names = [*names, *layer.params]
        self.arrays = [*map(np.array, inputs[: self.count]), *layer.params.values()]
        self.generators = [(generator, generator.state) for generator in generators(layer)]

    def __call__(self, *arrays):
        """The output, and a function from dout to the gradients with respect to `arrays`."""
        inputs = map(np.asarray, arrays[: self.count])
        self.set_params(arrays)
        for generator, state in self.generators:
            generator.state = state
        np.random.seed(0)  # noqa: NPY002
        out, cache = self.layer.forward(*inputs, *self.targets, train=self.train)

        def gradients(dout):
            self.set_params(arrays)
            dx, grads = self.layer.backward(dout, cache)
            dx = dx if isinstance(dx, tuple) else (dx,)
            return (*dx, *(grads[name] for name in self.layer.params))

        return np.array(out), gradients  # a copy, as tools keep what they get

    def set_params(self, arrays):
        for param, array in zip(self.layer.params.values(), arrays[self.count :], strict=True):
            param[...] = array


def in_both_passes(check, layer, inputs, _):
    """A checker, given `check`, which returns a Verdict on a Function, or None if all is well."""
    verdicts = (check(Function(layer, inputs, train)) for train in (True, False))
    return next(filter(None, verdicts), Verdict(False))


def recipe(threshold):
    def check(f):
        out, gradients = f(*f.arrays)
        dout = np.random.default_rng(0).normal(size=out.shape)
        errors = {}
        for name, x, analytic in zip(f.names, f.arrays, gradients(dout), strict=True):
            numeric = np.zeros_like(x)
            for index in np.ndindex(x.shape):
                kept = x[index]
                x[index] = kept + 1e-5
                high, _ = f(*f.arrays)
                x[index] = kept - 1e-5
                low, _ = f(*f.arrays)
                x[index] = kept
                numeric[index] = np.sum((high - low) * dout) / 2e-5
            size = np.maximum(1e-8, np.abs(analytic) + np.abs(numeric))
            errors[name] = np.max(np.abs(analytic - numeric) / size, initial=0)
        wrong = [name for name in errors if not errors[name] <= threshold]
        return Verdict(True, max(wrong, key=lambda name: errors[name])) if wrong else None

    return check


def torch_gradcheck(fast_mode):
    torch: Any = importlib.import_module("torch")

    def check(f):
        def forward(ctx, *tensors):
            out, ctx.gradients = f(*(tensor.detach().numpy() for tensor in tensors))
            return torch.from_numpy(out)

        def backward(ctx, dout):
            gradients = ctx.gradients(dout.numpy())
            return tuple(torch.from_numpy(np.array(array, order="C")) for array in gradients)

        methods = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        layer: Any = type("Layer", (torch.autograd.Function,), methods)
        tensors = [torch.tensor(x.ravel()).reshape(x.shape).requires_grad_() for x in f.arrays]
        try:
            torch.autograd.gradcheck(layer.apply, tensors, fast_mode=fast_mode)
        except RuntimeError as error:
            named = re.search(r"(?:respect to input|gradient at index) (\d+)", str(error))
            return Verdict(True, f.names[int(named[1])] if named else "")

    return check


def jax_check_vjp():
    importlib.import_module("jax").config.update("jax_enable_x64", True)
    check_vjp = importlib.import_module("jax.test_util").check_vjp
    return lambda f: check_vjp(lambda *arrays: f(*arrays)[0], f, tuple(map(np.copy, f.arrays)))


def autograd_check_grads():
    extend = importlib.import_module("autograd.extend")
    check_grads = importlib.import_module("autograd.test_util").check_grads

    def check(f):
        @extend.primitive
        def forward(*arrays):
            out, forward.gradients = f(*arrays)
            return out

        extend.defvjp_argnums(forward, lambda *_: forward.gradients)
        every = check_grads(forward, tuple(range(len(f.arrays))), modes=["rev"], order=1)
        every(*map(np.copy, f.arrays))

    return check


CHECKERS = {  # how to make it, and the package that it takes
    "gradcheck.check": (lambda: ours, "numpy"),
    "CS231n recipe, 1e-6": (lambda: partial(in_both_passes, recipe(1e-6)), "numpy"),
    "CS231n recipe, 1e-4": (lambda: partial(in_both_passes, recipe(1e-4)), "numpy"),
    "torch gradcheck, slow": (lambda: partial(in_both_passes, torch_gradcheck(False)), "torch"),
    "torch gradcheck, fast": (lambda: partial(in_both_passes, torch_gradcheck(True)), "torch"),
    "jax check_vjp": (lambda: partial(in_both_passes, jax_check_vjp()), "jax"),
    "autograd check_grads": (lambda: partial(in_both_passes, autograd_check_grads()), "autograd"),
}


def run(checker, layer, inputs, reference=None):
    """The verdict, and the milliseconds it took. To raise is a way to say no."""
    with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
        started = time.perf_counter()
        try:
            verdict = checker(layer, inputs, reference)
        except Exception:
            verdict = Verdict(True)
        return verdict, 1e3 * (time.perf_counter() - started)


def on_mistakes(checker, chosen):
    """What the checker says for every mistake, as dicts."""
    for mistake in chosen:
        layer, inputs = mistakes.instances(mistake)
        twin, _ = mistakes.example(mistake.layer, mistake.case)
        verdict, _ = run(checker, layer, inputs, twin if mistake.shows == "forward" else None)
        yield verdict._asdict() | {
            "id": mistake.id,
            "plain": mistake.shows == "gradient",
            "right tensor": verdict.tensor in mistake.tensors,
            "right kind": verdict.kind in (mistake.kind, *mistake.also),
            "best kind": verdict.kind == mistake.kind,
        }


def on_correct_layers(checker, layers):
    """What the checker says for every correct layer, as dicts."""
    for name, layer, *inputs in layers:
        verdict, ms = run(checker, layer, inputs)
        yield verdict._asdict() | {"name": name, "ms": ms}


def correct_layers(seeds, sources, *changes):
    """Yields `(name, layer, *inputs)` from the sources, on inputs with each of the changes."""
    for seed, change, source in itertools.product(range(seeds), changes, sources):
        for name, layer, *inputs in source(seed):
            inputs = scenes.change(layer, inputs, change)
            with np.errstate(all="ignore"):
                out, _ = copy.deepcopy(layer).forward(*inputs)
            if np.isfinite(out).all() and inputs[0].dtype == np.float64:
                yield name, layer, *inputs


def summary(results):
    """The cells of a row of the table, by the name of the column."""

    def share(records, key="alarm"):
        return f"{sum(record[key] for record in records)} of {len(records)}"

    cells = {}
    for group in ("mistakes", "unseen"):
        cells[group] = share(results[group])
        for where, plain in ((", in a gradient", True), (", beyond", False)):
            cells[group + where] = share([r for r in results[group] if r["plain"] == plain])
    found = [record for record in results["mistakes"] + results["unseen"] if record["alarm"]]
    for what in ("tensor", "kind"):
        cells[f"names the {what}"] = share(found, f"right {what}")
    for data in ("as drawn", "zeros and ties", "hard"):
        cells[f"false alarms, {data}"] = share(results[data])
    spent = statistics.median(record["ms"] for record in results["as drawn"])
    return cells | {"ms per layer": f"{spent:.1f}"}


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checkers")
    parser.add_argument("--quick", action="store_true", help="one seed, every fourth mistake")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of correct layers (default 3)")
    parser.add_argument("--json", metavar="FILE", help="write every verdict to FILE")
    options = parser.parse_args()
    seeds, step = (1, 4) if options.quick else (options.seeds, 1)
    known = [mistake for mistake in mistakes.MISTAKES if mistake.shows != "five updates"]
    ordinary, hard = (mistakes.twins, mistakes.unseen_twins), (mistakes.hard_twins,)
    correct = {
        "as drawn": (ordinary, np.asarray),
        "zeros and ties": (ordinary, np.round, lambda x: x.clip(0)),
        "hard": (hard, np.asarray),
    }
    versions, report = {"python": sys.version.split()[0]}, {}
    for name, (make, package) in CHECKERS.items():
        try:
            checker = make()
        except ImportError:
            print(f"{name}: left out, as {package} is not installed", file=sys.stderr)
            continue
        versions[package] = importlib.metadata.version(package)
        results = report[name] = {
            "mistakes": [*on_mistakes(checker, known[::step])],
            "unseen": [*on_mistakes(checker, mistakes.UNSEEN[::step])],
        }
        for data, choice in correct.items():
            results[data] = [*on_correct_layers(checker, correct_layers(seeds, *choice))]
        cells = summary(results)
        if len(report) == 1:
            print(f"| checker | {' | '.join(cells)} |\n|---|{'---:|' * len(cells)}")
        print(f"| {name} | {' | '.join(cells.values())} |", flush=True)
    print(f"\nWith {', '.join(map(' '.join, versions.items()))}.")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"versions": versions} | report, indent=1))


if __name__ == "__main__":
    main()
