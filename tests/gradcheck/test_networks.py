"""In a network, the report names the layer at which the gradient goes wrong."""

import numpy as np
import pytest

from chainrule.gradcheck import check
from chainrule.layers import Affine, Tanh
from chainrule.nets import Graph, Sequential


class DoubledTanh(Tanh):
    def backward(self, dout, cache):
        dx, grads = super().backward(dout, cache)
        return 2 * dx, grads


class AveragedBias(Affine):
    def param_grads(self, dout, cache):
        grads = super().param_grads(dout, cache)
        return grads | {"b": grads["b"] / len(dout)}


def in_a_row(affine, tanh):
    return Sequential(affine, tanh, Affine(3, 2, rng=1))


def with_forks(affine, tanh):
    g = Graph()
    hidden = tanh(affine(g.input("x")))
    return g.output(hidden * hidden + hidden)


def with_two_outputs(affine, tanh):
    g = Graph()
    hidden = tanh(affine(g.input("x")))
    return g.output(hidden**2, hidden - 1)


@pytest.mark.parametrize("network", [in_a_row, with_forks, with_two_outputs])
def test_the_wrong_layer_is_blamed(network):
    x = np.random.default_rng(0).standard_normal((5, 4))
    assert check(network(Affine(4, 3, rng=0), Tanh()), x)
    doubled = check(network(Affine(4, 3, rng=0), DoubledTanh()), x)
    assert doubled.findings[0].message.startswith(
        "layer doubledtanh1: dx is too large by a factor 2"
    )
    averaged = check(network(AveragedBias(4, 3, rng=0), Tanh()), x)
    assert averaged.findings[0].tensor == "averagedbias1.b"
    assert "too small by a factor 5 = N" in averaged.findings[0].message


class Unchained(Sequential):
    """Hands the network's own dout to every layer."""

    def backward(self, dout, cache):
        grads = {}
        for name, layer, one in zip(self.names, self.layers, cache, strict=True):
            dx, own = layer.backward(dout, one)
            grads |= {f"{name}.{key}": grad for key, grad in own.items()}
        return dx, grads


def test_a_row_that_is_not_chained_is_told_so():
    x = np.random.default_rng(0).standard_normal((5, 4))
    report = check(Unchained(Affine(4, 4, rng=0), Tanh(), Affine(4, 4, rng=1)), x)
    assert report.findings[0].message.startswith("tanh1 gets the network's own dout")
