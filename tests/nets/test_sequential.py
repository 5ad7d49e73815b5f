import numpy as np
import pytest

from chainrule.gradcheck import check
from chainrule.layers import Affine, BatchNorm, Dropout, Layer, ReLU, Tanh
from chainrule.nets import Sequential


def test_forward_and_backward_are_those_of_the_layers_called_by_hand():
    first, act, last = Affine(4, 3, rng=0), Tanh(), Affine(3, 2, rng=1)
    rng = np.random.default_rng(2)
    x, dout = rng.standard_normal((5, 4)), rng.standard_normal((5, 2))
    net = Sequential(first, act, last)
    out, cache = net.forward(x)
    dx, grads = net.backward(dout, cache)

    h, c1 = first.forward(x)
    h, c2 = act.forward(h)
    want, c3 = last.forward(h)
    d, last_grads = last.backward(dout, c3)
    d, _ = act.backward(d, c2)
    want_dx, first_grads = first.backward(d, c1)
    np.testing.assert_array_equal(out, want)
    np.testing.assert_array_equal(dx, want_dx)
    np.testing.assert_array_equal(grads["affine1.W"], first_grads["W"])
    np.testing.assert_array_equal(grads["affine2.b"], last_grads["b"])


def test_parameters_are_named_by_class_and_count_and_are_the_layers_own_arrays():
    inner = Sequential(Affine(3, 3), ReLU())
    net = Sequential(Affine(4, 3), BatchNorm(3), ReLU(), inner, Affine(3, 2))
    assert list(net.params) == [
        "affine1.W",
        "affine1.b",
        "batchnorm1.gamma",
        "batchnorm1.beta",
        "sequential1.affine1.W",
        "sequential1.affine1.b",
        "affine2.W",
        "affine2.b",
    ]
    assert list(net.state) == ["batchnorm1.running_mean", "batchnorm1.running_var"]
    assert net.params["sequential1.affine1.W"] is inner.layers[0].params["W"]


def test_an_update_in_place_of_a_parameter_changes_the_output():
    net = Sequential(Sequential(Affine(2, 2, rng=0)))
    x = np.ones((1, 2))
    before, _ = net.forward(x)
    net.params["sequential1.affine1.b"] += 3
    np.testing.assert_allclose(net.forward(x)[0], before + 3)


def test_a_layer_used_twice_has_one_name_and_its_gradients_add_up():
    twice = Affine(1, 1)
    twice.params["W"][...] = 3.0
    net = Sequential(twice, twice)  # out = 9 x
    assert list(net.params) == ["affine1.W", "affine1.b"]
    out, cache = net.forward(np.array([[2.0]]))
    dx, grads = net.backward(np.array([[1.0]]), cache)
    assert out.item() == 18
    assert dx.item() == 9
    assert grads["affine1.W"].item() == 12  # d(W² x)/dW = 2 W x
    assert grads["affine1.b"].item() == 4  # d(W b + b)/db = W + 1


def test_two_layers_that_share_one_array_are_tied():
    first, second = Affine(3, 3, rng=0), Affine(3, 3, rng=1)
    second.params["W"] = first.params["W"]
    net = Sequential(first, Tanh(), second)
    assert list(net.params) == ["affine1.W", "affine1.b", "affine2.b"]
    x = np.random.default_rng(0).standard_normal((5, 3))
    assert check(net, x)


def test_a_tied_copy_in_float32_is_still_tied():
    twice = Affine(3, 3, rng=0)
    cast = Sequential(twice, Sequential(twice)).astype(np.float32)
    assert list(cast.params) == ["affine1.W", "affine1.b"]
    assert cast.params["affine1.W"].dtype == np.float32
    assert cast.layers[0].params["W"] is cast.layers[1].layers[0].params["W"]
    assert cast.layers[0].params["W"] is cast.params["affine1.W"]


def test_different_arrays_on_the_same_memory_are_refused():
    first, second = Affine(3, 3), Affine(3, 3)
    second.params["W"] = first.params["W"].T
    with pytest.raises(ValueError, match=r"affine2\.W and affine1\.W.*same memory"):
        Sequential(first, second)


class CountsBackward(Affine):
    def __init__(self, *args):
        super().__init__(*args)
        self.calls = []

    def backward(self, dout, cache):
        self.calls.append("backward")
        return super().backward(dout, cache)

    def param_grads(self, dout, cache):
        self.calls.append("param_grads")
        return super().param_grads(dout, cache)


@pytest.mark.parametrize("front", [(), (Tanh(),)])
def test_the_first_layer_with_parameters_is_asked_for_its_parameter_gradients_alone(front):
    first = CountsBackward(3, 3)
    net = Sequential(*front, Sequential(first, Tanh()), Affine(3, 2))
    out, cache = net.forward(np.ones((5, 3)))
    net.param_grads(np.ones_like(out), cache)
    assert first.calls == ["param_grads"]


def test_a_network_without_parameters_has_no_parameter_gradients():
    net = Sequential(Tanh(), ReLU())
    out, cache = net.forward(np.ones((2, 3)))
    assert net.param_grads(out, cache) == {}


def test_a_parameter_replaced_after_building_is_an_error_that_names_it():
    net = Sequential(Affine(2, 2), Tanh(), Affine(2, 2))
    net.layers[2].params["W"] = np.eye(2)
    with pytest.raises(RuntimeError, match=r"affine2\.W was replaced after the network was built"):
        net.forward(np.ones((1, 2)))


def test_names_stay_apart_when_a_class_name_ends_in_a_number():
    class Affine1(Affine):
        pass

    net = Sequential(*[Affine(1, 1) for _ in range(11)], Affine1(1, 1))
    assert len(net.params) == 24
    assert len(set(net.names)) == 12


def test_train_is_passed_on_to_every_layer():
    net = Sequential(Sequential(Dropout(0.5, rng=0)), Dropout(0.5, rng=1))
    x = np.ones((20, 20))
    np.testing.assert_array_equal(net.forward(x, train=False)[0], x)
    assert set(np.unique(net.forward(x)[0])) == {0, 4}


def test_summary_lists_layers_shapes_and_parameters_and_counts_a_shared_one_once():
    twice = Affine(4, 4)
    lines = Sequential(twice, Tanh(), twice, Affine(4, 1000)).summary().splitlines()
    assert [line.split()[0] for line in lines] == [
        "layer",
        "affine1",
        "tanh1",
        "affine2",
        "affine3",
        "total",
    ]
    assert lines[1].endswith("(N, 4)                20")
    assert lines[3].endswith(" 0")
    assert "Affine(4 → 1000)" in lines[4]
    assert lines[4].endswith("(N, 1000)          5,000")
    assert lines[5].endswith("5,020")
    assert len({len(line) for line in lines}) == 1


def test_summary_lists_the_layers_of_a_network_within_under_its_name():
    twice = Affine(4, 4)
    net = Sequential(Sequential(twice, Sequential(Tanh())), twice, Affine(4, 3))
    rows = [line.split() for line in net.summary((4,)).splitlines()]
    assert [(row[0], row[-1]) for row in rows[1:]] == [
        ("sequential1.affine1", "20"),
        ("sequential1.sequential1.tanh1", "0"),
        ("affine1", "0"),  # counted before
        ("affine2", "15"),
        ("total", "35"),
    ]


def test_summary_of_images_needs_the_shape_of_an_example():
    net = Sequential(BatchNorm(3), Affine(3 * 4 * 4, 10))
    assert "(N, 3, 4, 4)" in net.summary((3, 4, 4))
    with pytest.raises(ValueError, match=r"shape of one example, such as \(784,\)"):
        net.summary()


def test_what_is_not_a_layer_is_named():
    with pytest.raises(TypeError, match=r"argument 2 is 'relu', which is not a layer: it lacks"):
        Sequential(Affine(2, 2), "relu")
    with pytest.raises(
        TypeError, match=r"argument 1 is the class ReLU; make a layer of it, ReLU\(…\)"
    ):
        Sequential(ReLU)
    with pytest.raises(TypeError, match="at least one layer"):
        Sequential()


class Cube(Layer):
    """A stranger's layer: the contract is all that a network needs."""

    def forward(self, x, *, train=True):
        return x**3, x

    def backward(self, dout, cache):
        return 3 * cache**2 * dout, {}


def test_a_layer_written_elsewhere_fits_in():
    net = Sequential(Affine(3, 4, rng=0), Cube(), Affine(4, 2, rng=1))
    x = np.random.default_rng(0).standard_normal((5, 3))
    assert check(net, x)
