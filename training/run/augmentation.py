"""What the words of --augment stand for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.data import Crop, Dataset, Flip, Shift

WORDS = "flip, crop, crop=PIXELS, shift or shift=PIXELS"


def augmentation(words: str | None, dataset: Dataset) -> list[Callable[..., np.ndarray]]:
    """The functions for a Solver that `words`, such as "flip,crop=4", stand for. The border that
    crop makes is 0 in the unit of the data, black, standardised as they are. Raises ValueError for
    other words, distances that the pictures are too small for, and data that are no pictures."""
    if words is None:
        return []
    if dataset.image_shape is None:
        raise ValueError(
            f"--augment {words:.40}: goes with digits, mnist, cifar10, a folder of pictures, or an "
            f".npz file of some, (N, H, W) or (N, C, H, W) with 1 or 3 channels, not with "
            f"{dataset.name}"
        )
    found: dict[str, Callable[..., np.ndarray]] = {}
    for word in words.split(","):
        name, equals, pixels = (part.strip() for part in word.partition("="))
        if name not in ("flip", "crop", "shift") or name in found or (equals and name == "flip"):
            more = f"{name} once" if name in found else WORDS
            raise ValueError(f"--augment {words:.40}: {word.strip()!r:.20}, expected {more}")
        found[name] = Flip() if name == "flip" else moved(name, pixels if equals else None, dataset)
    return [*found.values()]


def moved(name: str, pixels: str | None, dataset: Dataset) -> Crop | Shift:
    """That which moves pictures by so many pixels, an eighth of their smaller side if left out."""
    assert dataset.image_shape is not None
    side = min(dataset.image_shape[-2:])
    if pixels is None:
        pixels = str(max(side // 8, 1))
    if not (pixels.isdecimal() and len(pixels) < 10 and 0 < int(pixels) < side):
        raise ValueError(
            f"--augment {name}={pixels:.20}: expected a whole number of pixels, from 1 to "
            f"{side - 1} for pictures of {' × '.join(map(str, dataset.image_shape[-2:]))}"
        )
    return Shift(int(pixels)) if name == "shift" else Crop(int(pixels), fill=black(dataset))


def black(dataset: Dataset) -> float:
    """What 0 in the unit of the data is, once standardised."""
    if dataset.standardiser is None:
        return 0.0
    row = np.zeros((1, *dataset.standardiser.mean.shape))
    return float(dataset.standardiser.transform(row).flat[0])
