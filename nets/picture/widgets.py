"""Sliders beside a picture in a notebook."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from chainrule.nets.picture.page import LARGEST, reach_of


def sliders(
    values: Mapping[str, float],
    ranges: Mapping[str, tuple[float, float]],
    redraw: Callable[[Mapping[str, float]], str],
) -> Any:
    """A box with a slider for each of `values`, by name, and below what `redraw` makes of them, as
    HTML; see `nets.picture.Picture.sliders`."""
    for name, limits in ranges.items():
        if name not in values:
            raise ValueError(
                f"Picture: a range for {name!r}, expected one for {', '.join(values)}, the inputs "
                f"that are one number within ±{LARGEST:g}"
            )
        if not is_range(limits):
            raise ValueError(
                f"Picture: the range of {name} is {limits!r}, expected (low, high), two numbers "
                f"within ±{LARGEST:g}, the lower one first"
            )
    try:
        import ipywidgets
    except ImportError:
        raise ImportError(
            'Picture: sliders need ipywidgets; write pip install "chainrule[notebooks]"'
        ) from None
    shown = ipywidgets.HTML(redraw(values))
    controls = []
    for name, value in values.items():
        low, high = ranges.get(name, (-reach_of(value), reach_of(value)))
        low, high = min(low, value), max(high, value)
        step = 10.0 ** math.floor(math.log10((high - low) / 1000))  # round numbers are on the way
        controls.append(
            ipywidgets.FloatSlider(value, min=low, max=high, step=step, description=name)
        )

    def update(_: Any) -> None:
        shown.value = redraw({control.description: control.value for control in controls})

    for control in controls:
        control.observe(update, names="value")
    return ipywidgets.VBox([*controls, shown])


def is_range(limits: Any) -> bool:
    """Whether `limits` are two numbers between which a slider can move."""
    try:
        low, high = limits
        return -LARGEST <= low < high <= LARGEST
    except (TypeError, ValueError):
        return False
