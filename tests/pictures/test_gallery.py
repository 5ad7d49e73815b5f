import numpy as np
import pytest

from chainrule.layers import (
    ELU,
    Affine,
    Layer,
    LeakyReLU,
    Log,
    Maxout,
    PReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Softsign,
    Swish,
    Tanh,
)
from chainrule.pictures import activations


class Cube(Layer):
    """A user's own: x³, whose slope is 3 x²."""

    def forward(self, x, *, train=True):
        return x**3, x

    def backward(self, dout, cache):
        return 3 * dout * cache**2, {}


class HardTanh(Layer):
    def forward(self, x, *, train=True):
        return x.clip(-1, 1), x

    def backward(self, dout, cache):
        return dout * (np.abs(cache) < 1), {}


def lines(axes):
    """The points of the curve and of the derivative."""
    found = {line.get_label(): line.get_xydata() for line in axes.lines}
    return found["f(x)"], found["f′(x)"]


def logistic(x):
    return 1 / (1 + np.exp(-x))


KNOWN = [
    (ReLU(), lambda x: np.maximum(x, 0), lambda x: x > 0),
    (LeakyReLU(0.1), lambda x: np.where(x > 0, x, 0.1 * x), lambda x: np.where(x > 0, 1, 0.1)),
    (PReLU(), lambda x: np.where(x > 0, x, x / 4), lambda x: np.where(x > 0, 1, 0.25)),
    (ELU(), lambda x: np.where(x > 0, x, np.expm1(x)), lambda x: np.where(x > 0, 1, np.exp(x))),
    (Sigmoid(), logistic, lambda x: logistic(x) * logistic(-x)),
    (Tanh(), np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    (Softplus(), lambda x: np.log(1 + np.exp(x)), logistic),
    (Swish(), lambda x: x * logistic(x), lambda x: logistic(x) * (1 + x * logistic(-x))),
    (Softsign(), lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    (Cube(), lambda x: x * x * x, lambda x: 3 * x * x),
]


@pytest.mark.parametrize(("layer", "formula", "slope"), KNOWN, ids=[repr(k[0]) for k in KNOWN])
def test_the_lines_are_the_function_and_its_derivative(layer, formula, slope):
    (axes,) = activations([layer], span=(-3, 2)).figure().axes
    for line, known in zip(lines(axes), (formula, slope), strict=True):
        x, y = line[np.abs(line[:, 0]) > 1e-9].T  # but for the kink
        assert (x[0], x[-1]) == (-3, 2)
        np.testing.assert_allclose(y, known(x), atol=1e-12)
    assert axes.get_title() == repr(layer)


def shaded(layer, span=(-4, 4)):
    """The stretches of x that are grey."""
    (axes,) = activations([layer], span=span).figure().axes
    paths = axes.collections[0].get_paths()
    return [(p.vertices[:, 0].min(), p.vertices[:, 0].max()) for p in paths if len(p.vertices)]


def test_grey_is_where_a_layer_is_flat():
    assert shaded(HardTanh()) == [(-4, -1), (1, 4)]
    ((low, high),) = shaded(ReLU())
    assert (low, high) == (-4, 0)
    edge = np.arccosh(200**0.5)  # 1 / cosh² x = 0.005 there
    np.testing.assert_allclose(shaded(Tanh()), [(-4, -edge), (edge, 4)],
                               atol=0.02)  # fmt: skip


def test_what_is_not_flat_or_only_turns_is_not_grey():
    for layer in (LeakyReLU(0.01), Softplus()):
        assert shaded(layer) == []
    assert shaded(Cube(), (-40, 40)) != []  # x² < 0.005 · 1600 for |x| < 2.8

    class Bowl(Cube):
        def forward(self, x, *, train=True):
            return x * x, x

        def backward(self, dout, cache):
            return 2 * dout * cache, {}

    assert shaded(Bowl()) == []


def test_a_layer_that_mixes_its_inputs_is_refused():
    with pytest.raises(ValueError, match=r"Softmax.* mixes its inputs, expected a layer that"):
        activations([ReLU(), Softmax()])


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (Maxout(3, 2), r"Maxout\(3 → 2, pieces=2\): x has 801 features"),
        (Affine(3, 2), r"Affine\(3 → 2\): x has 801 features"),
        (Log(), r"Log\(\): x\[0, 0\] is -4.0, expected a positive number"),
    ],
)
def test_a_layer_that_takes_no_single_numbers_is_refused_in_its_own_words(layer, said):
    with pytest.raises(ValueError, match=rf"each number from -4 to 4 on its own.* {said}"):
        activations([layer])


def test_a_logarithm_is_drawn_where_it_has_values():
    curve, slope = lines(activations([Log()], span=(0.5, 2)).figure().axes[0])
    np.testing.assert_allclose(curve[:, 1], np.log(curve[:, 0]))
    np.testing.assert_allclose(slope[:, 1], 1 / slope[:, 0])


@pytest.mark.parametrize("layers", [ReLU(), [], "relu", ReLU])
def test_a_layer_in_the_place_of_a_list_is_refused(layers):
    with pytest.raises(TypeError, match=r"expected a list of layers, \[ReLU\(\)\]"):
        activations(layers)


@pytest.mark.parametrize("layer", [ReLU, "relu"])
def test_a_class_in_the_place_of_a_layer_is_refused(layer):
    with pytest.raises(TypeError, match=r"expected a layer such as ReLU\(\)"):
        activations([layer])


@pytest.mark.parametrize("span", [(1, 1), (2, -2), (0, np.inf), (np.nan, 1)])
def test_a_span_that_is_none_is_refused(span):
    with pytest.raises(ValueError, match=r"expected \(low, high\)"):
        activations([ReLU()], span=span)
