"""Networks of all kinds with drawn parameters, as runs that learned them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from chainrule.data import Standardiser
from chainrule.data.encoding import Encoding
from chainrule.layers import (
    ELU,
    GELU,
    SELU,
    AveragePool,
    BatchNorm,
    GroupNorm,
    HardSwish,
    Hinge,
    InstanceNorm,
    LayerNorm,
    LeakyReLU,
    Maxout,
    MaxPool,
    Mish,
    PReLU,
    ReLU,
    Sigmoid,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    Softplus,
    Softsign,
    Swish,
    Tanh,
)
from chainrule.nets import MLP, Classifier, ConvNet, LeNet5, Regressor, ResNet
from chainrule.training import Trained

ACTIVATIONS = (
    *(ELU(0.7), GELU(), GELU("tanh"), HardSwish(), LeakyReLU(0.2), Mish(), PReLU(), ReLU()),
    *(SELU(), Sigmoid(), Softplus(), Softsign(), Swish(), Tanh()),
)
LOSSES = (SoftmaxCrossEntropy(), SigmoidCrossEntropy(), Hinge())


def two_groups(channels, **kind):
    return GroupNorm(channels, 2, **kind)


def three_pieces(*sizes, **kind):
    return Maxout(*sizes, pieces=3, **kind)


IMAGE_NORMS = (None, BatchNorm, InstanceNorm, two_groups)


def trained(net, shape, classes, *, loss=LOSSES[0], seed=0):
    """A run that learned `net`, with drawn parameters, for rows of a `shape`. A fifth of the
    columns lie around 1.7e9, as times of Unix do, and one was constant."""
    rng = np.random.default_rng(seed)
    for name, array in {**net.params, **net.state}.items():
        if name.endswith(("gamma", "running_var")):
            array[...] = rng.uniform(0.5, 2, array.shape)
        elif array.ndim == 1:
            array[...] = 0.3 * rng.standard_normal(array.shape)
    mean = 10 * rng.standard_normal(shape) + 1.7e9 * (rng.random(shape) < 0.2)
    std = rng.uniform(0.1, 5, shape)
    std.flat[0] = 0
    dtype = next(iter(net.params.values())).dtype.name
    return Trained(
        path=Path("run"),
        model=Classifier(net, loss=loss),
        standardiser=Standardiser(mean, std),
        classes=tuple(f'"{c}" \\ 100 %? é' for c in range(classes)),
        features=(),
        shape=shape,
        dtype=dtype,
        dataset="nowhere.csv",
        data_dir=None,
        fingerprint="",
    )


def predicting(net, shape, targets, *, seed=0):
    """A run that learned `net` to predict numbers, some of them times of Unix."""
    run, rng = trained(net, shape, targets, seed=seed), np.random.default_rng(seed)
    mean = 10 * rng.standard_normal(targets) + 1.7e9 * (rng.random(targets) < 0.3)
    return replace(
        run,
        model=Regressor(net),
        classes=(),
        targets=tuple(f'"{t}" €' for t in range(targets)),
        target_standardiser=Standardiser(mean, rng.uniform(0.1, 1e4, targets)),
    )


def rows_for(run, count=32, seed=1):
    """Rows like those that a run was trained on."""
    noise = np.random.default_rng(seed).standard_normal((count, *run.shape))
    return run.standardiser.mean + run.standardiser.std * noise


@st.composite
def mlps(draw):
    """Runs of networks for rows, of every activation and norm."""
    sizes = draw(st.lists(st.integers(2, 20).map(lambda n: 2 * n), min_size=1, max_size=3))
    inputs, classes, seed = draw(
        st.tuples(st.integers(1, 9), st.integers(2, 5), st.integers(0, 99))
    )
    dtype = draw(st.sampled_from(["float32", "float64"]))
    if draw(st.booleans()):
        units = {"activation": draw(st.sampled_from(ACTIVATIONS))}
    else:
        units = {"activation": None, "affine": draw(st.sampled_from([Maxout, three_pieces]))}
    norm = draw(st.sampled_from([None, BatchNorm, LayerNorm, two_groups]))
    keep = draw(st.sampled_from([None, 0.5]))
    net = MLP([inputs, *sizes, classes], **units, norm=norm, keep=keep, rng=seed, dtype=dtype)
    return trained(net, (inputs,), classes, loss=draw(st.sampled_from(LOSSES)), seed=seed)


def MLP_AFFINE(*sizes, **kind):
    """Three pieces in the place of two."""
    return Maxout(*sizes, pieces=3, **kind)


@st.composite
def image_nets(draw):
    """Runs of networks of convolutions, for rows and for images."""
    channels, H, W = draw(st.tuples(st.integers(1, 3), st.integers(12, 14), st.integers(12, 15)))
    classes, seed = draw(st.tuples(st.integers(2, 5), st.integers(0, 99)))
    given = {
        "activation": draw(st.sampled_from(ACTIVATIONS)),
        "norm": draw(st.sampled_from(IMAGE_NORMS)),
        "rng": seed,
        "dtype": draw(st.sampled_from(["float32", "float64"])),
    }
    kind = draw(st.sampled_from(["cnn", "lenet5", "resnet"]))
    image = channels, H, W
    if kind != "resnet" and given["norm"] is InstanceNorm:  # which affine layers do not take
        given["norm"] = None
    if kind == "resnet":
        net = ResNet(image, classes, channels=(4, 6), blocks=draw(st.integers(1, 2)), **given)
    elif kind == "lenet5":
        net = LeNet5(image, classes, pool=draw(st.sampled_from([MaxPool, AveragePool])), **given)
    else:
        size = draw(st.sampled_from([3, 4, (5, 2)]))  # even ones have a border of two widths
        net = ConvNet(image, classes, channels=(4, 6), hidden=(8,), size=size, keep=0.5, **given)
    shape = image if draw(st.booleans()) else (channels * H * W,)
    return trained(net, shape, classes, loss=draw(st.sampled_from(LOSSES)), seed=seed)


WORDS = ("Na", "Rome", "New York", 'a "b"', "c, d", "e;f", "ß", "7", "\\", "x", "label", "-999")
NAMES = ("x", "label", "mean", "rows", "age", 'say "hi"', "größe", "affine1", "probabilities")


@st.composite
def tables(draw):
    """Runs on columns of words and of numbers, with gaps or without, that name classes or predict
    numbers."""
    count, seed = draw(st.tuples(st.integers(1, 5), st.integers(0, 99)))
    lists = st.lists(st.sampled_from(WORDS[:-1]), min_size=1, max_size=4, unique=True).map(tuple)
    categories = tuple(draw(st.none() | lists) for _ in range(count))
    missing = draw(st.sampled_from(["refuse", "mean", "indicator", "drop"]))
    marked = draw(st.sets(st.integers(0, count - 1))) if missing == "indicator" else ()
    rng = np.random.default_rng(seed)
    mean = [rng.random() if one else rng.choice([-3.5, 1.7e9]) for one in categories
            for _ in one or "1"]  # fmt: skip
    encoding = Encoding(
        draw(st.sampled_from([(), tuple(rng.permutation(NAMES)[:count].tolist())])),
        categories,
        missing,
        draw(st.sampled_from([(), ("-999", "what?")])) if missing != "refuse" else (),
        tuple(sorted(marked)),
        tuple(map(float, mean)),
    )
    D = encoding.width + len(marked)
    net = MLP([D, 6, 3], rng=seed, dtype=draw(st.sampled_from(["float32", "float64"])))
    run = draw(st.sampled_from([trained, predicting]))(net, (D,), 3, seed=seed)
    scale = Standardiser(np.array([*mean, *(0.5 for _ in marked)]), rng.uniform(0.5, 2, D))
    return replace(run, encoding=encoding, standardiser=scale)
