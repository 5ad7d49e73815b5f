"""The report of a run, at its end or whenever it is asked for: `chainrule report RUN`."""

from __future__ import annotations

import argparse

from chainrule.solvers import Solver
from chainrule.training.measures import measure_of
from chainrule.training.options import worded
from chainrule.training.report.evidence import RunEvidence
from chainrule.training.report.kinds import evidence_of
from chainrule.training.report.writing import write_pictures, write_report
from chainrule.training.run.console import best_of, misgiving
from chainrule.training.run.networks import chain, taken_alone
from chainrule.training.run.state import Run

#: Options that say nothing of what was trained.
UNTOLD = ("run_dir", "no_report", "pictures", "log", "tensorboard", "live")


def draw(run: Run, *, pictures: bool = False) -> None:
    """Writes report.html of a run whose model is the best one, and the `pictures` beside it. Raises
    FileError where a file cannot be written."""
    evidence = evidence_on(run)
    write_report(run.folder / "report.html", evidence)
    if pictures:
        write_pictures(run.folder.path, evidence)


def evidence_on(run: Run) -> RunEvidence:
    """What a run whose model is the best one leaves behind."""
    model, solver, dataset = run.model, run.solver, run.dataset
    options, (train, val, test) = run.options, run.folder.config["data"]["examples"]
    best, epoch = best_of(solver)
    measure = measure_of(dataset.targets)
    summary = [
        ("data", f"{dataset.name}: {train:,} + {val:,} + {test:,}"),
        ("network", chain(options, dataset)),
        ("units", f"{options.activation}, norm {options.norm}, keep {options.dropout or 1}"),
        ("parameters", f"{sum(array.size for array in model.params.values()):,}"),
        ("rule", f"{options.rule}, rate {solver.rule.lr:g}, {options.schedule}"),
        ("loss", f"{options.loss}, l2 {model.l2:g}"),
        ("epochs", f"{solver.epoch} in {sum(solver.history.seconds):.1f} s"),
        (f"validation {measure.name}", f"{measure.text(best)}, after epoch {epoch}"),
        (f"test {measure.name}", measure.text(model.score(dataset.x_test, dataset.y_test))),
    ]
    return evidence_of(
        run.folder.path.resolve().name,
        model,
        solver,
        dataset,
        summary=summary,
        note=misgiving(solver.history.val_score, dataset),
        options=told(options, solver),
        records=run.keeper.monitor.records,
    )


def told(options: argparse.Namespace, solver: Solver) -> dict[str, str]:
    """The options that say what was trained and how, by their names and as one would type them;
    those that were not used are left out."""
    used = taken_alone(vars(options)) | {"lr": solver.rule.lr}
    return {
        f"--{name.replace('_', '-')}": worded(value)
        for name, value in used.items()
        if name not in UNTOLD and value is not None and value is not False
    }
