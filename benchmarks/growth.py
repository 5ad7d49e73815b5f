"""How the cost of a training step grows with the batch, the width and the depth of a network.

    python -m benchmarks.growth [--quick] [--threads 1] [--out FOLDER]

Steps of momentum on networks 784-…-10 in float32, one of the three varied at a time, by Chainrule
and by the bare matrix products, in turns. Prints the times and the exponents k of time ≈ c sizeᵏ,
fitted to the logarithms by least squares, with their standard errors; FOLDER gets growth.json and
growth.png. The products say which exponents are to be expected: the first layer does not grow with
the depth, and small products do not use a processor as well as large ones.
"""

import argparse
from functools import partial
from pathlib import Path

from tqdm import tqdm

from benchmarks.drawing import plain
from benchmarks.machine import machine
from benchmarks.race import Race
from benchmarks.report import exponent, micro, table, write_json
from chainrule.pictures import Panel, Picture
from chainrule.pictures.drawing import BLUE, ORANGE

WIDTH, DEPTH, BATCH = 256, 2, 128
RANGES = {
    "batch": (16, 32, 64, 128, 256, 512, 1024),
    "width": (32, 64, 128, 256, 512, 1024, 2048),
    "depth": (1, 2, 4, 8, 16, 32),
}
TITLES = {"ours": "Chainrule", "floor": "matrix products"}
COLOURS = {"ours": BLUE, "floor": ORANGE}


def case(**varied):
    """A training step with one of batch, width and depth (of hidden layers) as given."""
    size = {"batch": BATCH, "width": WIDTH, "depth": DEPTH, **varied}
    return {
        "kind": "step",
        "sizes": (784, *[size["width"]] * size["depth"], 10),
        "batch": size["batch"],
        "rule": "momentum",
        "norm": False,
        "dtype": "float32",
    }


def measure(ranges, threads, rounds, seconds):
    """{what varies: {"sizes": …, contender: {"times": …, "exponent": …, "error": …}}}"""
    found = {}
    total = sum(map(len, ranges.values()))
    with Race([*TITLES], threads) as race, tqdm(total=total, unit="case") as bar:
        for what, sizes in ranges.items():
            medians: dict[str, list[float]] = {name: [] for name in TITLES}
            for size in sizes:
                for name, (median, _, _) in race.run(case(**{what: size}), rounds, seconds).items():
                    medians[name].append(median)
                bar.update()
            found[what] = {"sizes": sizes, **{n: fitted(sizes, t) for n, t in medians.items()}}
    return found


def fitted(sizes, times):
    slope, error = exponent(sizes, times)
    return {"times": times, "exponent": slope, "error": error}


def power(own):
    return f"{own['exponent']:.2f} ± {own['error']:.2f}"


def lines(found):
    """What is printed: the times of each, and the exponents."""
    parts: list[str] = []
    for what, own in found.items():
        rows = [
            [str(size), micro(ours), micro(floor), f"{ours / floor:.2f}"]
            for size, ours, floor in zip(
                own["sizes"], own["ours"]["times"], own["floor"]["times"], strict=True
            )
        ]
        parts += table([what, "ours, µs", "products, µs", "ours ÷ products"], rows)
        parts.append("")
    rows = [[what, power(own["ours"]), power(own["floor"])] for what, own in found.items()]
    return parts + table(["exponent of the", "ours", "products"], rows)


def picture(found):
    panels = [Panel(partial(draw, what, own), f"time over {what}") for what, own in found.items()]
    reading = "Parallel lines grow alike; how far they are apart is what is not matrix products."
    return Picture("growth", "How the cost of a step grows", reading, panels, 3.6, 3.2)


def draw(what, own, axes):
    for name, title in TITLES.items():
        label = f"{title}: {what}^({power(own[name])})"
        times = [1e6 * seconds for seconds in own[name]["times"]]
        axes.loglog(own["sizes"], times, "o-", ms=4, color=COLOURS[name], label=label)
    axes.set_xticks(own["sizes"], [str(size) for size in own["sizes"]], fontsize=8)
    axes.set_xticks([], minor=True)
    plain(axes.yaxis)
    axes.set_xlabel(what)
    axes.set_ylabel("µs a step")
    axes.grid(alpha=0.2)
    axes.legend(fontsize=7)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth")
    parser.add_argument("--quick", action="store_true", help="smaller networks, fewer rounds")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, metavar="FOLDER")
    options = parser.parse_args(arguments)
    ranges = {what: sizes[:3] for what, sizes in RANGES.items()} if options.quick else RANGES
    rounds, seconds = (3, 0.02) if options.quick else (9, 0.1)
    found = measure(ranges, options.threads, rounds, seconds)
    print("\n".join(lines(found)))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        about = {"machine": machine(), "threads": options.threads}
        write_json(options.out / "growth.json", {**about, "growth": found})
        picture(found).save(options.out / "growth.png")


if __name__ == "__main__":
    main()
