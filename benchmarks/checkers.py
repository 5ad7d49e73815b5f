"""How many planted mistakes do gradient checkers find, and how often do they cry wolf?

    python -m benchmarks.checkers [--quick] [--seeds 3] [--idioms] [--real] [--json FILE]

Prints a Markdown table with a row per checker: `gradcheck.check`; the recipe of the course CS231n
(central differences with h = 1e-5, the largest relative error of an entry against a threshold); and
those of PyTorch, JAX and HIPS autograd, where installed (`pip install torch jax autograd`). With
`--idioms` the idioms alone are looked at, and below each row stand those called wrong; with
`--real` the bugs of public code and of students alone, and below each row stand those that were
missed and the right versions that were accused.

Mistakes.  The layers of benchmarks/mistakes are wrong in a line or two each. A checker finds
a mistake if it reports a failure or raises. "In a gradient": plain differences at one generic point
reveal it. "Beyond": all others, such as an input that is written to, a cache that does not survive
another call, an overflow, a wrong forward pass. "Unseen": in layers on which nothing was tuned.
Update rules are left out. Names count if the first tensor named is wrong, the first kind fair.

False alarms.  The same layers without mistakes, for several seeds: with inputs as they were drawn;
with zeros and ties, that is with inputs rounded and with inputs cut off at 0, where outputs stay
finite; and "hard" ones, which sit on kinks, saturate, are huge, tiny or empty. float32, for which
most tools are not made, is left out. Time is the median over correct layers with inputs as drawn.

Idioms of the wild.  The layers and functions of benchmarks/idioms are right, and written as other
people write them; an idiom counts as called wrong if it is in one of the seeds. Other tools see it
as a function of its arrays of floats, in the training pass, with several outputs flat in one array
and integers left out; what a tool raises for all the same, as for float32, counts as called wrong.
Remarks, which only ours makes, are no alarm.

Bugs of others.  The pairs of functions of benchmarks/mistakes/real had their bugs in public code,
those of benchmarks/mistakes/students are what students get wrong. A checker finds one as above; it
accuses a right version if it calls the pair without the mistake wrong. Time is the median over the
wrong pairs. Whether the first sentence of our report names the mistake as an expert would, readers
have judged who had no part in the explanations, in benchmarks/mistakes/verdicts.json: named; half,
where it gives the place or half of the cause; misleading, where it is untrue or leads astray. The
rest tells no more than that numbers differ; a sentence on which there is no verdict is unjudged.

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
import importlib.metadata
import itertools
import json
import pathlib
import statistics
import sys
import time
import warnings

import numpy as np

from benchmarks import mistakes
from benchmarks.idioms import IDIOMS
from benchmarks.judges import CHECKERS, Verdict
from benchmarks.mistakes import scenes

PAIRS = {"real bugs": mistakes.REAL, "students' mistakes": mistakes.STUDENTS}
VERDICTS = pathlib.Path(mistakes.__file__).with_name("verdicts.json")


def run(judge, *arguments):
    """The verdict, and the milliseconds it took. To raise is a way to say no."""
    with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
        started = time.perf_counter()
        try:
            verdict = judge(*arguments)
        except Exception as error:
            verdict = Verdict(True, says=f"{type(error).__name__}: {error}")
        return verdict, 1e3 * (time.perf_counter() - started)


def on_mistakes(checker, chosen):
    """What the checker says for every mistake, as dicts."""
    for mistake in chosen:
        layer, inputs = mistakes.instances(mistake)
        twin, _ = mistakes.example(mistake.layer, mistake.case)
        reference = twin if mistake.shows == "forward" else None
        verdict, _ = run(checker.on_layer, layer, inputs, reference)
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
        verdict, ms = run(checker.on_layer, layer, inputs, None)
        yield verdict._asdict() | {"name": name, "ms": ms}


def on_idioms(checker, seeds):
    """What the checker says for every idiom, as dicts: of several seeds, the worst."""
    for idiom in IDIOMS:
        verdicts = [
            run(checker.on_idiom, idiom, np.random.default_rng(seed))[0] for seed in range(seeds)
        ]
        worst = max(verdicts, key=lambda verdict: (verdict.alarm, verdict.remarks or 0))
        yield worst._asdict() | {"name": idiom.name, "how": idiom.how}


def on_pairs(checker, chosen):
    """What the checker says for every mistake in a pair of functions, and for its right version."""
    verdicts = json.loads(VERDICTS.read_text())
    for mistake in chosen:
        verdict, ms = run(checker.on_pair, mistake, np.random.default_rng(0))
        right, _ = run(checker.on_idiom, mistake.right, np.random.default_rng(0))
        yield verdict._asdict() | {
            "id": mistake.id,
            "ms": ms,
            "accused": right.alarm,
            "says of the right one": right.says,
            "named": verdicts.get(mistake.id, {}).get(verdict.says, "unjudged"),
        }


def correct_layers(seeds, sources, *changes):
    """Yields `(name, layer, *inputs)` from the sources, on inputs with each of the changes."""
    for seed, change, source in itertools.product(range(seeds), changes, sources):
        for name, layer, *inputs in source(seed):
            inputs = scenes.change(layer, inputs, change)
            with np.errstate(all="ignore"):
                out, _ = copy.deepcopy(layer).forward(*inputs)
            if np.isfinite(out).all() and inputs[0].dtype == np.float64:
                yield name, layer, *inputs


def share(records, key="alarm"):
    return f"{sum(bool(record[key]) for record in records)} of {len(records)}"


def summary_of_idioms(records):
    """Their cells of a row of the table, by the name of the column."""
    makes_remarks = any(record["remarks"] is not None for record in records)
    return {
        "idioms called wrong": share(records),
        "idioms with a remark": share(records, "remarks") if makes_remarks else "–",
    }


def summary_of_pairs(records, group):
    """The cells of one group of pairs of functions."""
    named = collections.Counter(record["named"] for record in records if record["alarm"])
    told = any(record["remarks"] is not None for record in records)
    counts = [named[verdict] for verdict in ("yes", "half", "misleading", "unjudged")]
    spent = statistics.median(record["ms"] for record in records)
    return {
        group: share(records),
        f"{group}, right versions accused": share(records, "accused"),
        f"{group}, named / half / misleading / unjudged": (
            " / ".join(map(str, counts)) if told else "–"
        ),
        f"{group}, ms": f"{spent:.1f}",
    }


def summary_of_layers(results):
    """The cells of layers, right and wrong."""
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


def summary(results):
    """The cells of a row of the table, by the name of the column."""
    cells = summary_of_layers(results) if "mistakes" in results else {}
    if "idioms" in results:
        cells |= summary_of_idioms(results["idioms"])
    for group in filter(results.get, PAIRS):
        cells |= summary_of_pairs(results[group], group)
    return cells


def remarkable(results):
    """What stands below a row: idioms and right pairs called wrong, and wrong pairs missed."""
    for record in results.get("idioms", ()):
        if record["alarm"]:
            yield record["name"], record["says"]
    for group in filter(results.get, PAIRS):
        for record in results[group]:
            if not record["alarm"]:
                yield record["id"], "missed"
            if record["accused"]:
                yield f"{record['id']}, right version", record["says of the right one"]


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checkers")
    parser.add_argument("--quick", action="store_true", help="one seed, every fourth mistake")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of correct layers (default 3)")
    alone = parser.add_mutually_exclusive_group()
    alone.add_argument(
        "--idioms", action="store_true", help="idioms alone, with those called wrong"
    )
    alone.add_argument(
        "--real", action="store_true", help="bugs of public code and of students alone"
    )
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
    versions = {"python": sys.version.split()[0]}
    report: dict[str, dict] = {}
    for name, (make, package) in CHECKERS.items():
        try:
            checker = make()
        except ImportError:
            print(f"{name}: left out, as {package} is not installed", file=sys.stderr)
            continue
        versions[package] = importlib.metadata.version(package)
        results = report[name] = {}
        if not options.real:
            results["idioms"] = [*on_idioms(checker, seeds)]
        if not options.idioms:
            for group, chosen in PAIRS.items():
                results[group] = [*on_pairs(checker, chosen[::step])]
        if not (options.idioms or options.real):
            results["mistakes"] = [*on_mistakes(checker, known[::step])]
            results["unseen"] = [*on_mistakes(checker, mistakes.UNSEEN[::step])]
            for data, choice in correct.items():
                results[data] = [*on_correct_layers(checker, correct_layers(seeds, *choice))]
        cells = summary(results)
        if len(report) == 1:
            print(f"| checker | {' | '.join(cells)} |\n|---|{'---:|' * len(cells)}")
        print(f"| {name} | {' | '.join(cells.values())} |", flush=True)
        for what, says in remarkable(results) if options.idioms or options.real else ():
            print(f"    {what}: {' '.join(says.split())[:160]}")
    print(f"\nWith {', '.join(map(' '.join, versions.items()))}.")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"versions": versions} | report, indent=1))


if __name__ == "__main__":
    main()
