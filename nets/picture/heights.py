"""How high the slots of a picture stand, so that many wires are straight."""

from itertools import pairwise

import numpy as np

SWEEPS = 16
BEND = 24  # what a bend costs, in px of rise: one large bend is better than two small ones


def settle(columns, apart, drop):
    """Sets `y` of every slot so that the wires climb and bend little.

    `apart(upper, lower)` is the least distance of two neighbours in a column, and `drop(link)` how
    far below the middle of its cell a link ends. Σ weight · |rise| over all links is lowered
    column by column, each time to its minimum for that column: absolute values, unlike squares,
    leave one wire with the whole rise and the others straight. Then parts of the picture that are
    straight in themselves move as one, where that takes a bend away.
    """
    for column in columns:
        steps = [apart(*pair) for pair in pairwise(column)]
        heights = np.cumsum([0, *steps])
        for slot, y in zip(column, heights - heights[-1] / 2, strict=True):
            slot.y = float(y)
    for sweep in range(SWEEPS):
        # First with the wires on one side alone, which carries far; then on both.
        left = sweep % 2 == 0 or sweep > SWEEPS // 2
        right = sweep % 2 == 1 or sweep > SWEEPS // 2
        for column in columns if sweep % 2 == 0 else reversed(columns):
            place(column, apart, [wishes(slot, drop, left, right) for slot in column])
    straighten(columns, apart, drop)
    close_up(columns, apart)


def rise(link, drop):
    """How much lower a link ends than it begins."""
    return link.end.y + drop(link) - link.start.y


def bent(link, drop):
    """Whether a link is seen to climb."""
    return abs(rise(link, drop)) > 0.5


def weight(link):
    """Wires on their way through several columns are to be straight above all."""
    passing = (link.start.cell is None) + (link.end.cell is None)
    return (1, 3, 8)[passing]


def wishes(slot, drop, left, right):
    """Where the links of a slot would be straight: pairs (y, weight)."""
    found = []
    if left:
        found += [(slot.y - rise(link, drop), weight(link)) for link in slot.ins]
    if right:
        found += [(slot.y + rise(link, drop), weight(link)) for link in slot.outs]
    return found or [(slot.y, 0.1)]


def place(column, apart, wanted):
    """Moves the slots of a column as near to what they want as their order and the distances
    between them allow: pool adjacent violators, with a block at the weighted median."""
    base = 0.0
    blocks: list[tuple[list, list]] = []
    for index, slot in enumerate(column):
        base += apart(column[index - 1], slot) if index else 0
        slot.y = base
        block = [slot], [(y - base, weight) for y, weight in wanted[index]]
        while blocks and median(blocks[-1][1]) > median(block[1]):
            slots, points = blocks.pop()
            block = slots + block[0], points + block[1]
        blocks.append(block)
    for slots, points in blocks:
        for slot in slots:
            slot.y += median(points)


def median(points):
    """The point with half of the weight on either side, or the middle between two such."""
    values, weights = np.array(sorted(points)).T
    below = np.cumsum(weights)
    half = below[-1] / 2
    low, high = np.searchsorted(below, [half * (1 - 1e-9), half * (1 + 1e-9)])
    return float(values[low] + values[high]) / 2


def straighten(columns, apart, drop):
    """Takes bends away, one at a time, as long as that makes the picture better."""
    links = [link for column in columns for slot in column for link in slot.outs]
    better = True
    while better:
        better = False
        for link in links:
            climb = rise(link, drop)
            if not bent(link, drop):
                continue
            for slot, by in ((link.end, -climb), (link.start, climb)):
                part = part_of(slot, lambda link: not bent(link, drop))
                if move(part, by, columns, apart, drop):
                    better = True
                    break


def part_of(slot, joins):
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


def move(part, by, columns, apart, drop):
    """Moves a part of the picture where there is room and it makes the wires better; returns
    whether it did."""
    links = {link: None for slot in part for link in slot.ins + slot.outs}
    before = sum(cost(link, drop) for link in links)
    for slot in part:
        slot.y += by
    fits = all(
        lower.y - upper.y >= apart(upper, lower) - 1e-6
        for column in {slot.column: columns[slot.column] for slot in part}.values()
        for upper, lower in pairwise(column)
    )
    if fits and sum(cost(link, drop) for link in links) < before - 1e-6:
        return True
    for slot in part:
        slot.y -= by
    return False


def cost(link, drop):
    """What a link costs the picture."""
    return weight(link) * (abs(rise(link, drop)) + BEND * bent(link, drop))


def close_up(columns, apart):
    """Moves circuits that nothing joins to those above them up to these."""
    left = sorted((slot for column in columns for slot in column), key=lambda slot: slot.y)
    while left:
        part = part_of(left[0], lambda _: True)
        left = [slot for slot in left if slot not in part]
        room = [
            lower.y - upper.y - apart(upper, lower)
            for column in columns
            for upper, lower in pairwise(column)
            if lower in part and upper not in part
        ]
        for slot in part:
            slot.y -= min(room, default=0)
