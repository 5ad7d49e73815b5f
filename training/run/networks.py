"""The networks that --net names."""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from chainrule.layers import GRU, LSTM, RNN
from chainrule.layers.annotations import Scheme
from chainrule.nets import (
    MLP,
    ConvNet,
    LeNet5,
    ResNet,
    SequenceClassifier,
    Sequential,
    VisionTransformer,
)
from chainrule.training.options import ACTIVATIONS, NORMS
from chainrule.training.recipes import TAKEN, UNITS, taken_by

CELLS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
COLOURS = (1, 3)  # channels that images have


def network(
    options: argparse.Namespace,
    shape: Sequence[int],
    image_shape: Sequence[int] | None,
    outputs: int,
    *,
    rng: np.random.Generator,
    init: Scheme | None = None,
) -> Sequential:
    """The network that the options ask for, for rows of a `shape` that are images of
    `image_shape`, or None; `init` is the scheme of its weights, if it is to be another than usual.
    Raises ValueError where an option is wrong, or the data are."""
    name = options.net
    image_shape = as_images(shape, image_shape)
    check(name, options, image_shape)
    if name in CELLS or name == "vit":
        return over_time(options, shape, image_shape, outputs, init=init, rng=rng)
    given: dict[str, Any] = {"norm": NORMS[options.norm], "init": init, "rng": rng}
    given |= ACTIVATIONS[options.activation] | {"dtype": options.dtype}
    if "dropout" in TAKEN[name]:
        given["keep"] = None if options.dropout == 1 else options.dropout
    if name == "mlp":
        try:
            return MLP([prod(shape), *options.hidden, outputs], **given)
        except MemoryError as error:
            raise ValueError(f"--hidden {','.join(map(str, options.hidden))}: {error}") from None
    assert image_shape is not None
    try:
        if name == "cnn":
            sizes = {"channels": options.channels, "hidden": options.hidden}
            return ConvNet(image_shape, outputs, **sizes, **given)
        if name == "resnet":
            return ResNet(image_shape, outputs, channels=options.channels, **given)
        return LeNet5(image_shape, outputs, **given)
    except (MemoryError, ValueError) as error:
        raise ValueError(f"--net {name}: {error}") from None


def over_time(
    options: argparse.Namespace,
    shape: Sequence[int],
    image_shape: Sequence[int] | None,
    outputs: int,
    **given: Any,
) -> Sequential:
    """A network that reads a row step by step, or an image patch by patch."""
    name, given = options.net, given | {"dtype": options.dtype}
    given["keep"] = None if options.dropout in (1, None) else options.dropout
    try:
        if name == "vit":
            assert image_shape is not None
            activation = ACTIVATIONS[options.activation]["activation"]
            patch = next(p for p in (4, 2, 3, 5, 1) if not any(n % p for n in image_shape[-2:]))
            return VisionTransformer(
                image_shape, outputs, patch=patch, activation=activation, **given
            )
        steps = steps_of(options, prod(shape), image_shape)
        cell = partial(RNN, relu=options.activation == "relu") if name == "rnn" else CELLS[name]
        return SequenceClassifier(steps, outputs, hidden=options.hidden, cell=cell, **given)
    except (MemoryError, ValueError) as error:
        raise ValueError(f"--net {name}: {error}") from None


def steps_of(
    options: argparse.Namespace, size: int, image_shape: Sequence[int] | None
) -> tuple[int, int]:
    """How many steps a row of so many numbers has, and how many numbers a step."""
    if options.sequence is None:
        if image_shape is None or (len(image_shape) == 3 and image_shape[0] != 1):
            raise ValueError(
                "reads pictures of one channel row by row; say how many steps other rows have by "
                "--sequence T"
            )
        return image_shape[-2], image_shape[-1]
    if size % options.sequence:
        raise ValueError(
            f"the rows have {size} numbers, which --sequence {options.sequence} does not divide"
        )
    return options.sequence, size // options.sequence


def as_images(shape: Sequence[int], image_shape: Sequence[int] | None) -> Sequence[int] | None:
    """The shape of the images that rows of a `shape` are: `image_shape`, or where that is None, of
    a file of arrays, (C, H, W); None where they are no images."""
    return shape if image_shape is None and len(shape) == 3 else image_shape


def check(name: str, options: argparse.Namespace, image_shape: Sequence[int] | None) -> None:
    """Raises ValueError where options do not go together, or not with the data."""
    activations, norms = UNITS.get(name, (None, None))
    for option, taken in (("activation", activations), ("norm", norms)):
        if taken is not None and getattr(options, option) not in taken:
            raise ValueError(
                f"--{option} {getattr(options, option)}: --net {name} takes {' or '.join(taken)}"
            )
    if name == "vit" and options.norm != "layernorm":
        raise ValueError(f"--norm {options.norm}: --net vit takes layernorm")
    if name not in ("mlp", *CELLS):
        if image_shape is None:
            raise ValueError(
                f"--net {name}: takes images, and the rows of {options.dataset} are none; leave "
                f"it out for a network that takes rows of any kind"
            )
        if image_shape[-1] in COLOURS and image_shape[0] not in COLOURS:
            raise ValueError(
                f"--net {name}: the rows of {options.dataset} have the shape {(*image_shape,)}, "
                f"expected channels first: x.transpose(0, 3, 1, 2)"
            )
        if options.activation == "maxout":
            raise ValueError(f"--activation maxout: goes with --net mlp alone, not with {name}")
        if options.norm == "layernorm" and name != "vit":
            raise ValueError(
                f"--norm layernorm: goes with --net mlp alone, not with {name}; --norm groupnorm "
                f"is the one for images that needs no batch either"
            )
    hidden = (84,) if name == "lenet5" else options.hidden
    if options.norm == "batchnorm" and hidden and options.batch_size == 1:
        raise ValueError(
            "--batch-size 1: batch normalisation needs at least 2, since one row is its own mean; "
            "take a larger batch or another --norm"
        )
    if options.norm in ("layernorm", "groupnorm") and 1 in (hidden or ()):
        raise ValueError(
            f"--norm {options.norm}: a hidden layer of 1 unit is its own mean, and would give the "
            f"same for every row; take 2 or more"
        )


def chain(options: argparse.Namespace, dataset: Any) -> str:
    """The network of a report in a line: from the row or the image to the outputs, what its width
    is on the way."""
    name = options.net
    widths = [*(options.channels or ()), *options.hidden, dataset.num_outputs]
    if name == "mlp":
        return " → ".join(map(str, [dataset.x_train[0].size, *widths]))
    image = as_images(dataset.x_train.shape[1:], dataset.image_shape) or ()
    if name in CELLS:
        image = steps_of(options, dataset.x_train[0].size, image or None)
    return f"{name}, " + " → ".join([" × ".join(map(str, image)), *map(str, widths)])


def said(options: Mapping[str, Any]) -> str:
    """The network as in `128,64 relu batchnorm keep 0.8`, or `cnn 16,32 100 relu batchnorm`."""
    name = options.get("net", "mlp")
    widths = [",".join(map(str, options.get(sizes) or ())) for sizes in ("channels", "hidden")]
    linear = name == "mlp" and not options["hidden"]
    given = name in UNITS and name != "rnn"  # which units it has, it says itself
    units = [] if linear or given else [options["activation"], options["norm"]]
    keep = [] if options["dropout"] in (1, None) else [f"keep {options['dropout']:g}"]
    first = "linear" if linear else "" if name == "mlp" else name
    return " ".join(word for word in [first, *widths, *units, *keep] if word not in ("", "none"))


def taken_alone(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options without the sizes of networks of other kinds."""
    return {
        name: value
        for name, value in options.items()
        if options.get("net", "mlp") in taken_by(name)
    }
