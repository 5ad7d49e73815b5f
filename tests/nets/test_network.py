"""What networks of all kinds share: copies of them, and files of earlier versions."""

import copy
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest

from chainrule import nets
from chainrule.layers import Affine, BatchNorm, ReLU
from chainrule.nets import MLP, Graph, Sequential

SAVED = Path(__file__).parent / "saved"  # by version 0.1.0, whose packages had plain names


def through_joblib(net, folder):
    joblib.dump(net, folder / "net.joblib")
    return joblib.load(folder / "net.joblib")


COPIES = {
    "joblib": through_joblib,
    "pickle": lambda net, _: pickle.loads(pickle.dumps(net)),
    "deepcopy": lambda net, _: copy.deepcopy(net),
}


def nested():
    """A layer and a network that stand at two places each."""
    shared = Affine(4, 4, rng=0)
    inner = Sequential(Affine(4, 4, rng=1), BatchNorm(4), shared)
    return Sequential(inner, ReLU(), shared, inner, Affine(4, 3, rng=2))


def written():
    """A graph with a parameter of its own, used twice."""
    graph = Graph()
    x, w = graph.input("x"), graph.param("w", np.array([2.0, 3.0, 5.0, 7.0]))
    graph.output(x * w + w)
    return graph


@pytest.mark.parametrize("made", [nested, written, lambda: MLP([4, 3, 2], norm=BatchNorm, rng=0)])
@pytest.mark.parametrize("how", COPIES)
def test_a_copy_trains_on_like_the_network_and_leaves_it_alone(how, made, tmp_path):
    net = made()
    other, before = COPIES[how](net, tmp_path), copy.deepcopy(net.params)
    x = np.random.default_rng(0).standard_normal((5, 4))
    for _ in range(2):
        out, cache = other.forward(x)
        _, grads = other.backward(out, cache)
        for name, grad in grads.items():
            other.params[name] -= 0.1 * grad
    assert all((net.params[name] == before[name]).all() for name in before)
    other.save(tmp_path / "other.safetensors")  # which asks whether layers hold these arrays
    for _ in range(2):
        out, cache = net.forward(x)
        _, grads = net.backward(out, cache)
        for name, grad in grads.items():
            net.params[name] -= 0.1 * grad
    np.testing.assert_array_equal(other.forward(x)[0], net.forward(x)[0])
    assert all((net.state[name] == other.state[name]).all() for name in net.state)


@pytest.mark.parametrize(
    ("name", "inputs"), [("sequential", "x"), ("mlp", "x"), ("graph", ([1.0, 2.0], [3.0, 4.0]))]
)
def test_a_network_saved_under_the_old_names_loads(name, inputs):
    expected = np.load(SAVED / "expected.npz")
    net = nets.load(SAVED / f"{name}.safetensors")
    given = [expected["x"]] if inputs == "x" else map(np.array, inputs)
    out, _ = net.forward(*given, train=False)
    np.testing.assert_allclose(out, expected[name], rtol=1e-12)
