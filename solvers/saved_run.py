"""What a checkpoint must hold to be a run of a given solver: the schema of `restore_checkpoint`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from chainrule.nets.files import brief
from chainrule.solvers.generators import generators, plain
from chainrule.solvers.history import History, state_of
from chainrule.solvers.solver import Solver

PER_STEP = ("step_loss", "step_lr", "step_grad_norm")
PER_EPOCH = [field.name for field in fields(History) if field.name not in PER_STEP]
KEYS = {"step", "goal", "waited", "seconds", "lr", "rule", "history", "generators", "notes"}
SQUARES = ("V", "square", "squares")  # what our rules call sums of squares
MOST = 2**53  # of anything that is counted

Arrays = Mapping[str, np.ndarray]


def check_run(arrays: Arrays, run: Any, solver: Solver) -> None:
    """Raises ValueError, which says what is wrong, unless `arrays` and `run`, out of a checkpoint,
    are a run that `solver` can go on with. Nothing is changed."""
    if not isinstance(run, dict):
        raise ValueError(f"damaged: its run is {brief(repr(run), 40)}, expected names and values")
    if missing := sorted(KEYS - run.keys()):
        raise ValueError(f"damaged: {missing[0]} is missing in its run")
    if unknown := sorted(run.keys() - KEYS - {"best", "last"}):
        raise ValueError(f"damaged: its run holds {brief(repr(unknown[0]), 40)}, which is unknown")
    check_model("", arrays, solver)
    if run["rule"] != type(solver.rule).__name__:
        raise ValueError(
            f"a run with the rule {brief(run['rule'], 40)}, expected {type(solver.rule).__name__}"
        )
    check_rows(arrays, solver)
    check_generators(run["generators"], solver)
    check_counters(run, arrays, solver)
    check_rule(arrays, run["step"], solver)
    for name in ("best", "last"):
        if name in run:
            check_snapshot(name, arrays, run, solver)
    if solver.data.x_val is not None and epochs_of(run) and "best" not in run:
        raise ValueError("damaged: it has validation scores, but best is missing")
    kinds = ("params", "state", "rule", "history", "order", "sample")
    known = kinds + tuple(f"{name}/{kind}" for name in ("best", "last") for kind in kinds[:2])
    for name in arrays:
        if not any(name == one or name.startswith(f"{one}/") for one in known):
            raise ValueError(f"damaged: it holds an array {brief(repr(name), 60)} without a use")


def part(arrays: Arrays, prefix: str) -> dict[str, np.ndarray]:
    """The arrays whose names begin with `prefix`, by the rest of their names."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def check_model(prefix: str, arrays: Arrays, solver: Solver) -> None:
    """Parameters and state: those of the model by name, dtype and shape, and finite."""
    params, state = solver.model.params, state_of(solver.model)
    check_same(part(arrays, f"{prefix}params/"), params)
    check_same(part(arrays, f"{prefix}state/"), state)
    for name in params:
        check_entries(f"{prefix}params/{name}", arrays, np.isfinite, "finite numbers")
    for name, array in state.items():
        check_entries(f"{prefix}state/{name}", arrays, lambda a: ~np.isinf(a), "finite numbers")
        if name.endswith("running_var"):  # of BatchNorm
            check_entries(f"{prefix}state/{name}", arrays, not_negative, "numbers of at least 0")
        if (
            array.dtype.kind != "f" or not np.isnan(array).any()
        ):  # of a layer to which nan is a sign
            check_entries(f"{prefix}state/{name}", arrays, not_nan, "numbers")


def check_same(found: Arrays, expected: Arrays) -> None:
    """Raises ValueError unless both hold the same names, with the same shapes and dtypes."""
    for name in [*found, *expected]:
        here, there = (described(held.get(name)) for held in (found, expected))
        if here != there:
            raise ValueError(
                f"of another architecture: {brief(name, 60)} is {here} in the file and {there} in "
                f"this run"
            )


def described(array: np.ndarray | None) -> str:
    """Dtype and shape in words; a file does not keep the byte order of another machine."""
    return "missing" if array is None else f"{array.dtype.newbyteorder('=')} {array.shape}"


def not_nan(array: np.ndarray) -> Any:
    return ~np.isnan(array)


def not_negative(array: np.ndarray) -> Any:
    return ~(array < 0)


def check_entries(
    name: str, arrays: Arrays, right: Callable[[np.ndarray], Any], expected: str
) -> None:
    """Raises ValueError unless all entries are `right`."""
    wrong = ~np.asarray(right(arrays[name]), bool)
    if wrong.any():
        first = arrays[name][wrong].flat[0]
        raise ValueError(
            f"damaged: {name} holds {first} ({np.count_nonzero(wrong)} of {wrong.size} entries), "
            f"expected {expected}"
        )


def check_rows(arrays: Arrays, solver: Solver) -> None:
    """The order of the training examples, and those that are scored."""
    for name, expected in (("order", solver.order), ("sample", solver.sample)):
        if name not in arrays:
            raise ValueError(f"damaged: the array {name} is missing")
        rows = arrays[name]
        if name == "order" and rows.shape != expected.shape:
            raise ValueError(
                f"a run on {len(rows) if rows.ndim else 1:,} training examples, expected "
                f"{len(expected):,}"
            )
        if described(rows) != described(expected):
            raise ValueError(
                f"damaged: {name} is {described(rows)}, expected {described(expected)}"
            )
    n = len(solver.order)
    if not np.array_equal(np.sort(arrays["order"]), np.arange(n)):
        raise ValueError(f"damaged: order is not each of the numbers 0 to {n - 1:,} once")
    sample = arrays["sample"]
    if not ((sample >= 0) & (sample < n)).all() or not (np.diff(sample) > 0).all():
        raise ValueError(f"damaged: sample is not rising numbers from 0 to {n - 1:,}")


def check_generators(saved: Any, solver: Solver) -> None:
    """Each state is one that a generator of its kind takes, and gives back as it was."""
    drawn_from = generators(solver.rng, solver.model)
    kinds = [type(rng.bit_generator).__name__ for rng in drawn_from]
    if not isinstance(saved, list) or not all(isinstance(one, dict) for one in saved):
        raise ValueError("damaged: its generators are not a list of states")
    if kinds != [one.get("bit_generator") for one in saved]:
        raise ValueError(f"its {len(saved)} random generators are not these")
    for rng, state in zip(drawn_from, saved, strict=True):
        trial: Any = type(rng.bit_generator)(0)
        try:
            trial.state = state
            same = plain(trial.state) == state
        except Exception:  # of a dozen kinds, from within NumPy
            same = False
        if not same or not is_sound(state):
            raise ValueError(f"damaged: its state of a {state['bit_generator']} generator is none")


def is_sound(state: Mapping[str, Any]) -> bool:
    """Whether a generator with this state, which NumPy takes, draws as it should: beyond the end of
    its numbers it would read on."""
    inner: Any = state.get("state")
    increment = inner.get("inc", 1) if isinstance(inner, dict) else 1
    place = inner.get("pos", 0) if isinstance(inner, dict) else 0
    return (
        increment % 2 == 1
        and 0 <= place <= 624
        and 0 <= state.get("buffer_pos", 0) <= 4
        and state.get("has_uint32", 0) in (0, 1)
    )


def epochs_of(run: Mapping[str, Any]) -> int:
    """The number of epochs finished."""
    return len(run["history"]["epoch"])


def check_counters(run: Mapping[str, Any], arrays: Arrays, solver: Solver) -> None:
    """The figures of every step and of every epoch, and the counters, which go with them."""
    figures = run["history"]
    if isinstance(figures, dict) and isinstance(figures.get("epoch"), list):
        figures.setdefault("val_loss", [None] * len(figures["epoch"]))  # of an earlier version
    if not isinstance(figures, dict) or sorted(figures) != sorted(PER_EPOCH):
        raise ValueError(f"damaged: its history is not one of {', '.join(PER_EPOCH)}")
    for name, column in figures.items():
        if not isinstance(column, list) or len(column) != len(figures[PER_EPOCH[0]]):
            raise ValueError(f"damaged: {name} in its history has not an entry for each epoch")
    epochs = len(figures["epoch"])
    if figures["epoch"] != [*range(1, epochs + 1)]:
        raise ValueError(f"damaged: the epochs of its history are not those from 1 to {epochs}")
    for name in ("loss", "grad_norm", "seconds"):
        check_figures(name, figures[name], least=-math.inf if name == "loss" else 0.0)
    if not all(type(score) in (float, int, type(None)) for score in figures["train_score"]):
        raise ValueError("damaged: train_score in its history is not of numbers")
    check_figures("val_loss", [loss for loss in figures["val_loss"] if loss is not None])
    scores = figures["val_score"]
    if solver.data.x_val is None:
        if scores != [None] * epochs:
            raise ValueError("damaged: it has validation scores, expected none")
    else:
        check_figures("val_score", scores)

    step = run["step"]
    check_whole("step", step, 0, MOST)
    spe = solver.steps_per_epoch
    if not epochs * spe <= step <= (epochs + 1) * spe:
        raise ValueError(
            f"a run with {step} steps in {epochs} epochs, expected {spe} an epoch: its batches "
            f"were of another size"
        )
    for name in PER_STEP:
        array = arrays.get(f"history/{name}")
        if array is None or described(array) != f"float64 ({step},)":
            raise ValueError(
                f"damaged: history/{name} is {described(array)}, expected float64 ({step},)"
            )
        check_entries(f"history/{name}", arrays, np.isfinite, "finite numbers")
    if extra := part(arrays, "history/").keys() - {*PER_STEP}:
        raise ValueError(f"damaged: its history holds {brief(repr(min(extra)), 40)}")
    check_entries("history/step_lr", arrays, lambda a: a > 0, "positive numbers")
    check_entries("history/step_grad_norm", arrays, not_negative, "numbers of at least 0")
    check_whole("goal", run["goal"], epochs, MOST)
    check_whole("waited", run["waited"], 0, epochs)
    check_figures("seconds", [run["seconds"]], least=0.0)
    check_figures("lr", [run["lr"]], least=5e-324)


def check_whole(name: str, value: Any, least: int, most: int) -> None:
    """Raises ValueError unless `value` is a whole number from `least` to `most`."""
    if type(value) is not int or not least <= value <= most:
        raise ValueError(
            f"damaged: {name} is {brief(repr(value), 40)}, expected a whole number from {least:,} "
            f"to {most:,}"
        )


def check_figures(name: str, column: Sequence[Any], least: float = -math.inf) -> None:
    """Raises ValueError unless all of `column` are finite numbers of at least `least`."""
    for value in column:
        if type(value) not in (int, float) or not (least <= value and abs(value) < math.inf):
            above = f" of at least {least:g}" if least > -math.inf else ""
            raise ValueError(
                f"damaged: {name} is {brief(repr(value), 40)}, expected a finite number{above}"
            )


def check_rule(arrays: Arrays, step: int, solver: Solver) -> None:
    """What the update rule remembers: of each parameter, with its shape and dtype, and of itself.
    Sums of squares that have overflowed go on as infinity, but nothing goes on as nan."""
    found, rule = part(arrays, "rule/"), solver.rule
    kept = {f"{name}.{what}": w for name, w in solver.model.params.items() for what in rule.memory}
    ours = type(rule).__module__.startswith("chainrule.")
    if step and (missing := sorted((kept.keys() | rule.state.keys()) - found.keys())):
        raise ValueError(f"damaged: {missing[0]} of its rule is missing")
    for name, array in found.items():
        expected = kept.get(name, rule.state.get(name))
        if expected is None and ours:
            raise ValueError(f"damaged: its rule holds {brief(repr(name), 60)}, which is unknown")
        wide = name in kept and array.dtype == np.float64  # of large gradients, in any dtype
        if wide:
            expected = np.broadcast_to(np.float64(0), kept[name].shape)
        if expected is not None and described(array) != described(expected):
            raise ValueError(
                f"damaged: {name} of its rule is {described(array)}, expected {described(expected)}"
            )
        if array.dtype.kind == "f":
            check_entries(f"rule/{name}", arrays, lambda a: a > -math.inf, "numbers")
        if ours and name.rpartition(".")[2] in SQUARES:
            check_entries(f"rule/{name}", arrays, not_negative, "numbers of at least 0")
        if ours and array.dtype.kind == "i":
            check_entries(f"rule/{name}", arrays, lambda a: (a >= 0) & (a <= MOST), "a count")


def check_snapshot(name: str, arrays: Arrays, run: Mapping[str, Any], solver: Solver) -> None:
    """The best or the last of a run, which is that of one of its epochs."""
    about, epochs = run[name], epochs_of(run)
    if not isinstance(about, dict) or sorted(about) != ["epoch", "score"]:
        raise ValueError(f"damaged: its {name} does not hold epoch and score alone")
    check_whole(f"the epoch of its {name}", about["epoch"], 0, epochs)
    if about["score"] is not None:
        check_figures(f"the score of its {name}", [about["score"]])
    if name == "best" and about["epoch"] and about["score"] is not None:
        score = run["history"]["val_score"][about["epoch"] - 1]
        if score is not None and score != about["score"]:
            raise ValueError(
                f"damaged: its best score is {about['score']}, that of epoch {about['epoch']} is "
                f"{score}"
            )
    if name == "best" and run["waited"] > epochs - about["epoch"]:
        raise ValueError(
            f"damaged: it has waited {run['waited']:,} epochs for a score better than that of "
            f"epoch {about['epoch']:,} of {epochs:,}"
        )
    check_model(f"{name}/", arrays, solver)
