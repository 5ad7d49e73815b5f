"""The form of gradients: that each is there, and has the shape and dtype of its tensor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.gradcheck.checks.outcome import BadRequest
from chainrule.gradcheck.report.findings import Cause, because
from chainrule.gradcheck.subject.subject import Gradients, Pass, Subject
from chainrule.gradcheck.subject.trees import Arrays


def well_formed(
    subject: Subject, done: Pass, wrt: tuple[str, ...] | None
) -> tuple[Gradients, list[Cause]]:
    """The tensors whose gradients have the right form, and what is wrong with the others. Raises
    ValueError where `wrt` names one that there is not."""
    given = done.gradients
    arrays = {
        name: array for name, array in subject.floats.items()
        if name in given or name in subject.params
    }  # fmt: skip
    if wrt is not None:
        if unknown := [name for name in wrt if name not in arrays]:
            raise BadRequest(f"check: wrt names {unknown}, expected some of {list(arrays)}")
        arrays = {name: array for name, array in arrays.items() if name in wrt}
    fitting: Gradients = {}
    causes: list[Cause] = []
    for name, array in arrays.items():
        cause = complaint(subject, done.outs, given.get(name), array, name)
        if cause is None or cause.level == "remark":
            fitting[name] = array
        if cause is not None:
            causes.append(replace(cause, tensors=(name,)))
    alien = [k for k in given if k not in subject.names and k not in subject.params]
    if alien and subject.params and not causes:
        message = "grads has an entry '{alien}', which is no parameter"
        cause = because("alien-entry", "shape", message, "The parameters are {params}.",
                        alien=alien[0], params=", ".join(subject.params))  # fmt: skip
        causes.append(replace(cause, tensors=(alien[0],), level="remark"))
    return fitting, causes


def complaint(
    subject: Subject, outs: Arrays, yours: Any, array: np.ndarray, name: str
) -> Cause | None:
    """What is wrong with the form of one gradient."""
    if yours is None and name in subject.params:
        return because(
            "no-entry", "missing-term", "grads has no entry for the parameter '{name}'",
            "Return a gradient for every parameter, under the parameter's name.",
        )  # fmt: skip
    if yours is None:
        return because("not-returned", "missing-term", "{d} is not returned")
    try:
        got = np.asarray(yours)
        got.astype(np.float64)
        if got.dtype.kind in "US":  # "0" would pass for a number
            raise TypeError
    except (TypeError, ValueError):
        kind = type(yours).__name__
        return because("no-array", "shape", "{d} is no array of numbers: it is {type}", type=kind)
    if got.shape != array.shape:
        return because("shape", "shape", "{d} {has} shape {got}, {name} has {shape}",
                       got=str(got.shape), shape=str(array.shape))  # fmt: skip
    single = subject.narrow or any(o.dtype.itemsize < 8 for o in outs if o.dtype.kind == "f")
    if got.dtype != array.dtype and not single:
        return replace(because(
            "gradient-dtype", "dtype", "{d} {has} dtype {got}, {name} has {dtype}",
            "Leave out the cast: a gradient has the dtype of its tensor.",
            got=str(got.dtype), dtype=str(array.dtype),
        ), level="remark")  # fmt: skip
    return None
