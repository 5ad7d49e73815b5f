"""How fast the library is, against others and against the bare matrix products.

    python -m benchmarks [--quick] [--only layers rules steps inference checks convolutions
                         image_layers image_steps] [--threads 1 2] [--avx2] [--out FOLDER]
                         [--contenders ours pytorch …]

Every contender works in a process of its own, and all take turns on a case, round by round. A
layer is called forward and backward; with one thread, what counts is the processor time, else the
time by the clock. The table shows ours in µs, the median over the rounds, and ours ÷ the time of
each contender. FOLDER gets results.json, written case by case, so that a run that was stopped goes
on where it was when FOLDER is named again; and, in the end, results.md and a picture per kind. With
--avx2 nobody uses what the processor has beyond AVX2, as on most desktops. What a graph costs over
the same layers by hand: `python -m benchmarks.graphs`.
"""

import argparse
import datetime
import json
from pathlib import Path

from tqdm import tqdm

from benchmarks import cases
from benchmarks.drawing import ratio_picture
from benchmarks.machine import in_words, machine
from benchmarks.race import NEEDS, Race, installed
from benchmarks.report import TITLES, header, line, markdown, row, summary, widths, write_json

RESULTS = Path(__file__).parent / "results"


def parser():
    found = argparse.ArgumentParser(
        prog="python -m benchmarks", description=(__doc__ or "").partition("\n\n")[0]
    )
    found.add_argument("--quick", action="store_true", help="every fifth case, fewer rounds")
    found.add_argument("--only", nargs="+", choices=cases.KINDS, default=[*cases.KINDS])
    found.add_argument("--threads", nargs="+", type=int, default=[1, 2], metavar="N")
    found.add_argument("--avx2", action="store_true", help="use nothing beyond AVX2")
    found.add_argument("--contenders", nargs="+", choices=NEEDS, default=[*NEEDS])
    found.add_argument("--out", type=Path, metavar="FOLDER", help="(default: a new one by date)")
    return found


def opened(path, settings):
    """The results in the file at `path`, to go on with; new ones where there is none."""
    now = datetime.datetime.now().isoformat(timespec="seconds")
    new = {"machine": machine(), "settings": settings, "begun": now, "records": []}
    if not path.exists():
        return new
    old = json.loads(path.read_text())
    for key in ("machine", "settings"):
        if old[key] != new[key]:
            raise SystemExit(
                f"{path} was measured with {key} {old[key]}, not {new[key]}; give another --out"
            )
    return old


def measure(results, path, kinds, thread_counts, names):
    """Run all cases that `results` lacks, and write it to `path` after each."""
    settings = results["settings"]
    done = {(record["name"], record["threads"]) for record in results["records"]}
    chosen = [case for kind in kinds for case in cases.KINDS[kind]()]
    todo = [
        (threads, case)
        for threads in thread_counts
        for case in (cases.quick(chosen) if settings["quick"] else chosen)
        if (cases.name_of(case), threads) not in done
    ]
    with tqdm(total=len(todo), unit="case", dynamic_ncols=True) as bar:
        for threads in thread_counts:
            own = [case for at, case in todo if at == threads]
            if own:
                with Race(names, threads, results["settings"]["avx2"]) as race:
                    run(race, own, results, path, bar)


def run(race, chosen, results, path, bar):
    settings, kind = results["settings"], None
    names = [name for name in TITLES if name in race.racers]
    for case in chosen:
        times = race.run(case, settings["rounds"], settings["seconds"])
        record = {
            "name": cases.name_of(case),
            "threads": race.threads,
            "case": case,
            "times": {
                name: dict(zip(("median", "low", "high"), found, strict=True))
                for name, found in times.items()
            },
        }
        results["records"].append(record)
        write_json(path, results)
        if case["kind"] != kind:
            kind = case["kind"]
            bar.write(f"\n{kind}, threads: {race.threads}")
            bar.write(line(header(names), widths(names)))
        bar.write(line(row(record, names), widths(names)))
        bar.update()


def finish(results, folder):
    """Print the summary, and write results.md and the pictures."""
    records = results["records"]
    how = "{rounds} rounds of {seconds} s".format(**results["settings"])
    how += ", nothing beyond AVX2 in use" if results["settings"]["avx2"] else ""
    about = f"{in_words(results['machine'])}; {results['begun'][:10]}; {how}."
    (folder / "results.md").write_text(markdown(records, about), encoding="utf-8")
    for kind in {record["case"]["kind"]: None for record in records}:
        own = [record for record in records if record["case"]["kind"] == kind]
        ratio_picture(kind, own).save(folder / f"{kind}.png")
    print("\n".join(["", *summary(records), "", f"{about}\nWritten: {folder}"]))


def main(arguments=None):
    options = parser().parse_args(arguments)
    present, missing = installed()
    for package in missing:
        print(f"{package} is not installed and is left out.")
    names = [name for name in options.contenders if name in present]
    folder = options.out or RESULTS / f"{datetime.datetime.now():%Y-%m-%d_%H%M%S}"
    folder.mkdir(parents=True, exist_ok=True)
    rounds, seconds = (3, 0.02) if options.quick else (9, 0.1)
    settings = {
        "quick": options.quick,
        "rounds": rounds,
        "seconds": seconds,
        "contenders": names,
        "avx2": options.avx2,
    }
    results = opened(folder / "results.json", settings)
    try:
        measure(results, folder / "results.json", options.only, options.threads, names)
    except KeyboardInterrupt:
        raise SystemExit(f"\nStopped. To go on: add --out {folder}") from None
    finish(results, folder)


if __name__ == "__main__":
    main()
