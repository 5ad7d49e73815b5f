"""A run on disk: all that `Solver` needs to go on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from os import PathLike
from typing import Any

import numpy as np

from chainrule.nets.blueprint import blueprint
from chainrule.nets.files import FileError, read_arrays, write_arrays
from chainrule.solvers.generators import generators, set_state, state_of_generator
from chainrule.solvers.history import History, Snapshot, state_of, write
from chainrule.solvers.solver import Solver

PER_STEP = ("step_loss", "step_lr", "step_grad_norm")
PER_EPOCH = [field.name for field in fields(History) if field.name not in PER_STEP]


def save_checkpoint(path: str | PathLike[str], solver: Solver, notes: Any = None) -> None:
    """Write a run between two steps to a safetensors file, in one go: parameters and state, the
    best and the last ones, the memory of the update rule, history, and the state of every
    generator that the solver or its model draws from. `notes` is anything that JSON can hold.

    `nets.load(path)` makes the network of it, where the model has one as `net`.
    Raises FileError where the file cannot be written; an older one is then as it was.
    """
    described: dict[str, Any] = {
        "step": solver.step,
        "goal": solver.goal,
        "waited": solver.waited,
        "seconds": solver.seconds,
        "lr": solver.rule.lr,
        "rule": type(solver.rule).__name__,
        "history": {name: getattr(solver.history, name) for name in PER_EPOCH},
        "generators": [state_of_generator(rng) for rng in generators(solver.rng, solver.model)],
        "notes": notes,
    }
    arrays = model_arrays("", solver.model.params, state_of(solver.model))
    arrays |= {f"rule/{name}": array for name, array in solver.rule.state.items()}
    arrays |= {f"history/{name}": np.array(getattr(solver.history, name)) for name in PER_STEP}
    arrays |= {"order": solver.order, "sample": solver.sample}
    for name in ("best", "last"):
        snapshot: Snapshot | None = getattr(solver, name)
        if snapshot is not None:
            arrays |= model_arrays(f"{name}/", snapshot.params, snapshot.state)
            described[name] = {"epoch": snapshot.epoch, "score": snapshot.score}
    net: Any = getattr(solver.model, "net", None)
    architecture = blueprint(net) if hasattr(net, "parts") else None
    write_arrays(path, arrays, {"architecture": architecture, "run": described})


def restore_checkpoint(path: str | PathLike[str], solver: Solver) -> Any:
    """Bring a solver, made with the same arguments as that of `save_checkpoint`, to where the run
    stood, and return its `notes`. What the solver then does is, to the bit, what the other would
    have done.

    Raises FileError where the file is missing, damaged or of a newer format, holds no run, or
    belongs to another network, another update rule or other data; nothing has changed then.
    """
    arrays, described = read_arrays(path)
    if "run" not in described:
        raise FileError(f"{path}: holds a network, but no run to go on with")
    run = described["run"]
    params, state = solver.model.params, state_of(solver.model)
    check_same(path, part(arrays, "params/"), params)
    check_same(path, part(arrays, "state/"), state)
    if run["rule"] != type(solver.rule).__name__:
        raise FileError(
            f"{path}: a run with the rule {run['rule']}, expected {type(solver.rule).__name__}"
        )
    if arrays["order"].shape != solver.order.shape:
        raise FileError(
            f"{path}: a run on {len(arrays['order']):,} training examples, expected "
            f"{len(solver.order):,}"
        )
    steps, per_epoch = run["step"], solver.steps_per_epoch
    epochs = len(run["history"]["epoch"])
    if not epochs * per_epoch <= steps <= (epochs + 1) * per_epoch:
        raise FileError(
            f"{path}: a run with {steps} steps in {epochs} epochs, expected {per_epoch} an epoch: "
            f"its batches were of another size"
        )
    drawn_from = generators(solver.rng, solver.model)
    kinds = [type(rng.bit_generator).__name__ for rng in drawn_from]
    if kinds != [saved["bit_generator"] for saved in run["generators"]]:
        raise FileError(f"{path}: its {len(run['generators'])} random generators are not these")

    write(part(arrays, "params/"), params)
    write(part(arrays, "state/"), state)
    for rng, saved in zip(drawn_from, run["generators"], strict=True):
        set_state(rng, saved)
    solver.rule.state = part(arrays, "rule/")
    solver.rule.lr = run["lr"]
    figures = {name: arrays[f"history/{name}"].tolist() for name in PER_STEP}
    solver.history = History(**figures, **run["history"])
    solver.order, solver.sample = arrays["order"], arrays["sample"]
    for name in ("step", "goal", "waited", "seconds"):
        setattr(solver, name, run[name])
    for name in ("best", "last"):
        kept = part(arrays, f"{name}/params/"), part(arrays, f"{name}/state/")
        setattr(solver, name, Snapshot(*kept, **run[name]) if name in run else None)
    return run["notes"]


def model_arrays(
    prefix: str, params: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Parameters and state under the names that they have in a file."""
    return {f"{prefix}params/{name}": array for name, array in params.items()} | {
        f"{prefix}state/{name}": array for name, array in state.items()
    }


def part(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """The arrays whose names begin with `prefix`, by the rest of their names."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def check_same(
    path: str | PathLike[str],
    found: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
) -> None:
    """Raise FileError unless both hold the same names, with the same shapes and dtypes."""
    for name in [*found, *expected]:
        here, there = (described(arrays.get(name)) for arrays in (found, expected))
        if here != there:
            raise FileError(
                f"{path}: of another architecture: {name} is {here} in the file and {there} in "
                f"this run"
            )


def described(array: np.ndarray | None) -> str:
    return "missing" if array is None else f"{array.dtype} {array.shape}"
