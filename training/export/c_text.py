"""Texts and lists of numbers as C writes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.layers.annotations import Floats


def array(real: str, name: str, values: Floats) -> str:
    """The definition of an array, with all digits of its numbers."""
    end = "f" if values.dtype == np.float32 else ""
    numbers = [f"{v}{end}," for v in values.reshape(-1).astype(str).tolist()]
    numbers = ["INFINITY," if v.startswith("inf") else v for v in numbers]
    return f"static const {real} {name}[{values.size}] = {{\n{wrapped(numbers)}}};\n\n"


def texts(name: str, words: Sequence[str]) -> str:
    """The definition of an array of texts."""
    lines = "".join(f'    "{quoted(one)}",\n' for one in words)
    return f"const char *const {name}[{len(words)}] = {{\n{lines}}};\n\n"


def wrapped(items: Sequence[str], indent: str = "    ", per_line: int = 6) -> str:
    """Items in lines."""
    lines = (items[at : at + per_line] for at in range(0, len(items), per_line))
    return "".join(f"{indent}{' '.join(line)}\n" for line in lines)


def quoted(text: str) -> str:
    """The inside of a literal of C: all but plain letters and the like as octal bytes."""
    plain = set(range(32, 127)) - set(b'"\\?')
    return "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode(errors="replace"))
