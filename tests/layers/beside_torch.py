"""Layers over sequences beside PyTorch's: outputs, and the gradients of inputs and parameters."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

TO = 1e-11  # of float64
few = settings(
    max_examples=15, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def grid(low, high, *shape):
    """Numbers from `low` to `high` at equal distances, in C order: the inputs of the courses."""
    return np.linspace(low, high, num=int(np.prod(shape))).reshape(shape)


def drawn(layer, seed=0):
    """The layer with parameters that are drawn anew."""
    rng = np.random.default_rng(seed)
    for array in layer.params.values():
        array[...] = rng.standard_normal(array.shape) / 2
    return layer


def compare(layer, inputs, theirs):
    """Compares what the layer makes of inputs, and of gradients of its outputs, with `theirs`, a
    function of tensors and of parameters by name. Integers and masks have no gradient."""
    torch = pytest.importorskip("torch")
    outs, cache = layer.forward(*inputs)
    one = not isinstance(outs, tuple)
    rng = np.random.default_rng(1)
    douts = [rng.standard_normal(out.shape) for out in ((outs,) if one else outs)]
    dinputs, grads = layer.backward(douts[0] if one else tuple(douts), cache)
    dinputs = dinputs if isinstance(dinputs, tuple) else (dinputs,)
    floats = [np.asarray(x).dtype.kind == "f" for x in inputs]
    tensors = [torch.tensor(x, requires_grad=r) for x, r in zip(inputs, floats, strict=True)]
    params = {n: torch.tensor(a, requires_grad=True) for n, a in layer.params.items()}
    others = theirs(*tensors, **params)
    others = others if isinstance(others, tuple) else (others,)
    sum((o * torch.tensor(d)).sum() for o, d in zip(others, douts, strict=True)).backward()
    pairs = [
        *zip((outs,) if one else outs, others, strict=True),
        *zip(dinputs, (t.grad for t, r in zip(tensors, floats, strict=True) if r), strict=True),
        *((grads[name], tensor.grad) for name, tensor in params.items()),
    ]
    for ours, tensor in pairs:
        np.testing.assert_allclose(ours, tensor.detach().numpy(), rtol=TO, atol=TO)
