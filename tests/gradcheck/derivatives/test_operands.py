"""What derivatives make of the arrays, functions and layers that they are given."""

import numpy as np
import pytest

from chainrule.gradcheck import hessian, hvp, jacobian, jacobian_memory, vjp
from chainrule.layers import (
    MSE,
    Affine,
    BatchNorm,
    Dropout,
    Multiply,
    ReLU,
    Softmax,
    SoftmaxCrossEntropy,
)
from chainrule.nets import Graph
from tests.gradcheck.derivatives.plain import Plain


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# what is given stays as it is


def test_nothing_that_is_given_is_changed(rng):
    layers = BatchNorm(4), Dropout(0.5, rng=3), Affine(4, 4, rng=0)
    x, dout = rng.standard_normal((5, 4)), rng.standard_normal((5, 4))
    for array in (x, dout):
        array.flags.writeable = False
    legacy = np.random.get_state()[1].tobytes()  # noqa: NPY002
    for layer in layers:
        for array in (*layer.params.values(), *layer.state.values()):
            array.flags.writeable = False
        vjp(layer, x, dout=dout)
        for method in ("backward", "central"):
            jacobian(layer, x, method=method)
    assert layers[1].rng.bit_generator.state == Dropout(0.5, rng=3).rng.bit_generator.state
    assert np.random.get_state()[1].tobytes() == legacy  # noqa: NPY002
    scores, labels = x[:, :3], np.array([0, 1, 2, 0, 1])
    hessian(SoftmaxCrossEntropy(), scores, labels)
    hvp(SoftmaxCrossEntropy(), scores, labels, v=scores)


def test_a_backward_pass_that_writes_into_dout_gets_a_copy_and_hands_out_none_of_it():
    def writes(dout, _):
        dout *= 3
        return dout, {}

    dout = np.ones(2)
    dx = vjp(Plain(writes), np.ones(2), dout=dout)
    np.testing.assert_array_equal(dx, [3, 3])
    assert dout.tolist() == [1, 1]
    assert vjp(Plain(lambda dout, _: (dout, {})), np.ones(2), dout=dout) is not dout


def test_a_function_may_write_into_what_it_is_given():
    def writes(x):
        x *= x
        return x

    x = np.array([1.0, 3.0])
    np.testing.assert_allclose(jacobian(writes, x), np.diag([2, 6]), rtol=1e-14)
    assert x.tolist() == [1, 3]


def test_a_function_may_return_the_same_array_from_every_call():
    out, slope, square = np.zeros(2), np.zeros(2), np.zeros(())

    def cubes(x):
        out[...] = x.real**3
        return out

    def gradient(x):
        slope[...] = 4 * x.real**3
        return slope

    def fourth(x):
        square[...] = (x.real**4).sum()
        return square

    x = np.array([1.0, -2.0])
    for method in (None, "central"):
        np.testing.assert_allclose(jacobian(cubes, x, method=method), np.diag([3, 12]), atol=1e-8)
    for given in (gradient, None):
        H = hessian(fourth, x, gradient=given)
        np.testing.assert_allclose(H, np.diag([12, 48]), atol=1e-4)


@pytest.mark.parametrize("x", [[1, 2], (1.0, 2.0), np.array([1, 2], np.int8), np.float32([1, 2])])
def test_lists_whole_numbers_and_float32_are_taken_as_float64(x):
    np.testing.assert_allclose(jacobian(np.square, x), np.diag([2, 4]), rtol=1e-15)
    np.testing.assert_allclose(jacobian(np.square, x, method="central"), [[2, 0], [0, 4]])
    given = []
    hessian(lambda x: given.append(x.dtype) or x @ x, x)
    assert set(given) == {np.dtype(float), np.dtype(complex)}


@pytest.mark.parametrize("value", [float, np.float64, lambda x: np.array(float(x)), lambda x: x])
def test_numbers_of_any_kind_are_a_value(value):
    assert jacobian(lambda x: value(x[0]) ** 2, [3.0]) == pytest.approx([6.0], rel=1e-9)
    assert hessian(lambda x: value(x[0]) ** 2, [3.0]) == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize("method", ["backward", "central"])
def test_a_random_layer_draws_the_same_in_every_pass(method):
    class Noise(Plain):
        def forward(self, x, train=True):
            mask = np.random.random(x.shape) < 0.5  # noqa: NPY002
            return mask * x, mask

        def backward(self, dout, cache):
            return cache * dout, {}

    for layer, kept in ((Noise(), 1.0), (Dropout(0.5, rng=0), 2.0)):
        J = jacobian(layer, np.ones(50), method=method)
        assert np.unique(J.round(6)).tolist() == [0.0, kept]
        np.testing.assert_array_equal(J, np.diag(np.diag(J)))


@pytest.mark.parametrize("noise", [0.1, 1e-6])
def test_a_random_function_is_refused(noise, rng):
    x = np.ones(3)
    said = "f returns other numbers in a second call with the same x, expected the same; a random f"
    with pytest.raises(ValueError, match=f"jacobian: {said}"):
        jacobian(lambda x: x * (1 + noise * rng.random(3)), x)
    with pytest.raises(ValueError, match=f"hvp: {said}"):
        hvp(lambda x: x @ x + noise * rng.random(), x, v=x, gradient=lambda x: 2 * x)
    J = jacobian(lambda x: x * np.random.default_rng(0).random(3), x)
    np.testing.assert_allclose(J, np.diag(np.random.default_rng(0).random(3)), rtol=1e-15)


def test_a_function_may_return_nan_in_every_call():
    J = jacobian(lambda x: np.array([np.nan, 2.0]) * x, [1.0, 1.0])
    np.testing.assert_array_equal(np.isnan(J), [[True, True], [False, False]])


def test_an_input_goes_before_a_parameter_of_its_name():
    class Scaled(Plain):
        def forward(self, a):
            return self.params["a"] * a, a

    np.testing.assert_array_equal(jacobian(Scaled(), np.ones(2), wrt="a"), 3 * np.eye(2))
    assert jacobian_memory(Scaled(), np.ones(2)).explicit == {"a": 32}


def test_a_graph_of_parameters_alone_has_derivatives_in_them():
    g = Graph()
    a, b = g.param("a", np.array([1.0, 2.0])), g.param("b", np.array([3.0, 4.0]))
    g.output(Multiply()(a, b))
    for method in ("backward", "central"):
        np.testing.assert_allclose(jacobian(g, wrt="a", method=method), np.diag([3, 4]), rtol=1e-9)
    np.testing.assert_array_equal(vjp(g, dout=[10.0, 1.0], wrt="b"), [10, 2])
    with pytest.raises(
        ValueError, match=r"jacobian: Graph.* has no inputs; name one of its .*: a, "
    ):
        jacobian(g)
    with pytest.raises(ValueError, match=r"vjp: Graph.* has no input with a gradient; name one of"):
        vjp(g, dout=[1.0, 1.0])
    one = Graph()
    one.output(ReLU()(one.input("x")))
    with pytest.raises(
        TypeError, match="jacobian: no input; pass the arrays that forward takes af"
    ):
        jacobian(one)
    with pytest.raises(
        ValueError, match=r"has no input with a gradient; .* parameters with wrt: a$"
    ):
        vjp(Plain(), np.array([1, 2]), dout=[1.0, 1.0])


# what is refused


def test_what_vjp_cannot_do_is_said():
    x = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"vjp: dout has shape \(3,\), expected \(2, 3\), the sha"):
        vjp(ReLU(), x, dout=np.ones(3))
    with pytest.raises(TypeError, match=r"vjp: <ufunc 'sin'> is not a layer: expected an object w"):
        vjp(np.sin, x, dout=x)
    with pytest.raises(ValueError, match="backward of Plain returns no gradient for x"):
        vjp(Plain(lambda *_: None), x, dout=x)


def in_turn(*functions):
    """A function that is, call by call, each of `functions`, and then the last."""
    calls = list(functions)
    return lambda x: (calls.pop(0) if len(calls) > 1 else calls[0])(x)


def returns(value):
    layer = Plain()
    layer.forward = lambda _: value
    return layer


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda x: jacobian(ReLU(), x, layout="row"), ValueError, "layout is 'row', expected 'num"),
        (
            lambda x: jacobian(ReLU(), x, method="exact"),
            ValueError,
            "method is 'exact', expected '",
        ),
        (lambda x: jacobian(abs, x, method="backward"), ValueError, "a function has no backward p"),
        (lambda x: jacobian(ReLU, x), TypeError, "ReLU is a class, expected a layer of that class"),
        (lambda x: jacobian(3, x), TypeError, "3 is neither a layer, an object with forward and b"),
        (lambda x: jacobian(abs, x, wrt="x"), TypeError, "wrt='x' is for layers; a function is"),
        (
            lambda x: jacobian(np.add, x, x),
            TypeError,
            "a function takes one array, got 2; hold the",
        ),
        (lambda _: jacobian(abs), TypeError, "a function takes one array, got 0"),
        (lambda _: jacobian(ReLU()), TypeError, "no input; pass the arrays that forward takes"),
        (lambda x: jacobian(ReLU(), x, wrt="W"), ValueError, "wrt is 'W', expected .*ReLU.*: x$"),
        (lambda x: jacobian(abs, x * 1j), TypeError, "x has dtype complex128, expected real numbe"),
        (lambda _: jacobian(abs, "x"), TypeError, "x has dtype <U1, expected real numbers"),
        (lambda x: jacobian(lambda _: None, x), TypeError, "f returns dtype object, expected real"),
        (lambda x: jacobian(lambda x: x * 1j, x), TypeError, "f returns dtype complex128, expecte"),
        (
            lambda x: jacobian(returns(None), x),
            TypeError,
            "forward of .* is not written or returns None, expected",
        ),
        (lambda x: jacobian(returns(x), x), TypeError, "forward must return out, cache, and retur"),
        (
            lambda x: jacobian(returns(((x, x), None)), x),
            TypeError,
            "Plain has 2 outputs, expected one array",
        ),
        (
            lambda x: jacobian(Plain(lambda dout, _: (dout.T, {})), x),
            ValueError,
            r"backward of Plain returns a gradient of shape \(3, 2\) for x, expected \(2, 3\)",
        ),
        (
            lambda x: jacobian(MSE(), x, x, wrt="targets"),
            ValueError,
            "backward of MSE.* returns no gradient for targets",
        ),
        (
            lambda x: hessian(Softmax(), x),
            ValueError,
            r"f returns an array of shape \(2, 3\), expec",
        ),
        (
            lambda x: hvp(abs, x, v=x),
            ValueError,
            r"f returns an array of shape \(2, 3\), expected o",
        ),
        (
            lambda x: hvp(np.sum, x, v=[1.0]),
            ValueError,
            r"v has shape \(1,\), expected \(2, 3\), th",
        ),
        (lambda x: hessian(MSE(), x, x, gradient=abs), TypeError, "the gradient of a layer is its"),
        (
            lambda x: hessian(np.sum, x, gradient=x),
            TypeError,
            r"gradient is array.*, expected a fun",
        ),
    ],
)
def test_what_is_wrong_is_said(call, error, said):
    with pytest.raises(error, match=f"(?s){said}"):
        call(np.ones((2, 3)))


RAGGED = [[1.0], [1.0, 2.0]]
SHAPES = r"f returns an array of shape \(1,\) after one of shape \(2,\), expected the same shape in"


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda x: vjp(ReLU(), x, dout=None), TypeError, r"vjp: dout is None, expected .* \(2,\)"),
        (lambda x: vjp(MSE(), x, x, dout=None), TypeError, "vjp: dout is None, expected an array"),
        (lambda x: vjp(ReLU(), x, dout="1"), TypeError, "vjp: dout has dtype <U1, expected real"),
        (lambda x: vjp(ReLU(), x, dout=1j * x), TypeError, "vjp: dout has dtype complex128, exp"),
        (lambda x: vjp(ReLU(), x, dout=RAGGED), ValueError, "vjp: dout has rows of unlike lengths"),
        (lambda _: vjp(ReLU(), RAGGED, dout=1), ValueError, "vjp: an input has rows of unlike len"),
        (
            lambda x: vjp(ReLU(), x, dout=x, wrt=["x"]),
            ValueError,
            r"wrt is \['x'\], expected an in",
        ),
        (
            lambda _: jacobian(abs, RAGGED),
            ValueError,
            "jacobian: x has rows of unlike lengths, exp",
        ),
        (lambda _: jacobian(abs, None), TypeError, "jacobian: x has dtype object, expected real"),
        (lambda _: jacobian(abs, [True]), TypeError, "jacobian: x has dtype bool, expected real"),
        (lambda _: jacobian(abs, [np.nan]), ValueError, "jacobian: x has nan in it, expected fini"),
        (lambda _: hessian(sum, [-np.inf]), ValueError, "hessian: x has -inf in it, expected fini"),
        (lambda _: jacobian(ReLU(), [np.inf]), ValueError, "jacobian: x has inf in it, expected f"),
        (lambda x: jacobian(Plain(), x * 1j), TypeError, "x has dtype complex128, and derivatives"),
        (
            lambda x: jacobian(Plain(lambda *_: (x, [1])), x),
            TypeError,
            "returns a list for grads, e",
        ),
        (
            lambda x: jacobian(Plain(lambda *_: (1j * x, {})), x),
            TypeError,
            "backward of Plain returns dtype complex128, expected real numbers",
        ),
        (lambda x: hvp(np.sum, x, v=None), TypeError, "hvp: v has dtype object, expected real num"),
        (lambda x: hvp(np.sum, x, v=x * 1j), TypeError, "hvp: v has dtype complex128, expected re"),
        (lambda x: hvp(np.sum, x, v=x * np.nan), ValueError, "hvp: v has nan in it, expected fini"),
        (lambda x: jacobian(lambda x: [x, 1], x), ValueError, "jacobian: f returns rows of unlike"),
        (
            lambda x: jacobian(lambda x: x.astype(object), x),
            TypeError,
            "f returns dtype object, expected real numbers",
        ),
        (
            lambda x: jacobian(lambda x: np.float32(x), x),
            TypeError,
            "f returns float32, in which rounding swamps them, expected float64",
        ),
        (lambda x: jacobian(in_turn(abs, lambda x: x[:1]), x), ValueError, f"jacobian: {SHAPES}"),
        (
            lambda x: jacobian(in_turn(abs, abs, lambda x: x[:1]), x, method="central"),
            ValueError,
            f"jacobian: {SHAPES}",
        ),
        (
            lambda x: jacobian(in_turn(abs, abs, abs, lambda x: 1j * x), x, method="central"),
            TypeError,
            "f returns dtype complex128, expected real numbers",
        ),
        (
            lambda x: hessian(in_turn(sum, sum, lambda x: x), x),
            ValueError,
            r"hessian: f returns an array of shape \(2,\) after one of shape \(\), expected ",
        ),
    ],
)
def test_what_is_no_place_is_said(call, error, said):
    with pytest.raises(error, match=said):
        call(np.array([1.0, -2.0]))


def test_a_backward_pass_that_writes_into_its_cache_is_refused_where_it_runs_twice():
    def backward(dout, x):
        x *= dout
        return x, {}

    with pytest.raises(ValueError, match="backward of Plain writes into its cache, expected one"):
        jacobian(Plain(backward), np.ones(2))
