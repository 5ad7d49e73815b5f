"""Formulas of layers that compute nothing: they move, repeat, join or surround what they get."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from chainrule.gradcheck.formulas.convolution import Sides, borders, one_sided, padded, said, sides
from chainrule.gradcheck.formulas.reference import Call, Inapplicable, Reference, Said, working

FACTOR = ("factor", "scale_factor", "scale", "f", "r", "size", "s")
VALUE = ("value", "fill", "pad_value", "constant")
AXIS = ("axis", "dim")


def images(call: Call) -> np.ndarray:
    if call.x.ndim < 3 or not call.x.size:
        raise Inapplicable(f"x has shape {call.x.shape}, which is no batch of images")
    return call.x


def factors(call: Call) -> Sides:
    """How many times each entry stands along each axis of space."""
    x = images(call)
    told = sides(call, x.ndim - 2, *FACTOR)
    given = call.shapes[0][2:] if call.shapes else x.shape[2:]
    if not told and (len(given) != x.ndim - 2 or any(np.mod(given, x.shape[2:]))):
        raise Inapplicable("the output is no multiple of the image")
    return told or tuple(n // m for n, m in zip(given, x.shape[2:], strict=True))


def repeated(x: np.ndarray, times: Sides) -> np.ndarray:
    for axis, n in enumerate(times, 2):
        x = x.repeat(n, axis)
    return x


def upsample_mistakes(call: Call) -> Said:
    x, times = images(call), factors(call)
    ones = (1,) * len(times)
    spread = np.zeros(repeated(x, times).shape)
    spread[(slice(None), slice(None), *(slice(None, None, n) for n in times))] = x
    yield "the image as a whole is repeated, not each entry of it", np.tile(x, (1, 1, *times))
    yield "zeros stand between the entries, which are not repeated", spread
    yield "it repeats along the height alone", repeated(x, (*times[:1], *ones[1:]))
    yield "it repeats along the width alone", repeated(x, (*ones[1:], *times[-1:]))
    yield "the factors of height and width are exchanged", repeated(x, times[::-1])
    yield "the entries are divided among their copies", repeated(x, times) / np.prod(times)


def paddings(call: Call) -> Iterator[np.ndarray]:
    """x with a border as the layer tells, or one that the shapes tell."""
    x, value = images(call), call.setting(*VALUE, default=0.0)
    ndim = x.ndim - 2
    given = call.shapes[0] if call.shapes else ()
    room = max((m - n for n, m in zip(x.shape, given, strict=False)), default=0)
    for border in borders(call, ndim, (room + 1,) * ndim, (1,) * ndim, x.shape[2:]):
        out = padded(x, border, constant_values=value)
        if out.shape in call.shapes[:1] or call.held("pad", "padding") is not None:
            yield out


def padding(call: Call) -> np.ndarray:
    for out in paddings(call):
        return out
    raise Inapplicable("the shapes fit no border that is alike on all sides")


def padding_mistakes(call: Call) -> Said:
    x, right, value = images(call), padding(call), call.setting(*VALUE, default=0.0)
    space = range(2, x.ndim)
    more = [right.shape[axis] - x.shape[axis] for axis in space]
    half = said([n // 2 for n in more])
    for side, turn in {"before": 1, "behind": -1}.items():
        border = one_sided(more, turn)
        text = f"the whole border stands {side} the image: {half} belong on each side"
        yield text, padded(x, border, constant_values=value)
    both = tuple((n // 2, n - n // 2) for n in more)
    text = "height and width of the border are exchanged"
    ways: dict[str, Callable[[], Any]] = {
        text: partial(padded, x, both[::-1], constant_values=value)
    }
    for mode, what in {"edge": "repeated", "reflect": "mirrored", "wrap": "wrapped"}.items():
        text = f"the image is {what} at its border, which should hold {value:g}"
        ways[text] = partial(padded, x, both, mode=mode)
    yield from working(ways)
    yield f"the border holds 0, not {value:g}", padded(x, both)


def joined(call: Call, axis: int | None = None) -> np.ndarray:
    """All inputs one behind the other, along the axis that is told, or 1, or one that fits."""
    if len(call.inputs) < 2:
        raise Inapplicable("there are not two inputs to join")
    told = call.setting(*AXIS, default=np.nan)
    axes = [axis] if axis is not None else [int(told)] if told == told else [1, 0, -1, 2]
    for one in axes:
        try:
            out = np.concatenate(call.inputs, one)
        except ValueError:
            continue
        if axis is not None or told == told or out.shape in call.shapes[:1]:
            return out
    raise Inapplicable("the shapes fit no axis to join along")


def joined_mistakes(call: Call) -> Said:
    right = joined(call)
    for axis in range(call.inputs[0].ndim):
        if joined(call, axis).shape == right.shape:
            yield (
                "the inputs are joined in the opposite order",
                np.concatenate(call.inputs[::-1], axis),
            )
            return


def rows(call: Call) -> np.ndarray:
    """Each example in the shape that the layer gives it, the last axis running fastest."""
    x = call.x
    shape = call.shapes[0] if call.shapes and call.shapes[0][:1] == x.shape[:1] else (len(x), -1)
    if x.ndim < 2 or not x.size:
        raise Inapplicable(f"x has shape {x.shape}, which is no batch")
    return x.reshape(shape)


def rows_mistakes(call: Call) -> Said:
    x, right = call.x, rows(call)
    yield (
        "the first axis of an example runs fastest: the order is Fortran's",
        np.stack([one.reshape(right.shape[1:], order="F") for one in x]),
    )
    yield "the order is Fortran's, which mixes examples", x.reshape(right.shape, order="F")
    if x.ndim > 2:
        moved = np.moveaxis(x, 1, -1)
        yield "the channels are moved behind the pixels", moved.reshape(right.shape)
        yield "the channels are moved before the pixels", np.moveaxis(x, -1, 1).reshape(right.shape)
    yield (
        "examples are mixed: their axis is not the first when it reshapes",
        (np.moveaxis(x, 0, -1).reshape(right.shape)),
    )


def shape_only(name: str, formula: str) -> Reference:
    return Reference(name, formula, rows, rows_mistakes)


SHAPES = (
    Reference(
        "upsample",
        "each entry of x several times along each axis of space",
        lambda call: repeated(images(call), factors(call)),
        upsample_mistakes,
        settings=FACTOR,
    ),
    Reference(
        "pad",
        "x with a border around each image",
        padding,
        padding_mistakes,
        paddings,
        settings=("pad", "padding", *VALUE),
    ),
    Reference("concatenate", "the inputs one behind the other", joined, joined_mistakes,
              settings=AXIS),
    shape_only("flatten", "the entries of each example in a row"),
    shape_only("reshape", "the entries of each example in another shape"),
)  # fmt: skip
