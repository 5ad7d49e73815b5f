"""The check of a layer: `check(layer, x)` runs it, and tells what is wrong and why."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.gradcheck.checks.calls import inference
from chainrule.gradcheck.checks.contract import runs
from chainrule.gradcheck.checks.formula import compare_with_reference
from chainrule.gradcheck.checks.gradients import Effort, Judge
from chainrule.gradcheck.checks.probes import ask, look_for_instability, probe
from chainrule.gradcheck.report import GradientError, Report


def check(
    layer: Any,
    *inputs: Any,
    dout: Any = None,
    wrt: str | tuple[str, ...] | None = None,
    modes: str | tuple[str, ...] = ("train", "inference"),
    reference: Any = None,
    seed: int = 0,
    effort: Effort = "full",
    strict: bool = False,  # noqa: ARG001
) -> Report:
    """Check `layer.backward` on these inputs, in every way there is.

    layer      any object with params, state, forward(*inputs, train=…) and backward(dout, cache)
    inputs     arrays; those that hold integers (labels) are not differentiated
    dout       the upstream gradient; left out, a random one (1 for a layer that returns a number)
    wrt        names of the inputs and parameters to look at; left out, all
    modes      "train", "inference" or a tuple of both
    reference  what forward should compute: a name such as "batchnorm", or a correct layer with
               the same parameters; left out, found from the name of the class, if it is known;
               False for none, where a class means something else by a name such as `Log`
    seed       of everything random in the check; the same seed gives the same verdict
    effort     "quick": values and linearity; "full": all probes; "entrywise": every entry too

    Values are judged in float64 whatever the dtype of the layer. Steps and tolerances follow from
    the numbers; there is none to choose. Layer, inputs, generators and np.random are left as they
    were. Raises TypeError or ValueError where an argument is not of this kind.
    """
    modes = (modes,) if isinstance(modes, str) else modes
    wrt = (wrt,) if isinstance(wrt, str) else wrt
    for mode in modes:
        if mode not in ("train", "inference"):
            raise ValueError(f"check: mode {mode!r}, expected 'train' or 'inference'")
    for method in ("forward", "backward"):
        if isinstance(layer, type) or not hasattr(layer, method):
            raise TypeError(
                f"check: {layer!r} is not a layer: expected an object with forward and backward"
            )
    known = reference is None or reference is False or isinstance(reference, str)
    if not known and not hasattr(reference, "forward"):
        raise TypeError(
            f"check: reference is {reference!r}, expected a name such as 'batchnorm', a correct "
            f"layer, or False for none"
        )
    return examine(Judge(layer, inputs, dout, wrt, reference, seed, effort), modes, modes)


def examine(
    judge: Judge,
    modes: tuple[str, ...],
    values: tuple[str, ...],
    probes: Callable[[Judge, tuple[str, ...]], None] = probe,
) -> Report:
    """Run a judge: gradients in the modes `values`, everything else in `modes`."""
    if judge.effort not in ("quick", "full", "entrywise"):
        raise ValueError(
            f"check: effort is {judge.effort!r}, expected 'quick', 'full' or 'entrywise'"
        )
    started = time.perf_counter()
    legacy = np.random.get_state()
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as that of the mean of an empty batch
            if runs(judge):
                if "train" in values:
                    judge.values(True)
                if "inference" in modes and not judge.report.findings:
                    ask(judge, "inference mode", inference)
                if "inference" in values:
                    judge.values(False)
                if modes:
                    compare_with_reference(judge, modes)
                if judge.effort != "quick":
                    look_for_instability(judge)
                    probes(judge, modes)
    finally:
        np.random.set_state(legacy)
    judge.report.forwards = judge.calls
    judge.report.seconds = time.perf_counter() - started
    return judge.report


def assert_correct(layer: Any, *inputs: Any, **options: Any) -> None:
    """Raise GradientError, an AssertionError with the report as its text, where check finds a
    mistake."""
    report = check(layer, *inputs, **options)
    if not report:
        raise GradientError(str(report))
