"""The arrays of cases on images: the same numbers for the same case."""

import numpy as np


def convolution_arrays(case):
    """x (N, C, H, W), W (F, C / G, k, k), b (F,) and dout (N, F, H', W')."""
    rng = np.random.default_rng(0)
    N, C, *image = case["shape"]
    F, k, pad, stride = case["filters"], case["size"], case["pad"], case["stride"]
    places = [(side + 2 * pad - k) // stride + 1 for side in image]
    shapes = (N, C, *image), (F, C // case["groups"], k, k), (F,), (N, F, *places)
    x, W, b, dout = (rng.standard_normal(shape, case["dtype"]) for shape in shapes)
    return x, W / np.sqrt(W[0].size, dtype=W.dtype), b, dout


def wants_dx(case):
    """Whether the gradient with respect to the images is asked for."""
    return case["kind"] != "first_layer"
