"""PyTorch as a judge of Conv: output and all gradients in float64, whatever the window."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.layers import Conv

torch = pytest.importorskip("torch")
F = torch.nn.functional


def sides(least, most):
    number = st.integers(least, most)
    return st.one_of(number, st.tuples(number, number))


@st.composite
def convolutions(draw):
    """Settings of a layer, and images that are large enough for it."""
    groups = draw(st.integers(1, 3))
    told = {
        "in_channels": groups * draw(st.integers(1, 3)),
        "out_channels": groups * draw(st.integers(1, 3)),
        "size": draw(sides(1, 4)),
        "stride": draw(sides(1, 3)),
        "pad": draw(st.one_of(sides(0, 3), st.just("same"))),
        "groups": groups,
        "dilation": draw(sides(1, 3)),
        "bias": draw(st.booleans()),
    }
    if told["pad"] == "same":  # PyTorch has it with this stride alone
        told["stride"] = 1
    kh, kw = np.broadcast_to(told["size"], 2)
    dh, dw = np.broadcast_to(told["dilation"], 2)
    ph, pw = (0, 0) if told["pad"] == "same" else np.broadcast_to(told["pad"], 2)
    H = max(dh * (kh - 1) + 1 - 2 * ph, 1) + draw(st.integers(0, 6))
    W = max(dw * (kw - 1) + 1 - 2 * pw, 1) + draw(st.integers(0, 6))
    return told, (draw(st.integers(1, 3)), int(H), int(W))


def close(ours, theirs):
    """Equal to 1e-12 of the largest number."""
    theirs = theirs.numpy()
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * max(1, abs(theirs).max()))


@settings(deadline=None, max_examples=100)
@given(convolutions(), st.integers(0, 2**32 - 1))
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_output_and_gradients_are_those_of_pytorch(drawn, seed):
    told, (N, H, W) = drawn
    rng = np.random.default_rng(seed)
    layer = Conv(**told, rng=rng)
    for param in layer.params.values():
        param[...] = rng.standard_normal(param.shape)
    x = rng.standard_normal((N, told["in_channels"], H, W))
    out, cache = layer.forward(x)
    dout = rng.standard_normal(out.shape)
    dx, grads = layer.backward(dout, cache)

    tensors = [torch.tensor(a, requires_grad=True) for a in (x, *layer.params.values())]
    how = {"stride": told["stride"], "padding": told["pad"]}
    result = F.conv2d(*tensors, **how, groups=told["groups"], dilation=told["dilation"])
    result.backward(torch.tensor(dout))
    close(out, result.detach())
    for ours, tensor in zip((dx, *grads.values()), tensors, strict=True):
        close(ours, tensor.grad)
