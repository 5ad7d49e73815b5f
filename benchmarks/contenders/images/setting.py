"""The arrays of cases on images: the same numbers for the same case, be it float32 or float64."""

import numpy as np


def convolution_arrays(case):
    """x (N, C, H, W), W (F, C / G, k, k), b (F,) and dout (N, F, H', W')."""
    rng = np.random.default_rng(0)
    N, C, *image = case["shape"]
    F, k, pad, stride = case["filters"], case["size"], case["pad"], case["stride"]
    places = [(side + 2 * pad - k) // stride + 1 for side in image]
    shapes = (N, C, *image), (F, C // case["groups"], k, k), (F,), (N, F, *places)
    x, W, b, dout = (rng.standard_normal(shape, np.float32) for shape in shapes)
    W /= np.sqrt(W[0].size, dtype=np.float32)
    return tuple(array.astype(case["dtype"]) for array in (x, W, b, dout))


def image_arrays(case):
    """x (N, C, H, W) and dout of the shape of the output, for pooling and group norm."""
    rng = np.random.default_rng(0)
    N, C, *image = case["shape"]
    if case["layer"] == "global average":
        image = []
    elif "size" in case:
        image = [(n + 2 * case["pad"] - case["size"]) // case["stride"] + 1 for n in image]
    shapes = case["shape"], (N, C, *image)
    return [rng.standard_normal(shape, np.float32).astype(case["dtype"]) for shape in shapes]


def wants_dx(case):
    """Whether the gradient with respect to the images is asked for."""
    return case["kind"] != "first_layer"


# A network is a tuple of stages, each a name and the settings of that name:
#   ("conv", shape of W, stride, pad, has a bias)   ("norm", channels)   ("affine", D, M)
#   ("relu",)   ("pool",), the maximum of 2 × 2   ("flatten",)   ("average",), over the image
#   ("residual", stages, stages of the shortcut)
NETS = {
    "lenet5": (
        *(("conv", (6, 1, 5, 5), 1, 2, True), ("relu",), ("pool",)),
        *(("conv", (16, 6, 5, 5), 1, 0, True), ("relu",), ("pool",), ("flatten",)),
        *(("affine", 400, 120), ("relu",), ("affine", 120, 84), ("relu",), ("affine", 84, 10)),
    ),
}


def normed(channels, filters, size, stride, *more):
    return (
        ("conv", (filters, channels, size, size), stride, size // 2, False),
        ("norm", filters),
        *more,
    )


def residual(channels, filters, stride):
    inner = (
        *normed(channels, filters, 3, stride, ("relu",)),
        *normed(filters, filters, 3, 1),
    )
    return ("residual", inner, normed(channels, filters, 1, stride) if stride > 1 else ())


NETS["resnet"] = (
    *normed(3, 16, 3, 1, ("relu",)),
    *(residual(16, 16, 1), ("relu",)),
    *(residual(16, 32, 2), ("relu",)),
    *(residual(32, 64, 2), ("relu",)),
    *(("average",), ("affine", 64, 10)),
)


def batch(case):
    """Images x (N, C, H, W) and their labels y."""
    rng = np.random.default_rng(0)
    return rng.standard_normal(case["shape"], case["dtype"]), rng.integers(
        10, size=case["shape"][0]
    )


def image_weights(case):
    """The parameters of a network, a flat list in the order of its stages; a residual's own come
    before those of its shortcut."""
    rng = np.random.default_rng(1)
    return [array.astype(case["dtype"]) for array in drawn(NETS[case["net"]], rng)]


def drawn(stages, rng):
    for kind, *settings in stages:
        if kind == "residual":
            for way in settings:
                yield from drawn(way, rng)
        elif kind == "norm":
            yield from (np.ones(settings[0]), np.zeros(settings[0]))
        elif kind == "affine":
            yield rng.standard_normal(settings) * np.sqrt(2 / settings[0])
            yield np.zeros(settings[1])
        elif kind == "conv":
            shape, _, _, biased = settings
            yield rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
            yield from [np.zeros(shape[0])] * biased
