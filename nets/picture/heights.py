"""How high the slots of a picture stand, so that many wires are straight."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import TypeAlias

from chainrule.nets.picture.columns import EFFORT, Columns, Link, Slot

FEWEST, SWEEPS = 4, 16
LOOKS = 150_000  # how many links `straighten` looks at
BEND = 24  # what a bend costs, in px of rise: one large bend is better than two small ones

#: A height that a slot wants, and the weight of the wish.
Point: TypeAlias = tuple[float, float]


def settle(
    columns: Columns, apart: Callable[[Slot, Slot], float], drop: Callable[[Link], float]
) -> None:
    """Sets `y` of every slot so that the wires climb and bend little.

    `apart(upper, lower)` is the least distance of two neighbours in a column, and `drop(link)` how
    far below the middle of its cell a link ends. Σ weight · |rise| over all links is lowered
    column by column, each time to its minimum for that column: absolute values, unlike squares,
    leave one wire with the whole rise and the others straight. Then parts of the picture that are
    straight in themselves move as one, where that takes a bend away.
    """
    for column in columns:
        for upper, lower in pairwise(column):
            lower.gap = apart(upper, lower)
        for slot in column:
            for link in slot.ins:
                link.drop = drop(link)
        heights = list(accumulate(slot.gap for slot in column))
        for slot, y in zip(column, heights, strict=True):
            slot.y = y - heights[-1] / 2
    sweeps = min(max(EFFORT // sum(map(len, columns)), FEWEST), SWEEPS)
    for sweep in range(sweeps):
        # First with the wires on one side alone, which carries far; then on both.
        left = sweep % 2 == 0 or sweep > sweeps // 2
        right = sweep % 2 == 1 or sweep > sweeps // 2
        for column in columns if sweep % 2 == 0 else reversed(columns):
            place(column, [wishes(slot, left, right) for slot in column])
    straighten(columns)
    close_up(columns)


def rise(link: Link) -> float:
    """How much lower a link ends than it begins."""
    return link.end.y + link.drop - link.start.y


def bent(link: Link) -> bool:
    """Whether a link is seen to climb."""
    return abs(rise(link)) > 0.5


def weight(link: Link) -> float:
    """Wires on their way through several columns are to be straight above all."""
    passing = (link.start.cell is None) + (link.end.cell is None)
    return (1, 3, 8)[passing]


def wishes(slot: Slot, left: bool, right: bool) -> list[Point]:
    """Where the links of a slot would be straight: pairs (y, weight)."""
    found = []
    if left:
        found += [(slot.y - rise(link), weight(link)) for link in slot.ins]
    if right:
        found += [(slot.y + rise(link), weight(link)) for link in slot.outs]
    return found or [(slot.y, 0.1)]


def place(column: Sequence[Slot], wanted: Sequence[Sequence[Point]]) -> None:
    """Moves the slots of a column as near to what they want as their order and the distances
    between them allow: pool adjacent violators, with a block at the weighted median."""
    base = 0.0
    blocks: list[tuple[list[Slot], list[Point], float]] = []
    for slot, points in zip(column, wanted, strict=True):
        base += slot.gap
        slot.y = base
        slots, points = [slot], sorted((y - base, weight) for y, weight in points)
        middle = median(points)
        while blocks and blocks[-1][2] > middle:
            above, high, _ = blocks.pop()
            slots, points = above + slots, sorted(high + points)
            middle = median(points)
        blocks.append((slots, points, middle))
    for slots, _, middle in blocks:
        for slot in slots:
            slot.y += middle


def median(points: Sequence[Point]) -> float:
    """The point with half of the weight on either side, or the middle between two such; the
    points are sorted."""
    below = list(accumulate(weight for _, weight in points))
    half = below[-1] / 2
    low, high = (bisect_left(below, half * (1 + by)) for by in (-1e-9, 1e-9))
    return (points[low][0] + points[high][0]) / 2


def straighten(columns: Columns) -> None:
    """Takes bends away, one at a time, as long as that makes the picture better; in a picture that
    is larger than anybody looks at, only as long as `LOOKS` last."""
    links = [link for column in columns for slot in column for link in slot.outs]
    looks = LOOKS
    better = True
    while better:
        better = False
        for link in links:
            climb = rise(link)
            if not bent(link):
                continue
            for slot, by in ((link.end, -climb), (link.start, climb)):
                part = part_of(slot, lambda link: not bent(link))
                looks -= sum(len(one.ins) + len(one.outs) for one in part)
                if looks < 0:
                    return
                if move(part, by, columns):
                    better = True
                    break


def part_of(slot: Slot, joins: Callable[[Link], bool]) -> set[Slot]:
    """The slots that links, of those which `joins` is true for, join to `slot`."""
    part, left = {slot}, [slot]
    while left:
        here = left.pop()
        for link in here.ins + here.outs:
            other = link.start if link.end is here else link.end
            if other not in part and joins(link):
                part.add(other)
                left.append(other)
    return part


def move(part: set[Slot], by: float, columns: Columns) -> bool:
    """Moves a part of the picture where there is room and it makes the wires better; returns
    whether it did."""
    links = {link: None for slot in part for link in slot.ins + slot.outs}
    before = sum(cost(link) for link in links)
    for slot in part:
        slot.y += by
    fits = all(has_room(slot, columns[slot.column]) for slot in part)
    if fits and sum(cost(link) for link in links) < before - 1e-6:
        return True
    for slot in part:
        slot.y -= by
    return False


def has_room(slot: Slot, column: Sequence[Slot]) -> bool:
    """Whether a slot keeps its distance from its neighbours in the column."""
    return all(
        lower.y - upper.y >= lower.gap - 1e-6
        for upper, lower in pairwise(column[max(slot.place - 1, 0) : slot.place + 2])
    )


def cost(link: Link) -> float:
    """What a link costs the picture."""
    return weight(link) * (abs(rise(link)) + BEND * bent(link))


def close_up(columns: Columns) -> None:
    """Moves circuits that nothing joins to those above them up to these."""
    left = sorted((slot for column in columns for slot in column), key=lambda slot: slot.y)
    while left:
        part = part_of(left[0], lambda _: True)
        left = [slot for slot in left if slot not in part]
        room = [
            lower.y - upper.y - lower.gap
            for column in columns
            for upper, lower in pairwise(column)
            if lower in part and upper not in part
        ]
        for slot in part:
            slot.y -= min(room, default=0)
