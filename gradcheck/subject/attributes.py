"""The arrays that hang on an object, by the words that lead to them, and which of them is the
gradient of which: dW that of W, grads[0] that of params[0], W.grad that of W.value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.gradcheck.subject.trees import PLAIN

Path = tuple[str | int, ...]
Leaves = dict[Path, np.ndarray]

DEPTH = 4  # of attributes and containers below the object
# Words that say that something is a gradient; those before or after a name with or without _.
GRADIENT = r"d|g|grads?|gradients?|delta|deriv(?:ative)?s?|nabla"
ALONE = re.compile(f"(?:{GRADIENT})", re.IGNORECASE)
BEFORE = re.compile(
    r"(?:gradients?|derivatives?|grads?|deltas?|nabla|d[lejc]_?d|g_|d)_?(?P<name>[a-z0-9]\w*)", re.I
)
AFTER = re.compile(r"(?P<name>\w*?[a-z0-9])_?(?:gradients?|grads?|deltas?)", re.I)
# Words that hold parameters, or their values, and name none of them.
HOLDERS = re.compile(r"(trainable_)?(params?|parameters|weights|variables)|values?|data", re.I)


def leaves(thing: Any) -> Leaves:
    """The arrays and NumPy numbers of floats on an object, its containers and objects, by their
    paths, short ones first; one that stands in several places has several."""
    found: Leaves = {}
    seen: set[int] = set()
    level: list[tuple[Path, Any]] = [((), thing)]
    for _ in range(DEPTH):
        following: list[tuple[Path, Any]] = []
        for path, holder in level:
            for key, value in parts(holder):
                if isinstance(value, (np.ndarray, np.floating)):
                    if np.asarray(value).dtype.kind == "f":
                        found[*path, key] = np.asarray(value)
                elif id(value) not in seen and not isinstance(value, PLAIN):
                    seen.add(id(value))
                    following.append(((*path, key), value))
        level = following
    return found


def parts(holder: Any) -> Iterator[tuple[str | int, Any]]:
    """What an object or a container holds, by attribute, key or index."""
    if isinstance(holder, Mapping):
        yield from ((key, one) for key, one in list(holder.items()) if isinstance(key, (str, int)))
    elif isinstance(holder, (list, tuple)):
        yield from enumerate(holder)
    elif hasattr(holder, "__dict__") and not isinstance(holder, type) and not callable_only(holder):
        yield from list(vars(holder).items())


def callable_only(holder: Any) -> bool:
    """Whether it is a function, a method or a module, which holds nothing of interest."""
    return type(holder).__module__ == "builtins"


def value_at(thing: Any, path: Path) -> Any:
    """What stands at the end of a path."""
    for key in path:
        thing = step(thing, key)
    return thing


def put(thing: Any, path: Path, value: Any) -> None:
    """Put something in the place where a path ends."""
    holder, key = value_at(thing, path[:-1]), path[-1]
    if isinstance(holder, (Mapping, list)):
        holder[key] = value  # type: ignore[index]
    else:
        setattr(holder, str(key), value)


def step(holder: Any, key: Any) -> Any:
    return holder[key] if isinstance(holder, (Mapping, list, tuple)) else vars(holder)[key]


def spelled(thing: Any, path: Path) -> str:
    """A path as one writes it: "dW", "grads['W']", "params[0]", "W.grad"."""
    said = ""
    for key in path:
        inside = isinstance(thing, (Mapping, list, tuple))
        said += f"[{key!r}]" if inside else f".{key}"
        thing = step(thing, key)
    return said.removeprefix(".")


def gradient_of(path: Path) -> tuple[Path, ...]:
    """What a path would be without the word that makes it one of a gradient, one for each such
    word in it; none for a path that has none."""
    found = []
    for at, word in enumerate(path):
        if not isinstance(word, str):
            continue
        rest = word.strip("_")
        if ALONE.fullmatch(rest):
            found.append((*path[:at], *path[at + 1 :]))
        for form in (BEFORE, AFTER):
            if match := form.fullmatch(rest):
                found.append((*path[:at], match["name"], *path[at + 1 :]))
    # grads["dW"] says it twice
    return tuple(found) + tuple(again for one in found for again in gradient_of(one))


def core(path: Path) -> tuple[str | int, ...]:
    """A path without the words that name nothing, in small letters and in the singular."""
    words = [word.strip("_").lower() if isinstance(word, str) else word for word in path]
    kept = [word for word in words if isinstance(word, int) or not HOLDERS.fullmatch(word)]
    if len(kept) < len(words) and not kept:
        kept = words[-1:]  # an array called weights, or data
    return tuple(re.sub("s$", "", word) if isinstance(word, str) else word for word in kept)


def initials(words: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The words with the last one, a name, cut to its first letter."""
    return (*words[:-1], words[-1][0]) if words and isinstance(words[-1], str) else words


def paired(params: Leaves, gradients: Leaves) -> dict[Path, Path]:
    """For each of those arrays, by the first of its paths, that of the array which holds its
    gradient, as far as names tell: of the same shape, under the same name, or one with the same
    first letter where that is the name, b for biases; or under the same name in another shape."""
    first = {id(array): path for path, array in reversed(params.items())}
    pairs: dict[Path, Path] = {}
    for same, exact in ((core, True), (lambda path: initials(core(path)), True), (core, False)):
        for path, g in gradients.items():
            names = {same(name) for name in gradient_of(path)}
            fitting = {
                first[id(array)] for name, array in params.items()
                if (array.shape == g.shape or not exact) and same(name) in names
            } - pairs.keys()  # fmt: skip
            if len(fitting) == 1 and not any(gradients[one] is g for one in pairs.values()):
                pairs[fitting.pop()] = path
    return {name: pairs[name] for name in params if name in pairs}
