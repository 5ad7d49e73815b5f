"""Networks of all kinds with drawn parameters, as runs that learned them."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from chainrule.data import Standardiser
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
from chainrule.nets import MLP, Classifier, ConvNet, LeNet5, ResNet
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
