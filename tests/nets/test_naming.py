import time
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule import layers, nets
from chainrule.layers import Affine, Layer, Maxout, ReLU, Scale
from chainrule.nets import MLP, Classifier, Graph, Sequential, load, weights_of
from chainrule.nets.naming import gather
from chainrule.solvers import Adam, AdamW, Solver


class Own(Layer):
    """x K, with K under a name of one's own."""

    def __init__(self, key="kernel"):
        super().__init__()
        self.key = key
        self.params[key] = np.ones((4, 3))

    def forward(self, x, *, train=True):
        return x @ self.params[self.key], x

    def backward(self, dout, cache):
        return dout @ self.params[self.key].T, {self.key: cache.T @ dout}


class Table(Own):
    weights = ()


def every_example():
    for package in (layers, nets):
        for name in package.__all__:
            cls = getattr(package, name)
            if isinstance(cls, type) and issubclass(cls, Layer) and name not in ("Layer", "Loss"):
                for example, layer, *_ in cls.examples(np.random.default_rng(0)):
                    yield pytest.param(layer, id=f"{name}, {example}")


#: What the library called a weight before layers said so: by the last part of its name. In a graph
#: it is now any matrix, whatever its name.
NEW = {"V"}


@pytest.mark.parametrize("layer", [*every_example()])
def test_the_weights_of_our_layers_are_those_called_W(layer):
    named = [name for name in layer.params if name.rpartition(".")[2].startswith("W")]
    named = [] if layer.weights == () else named  # as an embedding, of which few rows are used
    assert [name for name in weights_of(layer) if name not in NEW] == named


def test_a_maxout_unit_has_two_matrices_and_one_weight():
    assert Maxout(3, 2).weights == ("W",)
    assert Sequential(Maxout(3, 2), Affine(2, 2)).weights == ("maxout1.W", "affine1.W")


@pytest.mark.parametrize("key", ["W", "w", "weight", "kernel"])
def test_a_matrix_is_a_weight_whatever_it_is_called(key):
    x, y = np.ones((6, 4)), np.arange(6) % 3
    net = Sequential(Own(key))
    with_l2, grads = Classifier(net, l2=1.0).loss(x, y)
    without, plain = Classifier(net).loss(x, y)
    assert with_l2 - without == pytest.approx(6)  # ½ · 12 · 1²
    np.testing.assert_allclose(grads[f"own1.{key}"] - plain[f"own1.{key}"], 1)


def test_a_layer_may_say_that_it_has_no_weights():
    net = Sequential(Table(), Affine(3, 2))
    assert net.weights == Classifier(net).weights == ("affine1.W",)
    assert Sequential(net, Affine(2, 2)).weights == ("sequential1.affine1.W", "affine1.W")


def test_a_shared_array_is_a_weight_if_one_of_its_layers_says_so():
    table, own = Table(), Own()
    own.params["kernel"] = table.params["kernel"]
    assert Sequential(table, own).weights == ("table1.kernel",)


def test_matrices_of_a_graph_are_weights():
    g = Graph()
    assert weights_of(g) == ()
    x = g.input("x")
    g.output(x @ g.param("A", np.ones((2, 3))) + g.param("c", np.ones(3)))
    assert g.weights == ("A",)


def test_a_layer_of_another_base_class_goes_by_dimensions_too():
    other = SimpleNamespace(params={"w": np.ones((2, 2)), "b": np.ones(2)})
    assert weights_of(other) == ("w",)
    other.weights = [np.ones((2, 2))]  # arrays are no declaration
    assert weights_of(other) == ("w",)
    other.weights = "b"
    assert weights_of(other) == ("b",)


def test_a_weight_that_is_no_parameter_is_refused():
    other = SimpleNamespace(params={"w": np.ones((2, 2))}, weights=("W",))
    with pytest.raises(ValueError, match=r"weights names 'W', expected .* \['w'\]"):
        weights_of(other)


def test_a_solver_tells_adamw_what_the_model_declares():
    x, y = np.random.default_rng(0).standard_normal((8, 4)), np.arange(8) % 2
    data = SimpleNamespace(x_train=x, y_train=y, x_val=None, y_val=None)
    ends = []
    for rule in (Adam(1e-2), AdamW(1e-2, weight_decay=10.0)):
        net = Sequential(Table(), Affine(3, 2, rng=0))
        Solver(Classifier(net), rule, data, epochs=1, batch_size=8, progress=False).train()
        ends.append(net.params)
    plain, decayed = ends
    np.testing.assert_array_equal(plain["table1.kernel"], decayed["table1.kernel"])
    W = MLP([3, 2], rng=0).params["affine1.W"]
    # w · (1 - 0.01 · 10), then the same step
    np.testing.assert_allclose(plain["affine1.W"] - decayed["affine1.W"], 0.1 * W, rtol=1e-6)


def test_views_of_one_buffer_are_apart_and_overlapping_ones_are_named():
    flat = np.zeros(12)
    apart = [{"W": flat[:6]}, {"W": flat[6:]}, {"W": np.zeros(0)}, {"W": np.zeros(0)}]
    joined, _ = gather(["a", "b", "c", "d"], apart)
    assert [*joined] == ["a.W", "b.W", "c.W", "d.W"]
    assert [*gather(["even", "odd"], [{"": flat[::2]}, {"": flat[1::2]}])[0]] == ["even", "odd"]
    with pytest.raises(ValueError, match=r"d\.W and a\.W are different arrays on the same memory"):
        gather(["a", "c", "d"], [{"W": flat[4:8]}, {"W": flat[:4]}, {"W": flat[7:]}])


def test_writing_and_loading_grow_with_the_number_of_layers_and_not_faster(tmp_path):
    def seconds(n):
        start = time.process_time()
        g = Graph()
        x = g.input("x")
        for k in range(n // 4):
            x = ReLU()(Scale(2.0)(x)).named(f"part{k}")
        g.output(x).save(tmp_path / "graph")
        Sequential(*[Affine(1, 1) for _ in range(n // 2)]).save(tmp_path / "row")
        load(tmp_path / "graph"), load(tmp_path / "row")
        return time.process_time() - start

    seconds(100)
    short = min(seconds(1000) for _ in range(3))
    assert seconds(8000) < 3 * 8 * short
