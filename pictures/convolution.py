"""What a network of convolutions looks for, and what it makes of an image layer by layer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.layers.annotations import Floats
from chainrule.nets import Model, Sequential, weights_of
from chainrule.pictures.drawing import Panel, Picture
from chainrule.pictures.tiles import image, sheet, to_largest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KERNELS = 64
COLUMNS = 8
CHANNELS = 8  # of a layer
LAYERS = 24
SIDE, GAP = 24, 2  # pixels of a feature map across, at least, and between two


def first_kernels(net: Any) -> Floats | None:
    """The kernels (F, C, kh, kw) of the first layer that has such weights, or None."""
    for name in weights_of(net):
        W: Floats = net.params[name]
        if W.ndim == 4:
            return W
    return None


def kernels(net: Any) -> Picture:
    """The kernels of a network's first convolution: a tile each in red, green and blue where it has
    three input channels, else a tile for each of its channels. Of more than 64, those with the
    largest norms. `net` is a network, or a model around one.

    Raises ValueError where no layer has kernels.
    """
    W = first_kernels(net)
    if W is None:
        raise ValueError(f"kernels: found no kernels (F, C, kh, kw) in {net!r}")
    F, C, high, wide = W.shape
    largest = np.argsort(-np.linalg.norm(W.reshape(F, -1), axis=1), kind="stable")[:KERNELS]
    which = "" if F <= KERNELS else f", the {KERNELS} largest of {F:,}"
    tiles = to_largest(W[np.sort(largest)])
    if C == 3:
        shown = [image(tile, tile.shape) for tile in tiles]
        colours = "grey is no weight, and a colour means that it wants this colour"
    else:
        shown = list(tiles.reshape(-1, high, wide))
        colours = (
            "where it wants a pixel bright it is red, where dark, blue, and white is no weight"
        )
    columns = C * max(1, COLUMNS // C) if C != 3 else COLUMNS
    several = "" if C in (1, 3) else f" The {C} input channels of a kernel stand side by side."
    return Picture(
        "kernels",
        "Kernels of the first convolution",
        f"A tile is a kernel{which}, what a channel looks for at every place of the image, scaled "
        f"to its own largest weight: {colours}.{several} A tile with two unlike sides finds "
        "edges, one of stripes a texture, an even one brightness; kernels of 3 × 3 hardly say "
        "more, and larger ones that still look like noise after long training are a bad sign.",
        [
            Panel(
                partial(draw_sheet, sheet(shown, columns)),
                f"{len(tiles)} kernels of {high} × {wide}",
            )
        ],
        width=0.7 * COLUMNS,
        height=0.7 * COLUMNS / columns * -(-len(shown) // columns) * (high + 1) / (wide + 1) + 0.1,
    )


def feature_maps(net: Any, x: ArrayLike, name: str = "the image") -> Picture:
    """What each layer of a network makes of one image, a panel for each layer that gives images:
    the maps of its first 8 channels.

        feature_maps(net, data.x_test[:1])

    `net` is a `Sequential`, or a model around one; `x` the image with its N of 1 in front,
    (1, C, H, W), or a row (1, D) of which the network makes an image itself. Layers are named as in
    the network's summary; one that passes on what it gets is left out, as dropout is, and of more
    than 24 some. The pass is that of inference. `name` stands above the image.

    Raises:
        TypeError: the network is not `Sequential`.
        ValueError: x is not one row, or no layer gives images.
    """
    seen, found = maps_of(net, np.asarray(x))
    if not found:
        raise ValueError(f"feature_maps: no layer of {net!r} gives images (N, C, H, W)")
    some = np.unique(np.linspace(0, len(found) - 1, min(len(found), LAYERS)).astype(int))
    panels = [Panel(partial(draw_image, name, seen), name)] if seen is not None else []
    for layer, maps in [found[at] for at in some]:
        which = f" (the first {CHANNELS})" if len(maps) > CHANNELS else ""
        title = f"{layer}: {' × '.join(map(str, maps.shape))}{which}"
        panels.append(Panel(partial(draw_maps, title, maps), title))
    high, wide = found[0][1].shape[1:]
    return Picture(
        "features",
        "Feature maps",
        f"What the layers make of one image, of their first {CHANNELS} channels: a map is red "
        "where the channel answers with a positive number, blue where with a negative one, white "
        "where with 0, and scaled to its own largest number. In the first layers one still sees "
        "the image, its edges and surfaces, farther on only where something was found; a channel "
        "that stays white for image after image is dead.",
        panels,
        width=5.2,
        height=5.2 / CHANNELS * (high + 1) / (wide + 1) + 0.3,
    )


def maps_of(net: Any, x: Floats) -> tuple[Floats | None, list[tuple[str, Floats]]]:
    """The image (C, H, W) that x (1, …) is, or None, and the maps (C, H, W) of each layer that
    gives such, with its name."""
    net = net.net if isinstance(net, Model) else net
    if getattr(type(net), "forward", None) is not Sequential.forward:
        raise TypeError(f"feature_maps: found {net!r}, expected a Sequential network")
    if x.ndim < 2 or len(x) != 1:
        raise ValueError(f"feature_maps: x has shape {x.shape}, expected one image, (1, …)")
    seen, found, given = x[0] if x.ndim == 4 else None, [], x
    for name, layer in zip(net.names, net.layers, strict=True):
        out, _ = layer.forward(given, train=False)
        if out.ndim == 4 and np.may_share_memory(out, x):  # a row became an image
            seen = out[0]
        elif out.ndim == 4 and not np.may_share_memory(out, given):
            found.append((name, out[0]))
        given = out
    return seen, found


def draw_image(name: str, pixels: Floats, axes: Axes) -> None:
    """One image (C, H, W), as large as a feature map."""
    low, high = float(pixels.min()), float(pixels.max())
    one = enlarged(image((pixels - low) / ((high - low) or 1), pixels.shape))
    draw_sheet(sheet([one], CHANNELS, GAP), axes, cmap="gray")
    axes.set_title(name, loc="left")


def draw_maps(title: str, maps: Floats, axes: Axes) -> None:
    """The first maps of a layer (C, H, W)."""
    tiles = [enlarged(tile) for tile in to_largest(maps[:CHANNELS])]
    draw_sheet(sheet(tiles, CHANNELS, GAP), axes)
    axes.set_title(title, loc="left")


def enlarged(tile: np.ndarray) -> np.ndarray:
    """A tile with every pixel repeated until it is wide enough, so that the gap between two looks
    the same for small maps and for large ones."""
    times = -(-SIDE // tile.shape[1])
    return tile.repeat(times, axis=0).repeat(times, axis=1)


def draw_sheet(tiles: np.ndarray, axes: Axes, cmap: str = "RdBu_r") -> None:
    """Tiles of numbers from 0 to 1."""
    axes.imshow(tiles, cmap=cmap, vmin=0, vmax=1, interpolation="none")
    axes.set_axis_off()
