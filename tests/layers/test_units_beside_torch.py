"""PyTorch as a judge of activations: output and gradient in float64, near 0 and far from it."""

from functools import partial

import numpy as np
import pytest

from chainrule.layers import (
    ELU,
    GELU,
    SELU,
    HardSwish,
    LeakyReLU,
    Mish,
    ReLU,
    Sigmoid,
    Softplus,
    Softsign,
    Swish,
    Tanh,
)

torch = pytest.importorskip("torch")
F = torch.nn.functional

UNITS = {
    "ELU": (ELU(1.5), partial(F.elu, alpha=1.5)),
    "GELU": (GELU(), F.gelu),
    "GELU, tanh": (GELU("tanh"), partial(F.gelu, approximate="tanh")),
    "HardSwish": (HardSwish(), F.hardswish),
    "LeakyReLU": (LeakyReLU(0.1), partial(F.leaky_relu, negative_slope=0.1)),
    "Mish": (Mish(), F.mish),
    "ReLU": (ReLU(), F.relu),
    "SELU": (SELU(), F.selu),
    "Sigmoid": (Sigmoid(), F.sigmoid),
    "Softplus": (Softplus(), partial(F.softplus, threshold=100)),
    "Softsign": (Softsign(), F.softsign),
    "Swish": (Swish(), F.silu),
    "Tanh": (Tanh(), F.tanh),
}


@pytest.mark.parametrize("scale", [1, 30])
@pytest.mark.parametrize("name", UNITS)
def test_out_and_gradient_are_pytorchs(name, scale):
    layer, function = UNITS[name]
    rng = np.random.default_rng(0)
    x, dout = scale * rng.standard_normal((20, 30)), rng.standard_normal((20, 30))
    there = torch.tensor(x, requires_grad=True)
    theirs = function(there)
    theirs.backward(torch.tensor(dout))
    out, cache = layer.forward(x)
    np.testing.assert_allclose(out, theirs.detach().numpy(), rtol=1e-12, atol=1e-12)
    dx, _ = layer.backward(dout, cache)
    np.testing.assert_allclose(dx, there.grad.numpy(), rtol=1e-12, atol=1e-12)
