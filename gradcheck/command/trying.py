"""One call of a layer or a pair of functions, tried before it is checked."""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.gradcheck.report.report import Report, clip


@dataclass
class Case:
    """One call to check: a forward and a backward on fresh copies, and the check itself."""

    example: str
    inputs: tuple[Any, ...]
    fresh: Callable[[], tuple[Callable[..., Any], Callable[..., Any]]]
    check: Callable[..., Report]


def described(error: BaseException) -> str:
    """The type and the text of an error on one line."""
    return clip(f"{type(error).__name__}: {error}".removesuffix(": "), 300)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence for calls that are only tried."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(io.StringIO()):
            yield


def forward_complaint(case: Case) -> str:
    """Why the forward pass does not take these inputs, or "" where it does or is not written."""
    forward, _ = case.fresh()
    try:
        with quiet():
            result = forward(*copy.deepcopy(case.inputs))
    except NotImplementedError:
        return ""
    except Exception as error:
        return f"forward raised {described(error)}"
    if result is None:
        return ""
    if not isinstance(result, tuple) or len(result) != 2:
        return f"forward must return (out, cache), and returned {described_type(result)}"
    out = result[0]
    if out is None:
        return ""
    try:
        usable = bool(np.isfinite(np.asarray(out)).all())
    except (TypeError, ValueError):
        return f"out of forward must be an array of floats, and is {described_type(out)}"
    return "" if usable else "out of forward is not finite"


def described_type(thing: Any) -> str:
    """ "an object of type ndarray"."""
    size = f" of {len(thing)}" if isinstance(thing, tuple) else ""
    return f"an object of type {type(thing).__name__}{size}"


def unwritten(case: Case) -> str:
    """ "forward" or "backward" where that returns None or raises NotImplementedError, else ""."""
    try:
        with quiet():
            forward, backward = case.fresh()
            result = forward(*copy.deepcopy(case.inputs))
            if result is None or (isinstance(result, tuple) and result and result[0] is None):
                return "forward"
    except NotImplementedError:
        return "forward"
    except Exception:  # the check will say what
        return ""
    try:
        with quiet():
            out, cache = result
            gradients = backward(np.ones_like(out), cache)
    except NotImplementedError:
        return "backward"
    except Exception:
        return ""
    return "backward" if nothing_in(gradients) else ""


def nothing_in(tree: Any) -> bool:
    """Whether nested tuples and dicts hold None and nothing else, and at least one None."""
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    if isinstance(tree, (tuple, list)):
        inner = [one for one in tree if not (isinstance(one, (dict, tuple, list)) and not one)]
        return bool(inner) and all(map(nothing_in, inner))
    return tree is None
