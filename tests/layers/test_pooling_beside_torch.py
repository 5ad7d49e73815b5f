"""PyTorch as a judge of the layers that pool and resize: output and gradient in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.layers import AveragePool, GlobalAveragePool, MaxPool, Pad, Upsample

torch = pytest.importorskip("torch")
F = torch.nn.functional


@st.composite
def poolings(draw):
    """Settings of a layer, and images that are large enough for it."""
    size = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    stride = draw(st.none() | st.integers(1, 4) | st.tuples(st.integers(1, 4), st.integers(1, 4)))
    pad = tuple(draw(st.integers(0, k // 2)) for k in size)
    N, C = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    image = (max(k - 2 * p, 1) + draw(st.integers(0, 7)) for k, p in zip(size, pad, strict=True))
    return {"size": size, "stride": stride, "pad": pad}, (N, C, *image)


def both(layer, function, x, rng):
    """(out, dx) of the layer and of PyTorch's function, for the same random dout."""
    tensor = torch.tensor(x, requires_grad=True)
    theirs = function(tensor)
    out, cache = layer.forward(x)
    dout = rng.standard_normal(out.shape)
    theirs.backward(torch.tensor(dout))
    return (out, layer.backward(dout, cache)[0]), (theirs.detach().numpy(), tensor.grad.numpy())


def assert_close(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=100)
@given(poolings(), st.integers(0, 2**32 - 1), st.sampled_from([0, 3]))
def test_the_maximum_with_ties_and_infinities_is_that_of_pytorch(drawn, seed, digits):
    told, shape = drawn
    rng = np.random.default_rng(seed)
    x = np.round(rng.standard_normal(shape), digits)
    x[rng.random(shape) < 0.1] = -np.inf
    x[rng.random(shape) < 0.1] = np.inf
    ours, theirs = both(
        MaxPool(**told), lambda t: F.max_pool2d(t, *told.values()), x, np.random.default_rng(seed)
    )
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=100)
@given(poolings(), st.integers(0, 2**32 - 1))
def test_the_average_is_that_of_pytorch(drawn, seed):
    told, shape = drawn
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    assert_close(*both(AveragePool(**told), lambda t: F.avg_pool2d(t, *told.values()), x, rng))


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (GlobalAveragePool(), lambda t: F.adaptive_avg_pool2d(t, 1).flatten(1)),
        (Pad((1, 2), value=0.5), lambda t: F.pad(t, (2, 2, 1, 1), value=0.5)),
        (Upsample((2, 3)), lambda t: F.interpolate(t, scale_factor=(2, 3), mode="nearest")),
    ],
    ids=["global average", "pad", "upsample"],
)
def test_other_layers_on_images_are_those_of_pytorch(layer, function):
    rng = np.random.default_rng(0)
    assert_close(*both(layer, function, rng.standard_normal((2, 3, 4, 5)), rng))
