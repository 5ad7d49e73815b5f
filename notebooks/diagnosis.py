"""What a wrong number, or an exception, says by itself: sentences that the numbers prove."""

import ast
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

LONG = 40  # characters of a number or an array, at most, in one line


def differing(got: Any, expected: ArrayLike, rtol: float, atol: float) -> str:
    """In what `got` differs from `expected`, in a line; "" where it does not."""
    try:
        found, right = np.asarray(got), np.asarray(expected, float)
        found = found.astype(float, casting="same_kind")
    except (TypeError, ValueError):
        return f"got {brief(got)}, expected {brief(expected)}"
    if found.shape != right.shape and isinstance(got, (tuple, list)):
        asked = str(len(right)) if right.ndim == 1 else brief_kind(right)
        return f"got {len(got)} things, expected {asked}"
    if found.shape != right.shape:
        return f"got an array of shape {found.shape}, expected {right.shape}"
    wrong = ~np.isclose(found, right, rtol=rtol, atol=atol, equal_nan=True)
    if not wrong.any():
        return ""
    if not right.ndim:
        return f"got {found:.6g}, expected {right:.6g}"
    at = tuple(np.argwhere(wrong)[0].tolist())
    where = f"entry [{', '.join(map(str, at))}]"
    return (
        f"{where} is {found[at]:.6g}, expected {right[at]:.6g} "
        f"({wrong.sum()} of {wrong.size} entries are wrong)"
    )


def brief(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= LONG else f"{text[:LONG]}…"


def brief_kind(value: object) -> str:
    """A value by its kind: "an array of shape (2, 3)", "a float"."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.ndim else "a number"
    return f"a {type(value).__name__}"


def recognised(got: Any, right: np.ndarray, rtol: float) -> str:
    """What `got`, which differs from `right`, has to do with it, in a sentence that is true of
    every entry; "" where nothing is seen."""
    try:
        found = np.asarray(got)
    except ValueError:  # lists in lists, of unequal lengths
        return ""
    if isinstance(got, (tuple, list)) and found.shape != right.shape:
        return ""
    if found.dtype.kind not in "biuf" or not found.size or not right.size:
        return ""
    found = found.astype(float)

    def same(a: np.ndarray, b: np.ndarray) -> bool:
        return a.shape == b.shape and np.allclose(a, b, rtol=max(rtol, 1e-6), atol=1e-12)

    if found.shape != right.shape:
        return of_another_shape(found, right, same)
    if not np.isfinite(found).all():
        return ""
    if not found.any():
        return "all of it is 0" if found.ndim else ""
    if same(found, -right):
        return "the sign is wrong" + (" everywhere" if found.size > 1 else "")
    if np.count_nonzero(right) > 1 and len(np.unique(np.abs(right))) > 1:
        at = np.unravel_index(np.abs(right).argmax(), right.shape)
        if same(found, right * (factor := found[at] / right[at])):
            return f"every entry is {times(factor)} times what it should be"
        if same(found, right + (shift := found[at] - right[at])):
            return f"every entry is {abs(shift):.4g} too {'large' if shift > 0 else 'small'}"
    if found.ndim > 1 and same(found.T, right):
        return "it is transposed"
    if found.size > 2 and same(np.sort(found, axis=None), np.sort(right, axis=None)):
        return "these are the right numbers, in another order"
    if found.ndim and (rows := rightly(found, right, same)):
        return rows
    return ""


def times(factor: float) -> str:
    """A factor as one says it: "2", "-1/3", "0.7071"."""
    inverse = 1 / factor
    if abs(inverse) > 1.5 and abs(inverse - round(inverse)) < 1e-6:
        return f"{'-' if factor < 0 else ''}1/{abs(round(inverse))}"
    return f"{factor:.4g}"


def of_another_shape(found: np.ndarray, right: np.ndarray, same: Any) -> str:
    """What an array of another shape has to do with the right one."""
    if found.ndim > 1 and same(found.T, right):
        return "it is transposed"
    if found.size == right.size and same(found.ravel(), right.ravel()):
        return "the numbers are right, the shape is not"
    for axis in range(found.ndim):
        for keep in (False, True):
            if same(found.sum(axis=axis, keepdims=keep), right):
                return f"summed over axis {axis} it would be right"
            if varies(found, axis) and same(found.mean(axis=axis, keepdims=keep), right):
                return f"averaged over axis {axis} it would be right"
    for axis in range(right.ndim):
        for keep in (False, True):
            if same(found, right.sum(axis=axis, keepdims=keep)):
                return f"it is what is expected, summed over axis {axis}"
            if varies(right, axis) and same(found, right.mean(axis=axis, keepdims=keep)):
                return f"it is what is expected, averaged over axis {axis}"
    return ""


def varies(array: np.ndarray, axis: int) -> bool:
    """Whether an array is not the same all along an axis."""
    return not np.allclose(array, array.take([0], axis=axis))


def rightly(found: np.ndarray, right: np.ndarray, same: Any) -> str:
    """Which rows are right where some are; "" where all are wrong."""
    good = [same(a, b) for a, b in zip(found, right, strict=True)]
    if not any(good) or len(good) < 3:
        return ""
    word = "row" if found.ndim > 1 else "entry"
    if sum(good) == 1:
        return f"{word} {good.index(True)} is right, all others are wrong"
    if sum(good) == len(good) - 1:
        return f"{word} {good.index(False)} alone is wrong"
    return ""


def shared(got: Any, among: Mapping[str, Any]) -> str:
    """The names in `among`, two at least, whose arrays are the very numbers of `got`, told in a
    sentence; "" where it stands alone."""
    names = [
        name
        for name, other in among.items()
        if isinstance(got, np.ndarray)
        and isinstance(other, np.ndarray)
        and np.shares_memory(got, other)
    ]
    if len(names) < 2:
        return ""
    return (
        f"{' and '.join(map(repr, names))} are one array: what += adds to one is in the other, too"
    )


def in_words(error: Exception, statement: ast.stmt | None) -> list[str]:
    """An exception in lines for somebody who learns: what it means where that is known, and else
    its name and its text. `statement` is that of the check in which it came up, if known."""
    text = str(error)
    if "unpack" in text and (asked := unpacking(statement)):
        name, targets = asked
        came = re.search(r"got (\d+)|non-iterable (\S+)", text)
        many = came and (came[1] or f"one {came[2].removeprefix('numpy.')}")
        what = f", not {many}" if many else ""
        return [f"{name} has to return {len(targets)} things: {', '.join(targets)}{what}"]
    return misfit(text) or [f"{type(error).__name__}: {text}"]


def misfit(text: str) -> list[str]:
    """What NumPy says, in `text`, of arrays whose shapes do not fit, in lines for somebody who
    learns; [] where it says something else."""
    if given := re.search(r"broadcast together with (?:remapped )?shapes (\(.*\))", text):
        one, other = (
            tuple(map(int, re.findall(r"\d+", shape)))
            for shape in re.findall(r"\([\d, ]*\)", given[1])[:2]
        )
        return [f"arrays of shapes {one} and {other} do not fit together", *lost(one, other)]
    if given := re.search(r"matmul: .*size (\d+) is different from (\d+)", text):
        return [f"a product a @ b with inner lengths {given[2]} and {given[1]}: they have to agree"]
    if given := re.search(r"shapes \(.*\) and \(.*\) not aligned: (\d+) .* != (\d+)", text):
        return [f"a product with inner lengths {given[1]} and {given[2]}: they have to agree"]
    if given := re.search(r"operand with shape (\(.*\)) doesn't match .* shape (\(.*\))", text):
        found, into = (one.replace(",", ", ").replace(", )", ",)") for one in given.group(2, 1))
        return [f"an array of shape {found} does not fit into one of shape {into}"]
    if given := re.search(r"broadcast input array from shape (\(.*\)) into shape (\(.*\))", text):
        return [f"an array of shape {given[1]} does not fit into one of shape {given[2]}"]
    if "shape-mismatch for sum" in text:
        return ["the axes to sum over are of other lengths in the one array than in the other"]
    if "overflow encountered in exp" in text:
        return ["exp overflowed (np.where computes both of its branches for every entry)"]
    if "truth value of an array" in text:
        return ["`if`, `and`, max and min ask an array for one yes or no, not one for each entry"]
    if "inhomogeneous" in text:
        return ["things of different shapes do not make one array; is it a tuple of two results?"]
    if "only integer scalar arrays" in text:
        return ["an array stands where one whole number is meant, as for an axis or an index"]
    return []


def lost(one: tuple[int, ...], other: tuple[int, ...]) -> list[str]:
    """A line where one of two shapes is the other with an axis less."""
    few, many = sorted((one, other), key=len)
    for axis in range(len(many)):
        if few == many[:axis] + many[axis + 1 :]:
            kept = (*many[:axis], 1, *many[axis + 1 :])
            would = f"as {kept}, which keepdims=True gives, it would fit"
            return [f"{few} is laid along the last axes of {many}; {would}"]
    return []


def unpacking(statement: ast.stmt | None) -> tuple[str, list[str]] | None:
    """For `a, b = f(…)`: "f" and ["a", "b"]; None for other statements."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Tuple):
        return None
    value = statement.value
    if not isinstance(value, ast.Call):
        return None
    return ast.unparse(value.func), [ast.unparse(one) for one in statement.targets[0].elts]
