"""Runs beside each other: `chainrule compare`, and a table and a picture for whoever has several.

    runs = [read("runs/a"), read("runs/b")]
    print(table(runs))
    picture(runs, "compare.png")

A run is read from its config.json and metrics.csv, so that one in progress and one that was killed
compare too; what the checkpoint tells of the same epochs must be the same.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.nets import FileError
from chainrule.nets.files import brief, read_file, write_file
from chainrule.pictures.drawing import Panel, Picture, curve, over_epochs, powers, short
from chainrule.training.measures import ACCURACY, Measure, measure_of
from chainrule.training.options import RULES, Parser, worded
from chainrule.training.run.folder import (
    CHECKPOINT,
    COLUMNS,
    EARLIER_COLUMNS,
    RunFolder,
    runs_in,
)
from chainrule.training.run.networks import said
from chainrule.training.text import aligned

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DATA = ("examples", "shape", "classes", "mean", "std")  # what the same data have in common
HEADER = ("run", "data", "network", "rule", "epochs", "best validation", "at epoch", "final loss",
          "s per epoch", "seed")  # fmt: skip
# Colours by Okabe and Ito, which all eyes tell apart; the best runs have one, the others are grey.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7")
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)))
STYLES = tuple((colour, dashes) for dashes in DASHES for colour in COLOURS)
GREY = "#9aa0a6"


@dataclass(frozen=True)
class RunRecord:
    """What the folder of a run tells of it.

    `options` and `data` are as in config.json, `network` and `rule` say them in words, `planned`
    are the epochs it was begun for; `loss`, `val_score` and `seconds` have an entry for every
    epoch that is finished, a score of None where there is none.
    """

    path: Path
    options: dict[str, Any]
    data: dict[str, Any]
    network: str
    rule: str
    planned: int
    loss: list[float]
    val_score: list[float | None]
    seconds: list[float]
    measure: Measure = ACCURACY

    @property
    def best(self) -> tuple[float, int] | None:
        """The best validation score and the first epoch that had it; None without scores."""
        scores = [score for score in self.val_score if score is not None]
        if not scores:
            return None
        return max(scores), self.val_score.index(max(scores)) + 1


def read(path: str | Path) -> RunRecord:
    """Read the run in the folder at `path`.

    Raises:
        FileError: there is no run, or config.json or metrics.csv is damaged.
    """
    folder = RunFolder.open(path)
    metrics = read_metrics(folder / "metrics.csv")
    if (folder / CHECKPOINT).exists():
        check_history(folder, metrics)
    try:
        # Runs of earlier versions do not say that they have the one network that there was.
        options = {"net": "mlp", "channels": []} | folder.config["options"]
        data = folder.config["data"]
        return RunRecord(
            folder.path,
            options,
            {name: data[name] for name in ("name", "fingerprint", *DATA)},
            said(options),
            rule_of(options),
            int(options["epochs"]),
            **{name: metrics[name] for name in ("loss", "val_score", "seconds")},
            measure=measure_of(data.get("targets", ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(f"{path}/config.json: damaged: {error!r}") from None


def check_history(folder: RunFolder, metrics: dict[str, list[Any]]) -> None:
    """Compare the metrics with what the checkpoint tells of the same epochs: metrics.csv has no
    checksum. The checkpoint is written first, so that it may be an epoch ahead.

    Raises:
        FileError: they are not the same.
    """
    told = folder.check_made_for(CHECKPOINT)
    run = told.get("run")
    known = told.get("metrics", run.get("history") if isinstance(run, dict) else None)
    for name in metrics:
        column = known.get(name) if isinstance(known, dict) else None
        if not isinstance(column, list):
            raise FileError(f"{folder / CHECKPOINT}: damaged: it tells nothing of {name}")
        pairs = enumerate(zip(metrics[name], column, strict=False), start=1)
        if wrong := [epoch for epoch, (one, other) in pairs if one != other]:
            raise FileError(
                f"{folder / 'metrics.csv'}, line {wrong[0] + 1}: {name} is "
                f"{metrics[name][wrong[0] - 1]}, in {CHECKPOINT} it is "
                f"{brief(column[wrong[0] - 1], 40)}: one of them is damaged"
            )
        of_ours = isinstance(run, dict) and isinstance(run.get("notes"), dict)
        if of_ours and len(metrics[name]) > len(column):
            raise FileError(
                f"{folder / 'metrics.csv'}: has {len(metrics[name])} epochs, {CHECKPOINT} only "
                f"{len(column)}: one of them is damaged or older"
            )


def rule_of(options: dict[str, Any]) -> str:
    """The update rule and its learning rate, as in `adam 0.002`."""
    rate = RULES[options["rule"]]().lr if options["lr"] is None else options["lr"]
    return f"{options['rule']} {rate:g}"


def read_metrics(path: Path) -> dict[str, list[Any]]:
    """Read the columns of a metrics.csv: floats, and None where there is no figure.

    Raises:
        FileError: the file is missing, cut short or damaged; the message names the line.
    """
    try:
        text = read_file(path).decode()
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: cannot be read: {brief(error)}") from None
    header, *lines = text.split("\n")
    columns = EARLIER_COLUMNS if header == ",".join(EARLIER_COLUMNS) else COLUMNS
    if header != ",".join(columns):
        raise FileError(f"{path}: begins {header!r:.60}, expected {','.join(COLUMNS)}")
    if lines[-1:] != [""]:
        raise FileError(f"{path}: cut short: its last line has no end")
    rows = []
    for epoch, line in enumerate(lines[:-1], start=1):
        place, cells = f"{path}, line {epoch + 1}", line.split(",")
        if len(cells) != len(columns):
            raise FileError(f"{place}: {len(cells)} columns, expected {len(columns)}")
        if cells[0] != str(epoch):
            raise FileError(f"{place}: epoch is {cells[0]!r:.40}, expected {epoch}")
        rows.append([figure(place, *pair) for pair in zip(columns, cells, strict=True)])
    return {name: [row[i] for row in rows] for i, name in enumerate(columns)}


def figure(place: str, name: str, cell: str) -> float | None:
    """The number in a cell; None for a figure that may be left empty."""
    if not cell and name.startswith(("train_", "val_")):
        return None
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise FileError(f"{place}: {name} is {cell!r:.40}, expected a finite number")
    return value


def ranked(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """The runs by their best validation score; those without one last."""
    return sorted(runs, key=lambda run: run.best[0] if run.best else -math.inf, reverse=True)


def names_of(runs: Sequence[RunRecord]) -> list[str]:
    """What the runs are called: the names of their folders, with the way there if that is not
    enough to tell them apart."""
    names = [run.path.resolve().name for run in runs]
    if len(set(names)) == len(names):
        return names
    return [str(run.path) for run in runs]


def data_of(runs: Sequence[RunRecord]) -> list[str]:
    """What the data of the runs are called; different data of one name are numbered."""
    if len({run.options.get("dtype") for run in runs}) == 1:
        keys = [str(run.data["fingerprint"]) for run in runs]
    else:  # the fingerprint is of arrays of one dtype
        keys = [json.dumps([run.data[name] for name in DATA]) for run in runs]
    names = {key: Path(str(run.data["name"])).name for key, run in zip(keys, runs, strict=True)}
    shared = Counter(names.values())
    for name in shared:
        same = [key for key in names if names[key] == name]
        for number, key in enumerate(same, start=1):
            names[key] = f"{name} ({number})" if len(same) > 1 else name
    return [names[key] for key in keys]


def table(runs: Sequence[RunRecord]) -> str:
    """A line per run, that with the best validation score first; below it the options that are
    not the same in all, and what does not compare."""
    runs = ranked(runs)
    names, data = names_of(runs), data_of(runs)
    rows = [(name, source, *told(run)) for run, name, source in zip(runs, names, data, strict=True)]
    parts = [aligned([HEADER, *rows], right=range(4, len(HEADER)))]
    options = {
        option: [worded(run.options.get(option)) for run in runs]
        for option in dict.fromkeys(option for run in runs for option in run.options)
    }
    differing = {option: words for option, words in options.items() if len(set(words)) > 1}
    if differing:
        lines = zip(names, *differing.values(), strict=True)
        parts.append(aligned([("differs in", *differing), *lines]))
    if len(set(data)) > 1:
        parts.append("The runs are on different data: scores of different data do not compare.")
    if "loss" in differing:
        parts.append("The runs minimise different losses: their values do not compare.")
    return "\n\n".join(parts)


def told(run: RunRecord) -> tuple[str, ...]:
    """The cells of a run in the table, from its network on."""
    score, epoch = (run.measure.text(run.best[0]), str(run.best[1])) if run.best else ("-", "-")
    done, loss, seconds = len(run.loss), "-", "-"
    if done:
        loss, seconds = f"{run.loss[-1]:.4f}", f"{sum(run.seconds) / done:.3g}"
    epochs, seed = f"{done} of {run.planned}", worded(run.options.get("seed"))
    return run.network, run.rule, epochs, score, epoch, loss, seconds, seed


def picture(runs: Sequence[RunRecord], path: str | Path) -> None:
    """Draw loss and validation score of the runs over their epochs as a PNG. The ten best have a
    colour and a name each, the others are grey.

    Raises:
        FileError: the file cannot be written.
    """
    runs = ranked(runs)
    panels = [
        Panel(partial(losses, runs), "loss of the runs over their epochs"),
        Panel(partial(scores, runs), "validation score of the runs over their epochs"),
        Panel(partial(legend, runs), "names of the runs"),
    ]
    reading = "The higher the validation score the better; the loss should fall and level off."
    write_file(path, Picture("compare", "Runs", reading, panels, height=3.2).png())


def styles(runs: Sequence[RunRecord]) -> list[tuple[RunRecord, dict[str, Any]]]:
    """The runs with the style of their line, the best last, to be drawn above the others."""
    chosen = [*STYLES, *[(GREY, "-")] * len(runs)]
    pairs = zip(runs, chosen, strict=False)
    return [
        (run, curve(colour, len(run.loss)) | {"ls": dashes}) for run, (colour, dashes) in pairs
    ][::-1]


def losses(runs: Sequence[RunRecord], axes: Axes) -> None:
    for run, style in styles(runs):
        axes.plot(range(1, len(run.loss) + 1), run.loss, **style)
    found = [loss for run in runs for loss in run.loss]
    if found and 0 < 20 * min(found) < max(found):
        powers(axes)
    over_epochs(axes, "training loss")


def scores(runs: Sequence[RunRecord], axes: Axes) -> None:
    for run, style in styles(runs):
        y = [math.nan if score is None else score for score in run.val_score]
        axes.plot(range(1, len(y) + 1), y, **style)
    measure = measure_in_common(runs)
    axes.yaxis.set_major_formatter(measure.tick)
    over_epochs(axes, f"validation {measure.name}")


def measure_in_common(runs: Sequence[RunRecord]) -> Measure:
    """What the scores of the runs are; just scores, where they are not the same in all."""
    measures = {run.measure for run in runs}
    return measures.pop() if len(measures) == 1 else Measure("score", ".4f", "")


def legend(runs: Sequence[RunRecord], axes: Axes) -> None:
    """The names of the runs with their best score, the best first."""
    named, others = styles(runs)[::-1][: len(STYLES)], len(runs) - len(STYLES)
    for (run, style), name in zip(named, names_of(runs), strict=False):
        best = f"   {run.measure.text(run.best[0])}" if run.best else ""
        axes.plot([], [], **style, label=short(name, 30) + best)
    if others > 0:
        axes.plot([], [], color=GREY, label=f"{others} other{'s' if others > 1 else ''}")
    title = f"best validation {measure_in_common(runs).name} first"
    axes.legend(loc="upper left", borderaxespad=0, title=title, alignment="left", handlelength=2.8)
    axes.set_axis_off()


def compare_parser() -> Parser:
    out = Parser(prog="chainrule compare", description="Compares runs, in a table and a picture.")
    out.add_argument("runs", metavar="DIR", nargs="+", help="the folder of a run, or one of runs")
    out.add_argument("--out", metavar="FILE",
                     help="the picture, in the place of any that is there; left out, compare.png "
                     "in the current folder, or none of a single run")  # fmt: skip
    return out


def compare(options: Any) -> str:
    """Draws the runs, if there are several or a picture was asked for, and returns their table.
    Raises FileError where a run cannot be read or the picture cannot be written."""
    out = options.out or "compare.png"
    if Path(out).suffix.lower() != ".png":
        raise FileError(f"--out {out}: expected a name that ends in .png")
    paths = dict.fromkeys(path for one in options.runs for path in within(one))
    runs = [read(path) for path in paths]
    if len(runs) == 1 and options.out is None:
        return table(runs)
    picture(runs, out)
    return f"{table(runs)}\n\n{out}: their curves"


def within(path: str | Path) -> list[Path]:
    """The run at `path`, or where that is a folder of runs, all of those."""
    found = runs_in(path)
    if found and not (Path(path) / "config.json").exists():
        return [run for one in found for run in within(one)]
    if "kind" not in RunFolder.open(path).config:
        return [Path(path)]
    if found:
        return found
    raise FileError(f"{path}: holds several runs, but none of them was begun")
