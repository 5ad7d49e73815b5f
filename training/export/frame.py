"""Tables to compare by: such that their cells become given features."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.data.encoding import Encoding
from chainrule.layers.annotations import Floats


@dataclass(frozen=True)
class Frame:
    """A table in memory: the cells of each column, as text, by its name."""

    cells: dict[str, list[str]]

    @property
    def columns(self) -> list[str]:
        """The names."""
        return [*self.cells]

    def __getitem__(self, name: str) -> list[str]:
        return self.cells[name]

    def __len__(self) -> int:
        return len(next(iter(self.cells.values())))


def cells_of(encoding: Encoding, rows: Floats) -> Frame:
    """A table whose cells become features like those of rows (N, D), and where these are drawn,
    words that are most like them."""
    cells, start = dict[str, list[str]](), 0
    for name, words in zip(encoding.names, encoding.categories, strict=True):
        part = rows[:, start : start + len(words or "1")]
        start += part.shape[1]
        if words is None:
            cells[name] = [repr(float(value)) for value in part[:, 0]]
        else:
            cells[name] = [words[k] for k in part.argmax(axis=1)]
    return Frame(cells)


def with_gaps(encoding: Encoding, frame: Frame) -> Frame:
    """The same with a cell in each column that is empty, if that is not refused, and one in each
    column of words that was not there in training."""
    changed = {name: [*cells] for name, cells in frame.cells.items()}
    for at, (name, words) in enumerate(zip(encoding.names, encoding.categories, strict=True)):
        if encoding.missing != "refuse":
            changed[name][2 * at % len(frame)] = ""
        if words is not None:
            changed[name][(2 * at + 1) % len(frame)] = f"{words[0]}, or what else"
    return Frame(changed)
