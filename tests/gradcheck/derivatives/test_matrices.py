"""Every expectation here is a closed form that was derived by hand."""

import re

import numpy as np
import pytest

from chainrule.gradcheck import hessian, hvp, jacobian, jvp, vjp
from chainrule.layers import (
    MSE,
    Affine,
    BatchNorm,
    MatMul,
    Softmax,
    SoftmaxCrossEntropy,
    Square,
    Tanh,
)
from tests.gradcheck.derivatives.plain import Plain


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def real_only(f):
    """`f` for a function that refuses complex numbers."""

    def refuses(x):
        if np.iscomplexobj(x):
            raise TypeError("real numbers only")
        return f(x)

    return refuses


def probabilities(x):
    return np.exp(x) / np.exp(x).sum()


def log_sum_exp(x):
    return np.log(np.exp(x).sum())


def softmax_jacobian(x):
    p = np.exp(x) / np.exp(x).sum()
    return np.diag(p) - np.outer(p, p)


# vjp


def test_vjp_of_an_affine_layer_is_dout_times_the_transposed_weights(rng):
    layer, x = Affine(2, 3, rng=0), rng.standard_normal((4, 2))
    layer.params["W"][...] = [[1, 2, 3], [4, 5, 6]]
    dout = np.zeros((4, 3))
    dout[1, 2], dout[3, 0] = 10, 1
    np.testing.assert_array_equal(vjp(layer, x, dout=dout), [[0, 0], [30, 60], [0, 0], [1, 4]])
    np.testing.assert_array_equal(vjp(layer, x, dout=dout, wrt="b"), [1, 0, 10])


def test_vjp_of_several_inputs_is_a_tuple_and_of_a_loss_the_gradient_of_the_scores():
    a, b = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])
    da, db = vjp(MatMul(), a, b, dout=[[2.0]])
    np.testing.assert_array_equal(da, [[6, 8]])
    np.testing.assert_array_equal(db, [[2], [4]])
    np.testing.assert_array_equal(vjp(MatMul(), a, b, dout=[[2.0]], wrt="b"), [[2], [4]])
    dx = vjp(MSE(reduction="sum"), np.array([[3.0]]), np.array([[1.0]]), dout=1.0)
    np.testing.assert_array_equal(dx, [[4]])  # 2 (3 - 1)


def test_vjp_is_dout_times_the_jacobian_in_the_dtype_of_the_layer(rng):
    x, dout = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    product = np.einsum("ij,ijkl->kl", dout, jacobian(Softmax(), x))
    np.testing.assert_allclose(vjp(Softmax(), x, dout=dout), product, rtol=1e-13)
    single = vjp(Affine(4, 2, rng=0, dtype=np.float32), x.astype(np.float32), dout=np.ones((3, 2)))
    assert single.dtype == np.float32


# the Jacobian of a layer


@pytest.mark.parametrize("method", [None, "backward", "central"])
def test_jacobian_of_softmax_is_diag_p_minus_p_pt_for_every_row(method, rng):
    x = rng.standard_normal((2, 4))
    J = jacobian(Softmax(), x, method=method)
    assert J.shape == (2, 4, 2, 4)
    error = 1e-10 if method == "central" else 1e-16
    for row, other in ((0, 1), (1, 0)):
        np.testing.assert_allclose(J[row, :, row], softmax_jacobian(x[row]), atol=error)
        np.testing.assert_array_equal(J[row, :, other], np.zeros((4, 4)))


@pytest.mark.parametrize("method", ["backward", "central"])
def test_jacobians_of_an_affine_layer_in_x_w_and_b(method, rng):
    layer, x = Affine(3, 2, rng=0), rng.standard_normal((4, 3))
    W = layer.params["W"]
    dx, dW, db = (jacobian(layer, x, wrt=wrt, method=method) for wrt in ("x", "W", "b"))
    assert (dx.shape, dW.shape, db.shape) == ((4, 2, 4, 3), (4, 2, 3, 2), (4, 2, 2))
    for n, m in np.ndindex(4, 2):
        of_x, of_W, of_b = np.zeros((4, 3)), np.zeros((3, 2)), np.zeros(2)
        of_x[n], of_W[:, m], of_b[m] = W[:, m], x[n], 1
        np.testing.assert_allclose(dx[n, m], of_x, atol=1e-9)
        np.testing.assert_allclose(dW[n, m], of_W, atol=1e-9)
        np.testing.assert_allclose(db[n, m], of_b, atol=1e-9)


def test_jacobian_of_an_elementwise_layer_is_diagonal():
    x = np.array([0.0, 0.5, -2.0])
    np.testing.assert_allclose(jacobian(Tanh(), x), np.diag(1 / np.cosh(x) ** 2), rtol=1e-14)
    np.testing.assert_array_equal(jacobian(Square(), x), np.diag([0, 1, -4]))


def test_the_layouts_of_a_matrix_product_are_each_others_transposes():
    a, b = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([7.0, 8.0])
    # out_i = Σ a_ik b_k: the Jacobian in b is a itself, in denominator layout aᵀ.
    np.testing.assert_array_equal(jacobian(MatMul(), a, b, wrt="b"), a)
    np.testing.assert_array_equal(jacobian(MatMul(), a, b, wrt="b", layout="denominator"), a.T)
    first = jacobian(MatMul(), a, b)
    assert first.shape == (3, 3, 2)
    np.testing.assert_array_equal(first[1], [[0, 0], [7, 8], [0, 0]])
    other = jacobian(MatMul(), a, b, layout="denominator")
    assert other.shape == (3, 2, 3)
    np.testing.assert_array_equal(other[:, :, 1], [[0, 0], [7, 8], [0, 0]])


def test_in_training_the_rows_of_a_batch_norm_depend_on_each_other_and_in_inference_not():
    layer = BatchNorm(1, eps=0.0)
    layer.state["running_mean"][...], layer.state["running_var"][...] = 5.0, 4.0
    x = np.array([[1.0], [3.0], [8.0]])  # mean 4, variance 26/3
    normal = (x[:, 0] - 4) / np.sqrt(26 / 3)
    train = (np.eye(3) - 1 / 3 - np.outer(normal, normal) / 3) / np.sqrt(26 / 3)
    np.testing.assert_allclose(jacobian(layer, x)[:, 0, :, 0], train, atol=1e-15)
    inference = jacobian(layer, x, train=False)[:, 0, :, 0]
    np.testing.assert_allclose(inference, np.eye(3) / 2, atol=1e-15)


def test_the_complex_step_goes_through_a_layer_that_takes_complex_numbers():
    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(jacobian(Plain(), x, method="complex"), 3 * np.eye(2))
    np.testing.assert_array_equal(jacobian(Plain(), x, wrt="a", method="complex"), x)
    with pytest.raises(ValueError, match="complex step: f does not compute with complex numbers"):
        jacobian(Tanh(), x, method="complex")


# the Jacobian of a function


@pytest.mark.parametrize(
    ("method", "error"), [(None, 1e-15), ("complex", 1e-15), ("central", 1e-10)]
)
def test_jacobian_of_a_function(method, error):
    x = np.array([0.3, -1.0, 2.0])
    J = jacobian(probabilities, x, method=method)
    np.testing.assert_allclose(J, softmax_jacobian(x), atol=error)


def test_the_complex_step_is_exact_where_differences_are_not():
    # A known hard case: f = eˣ / √(sin³x + cos³x) at x = 1.5.
    def f(x):
        return np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3)

    s, c = np.sin(1.5), np.cos(1.5)
    g = s**3 + c**3
    slope = np.exp(1.5) * (g**-0.5 - 0.5 * g**-1.5 * 3 * s * c * (s - c))
    assert jacobian(f, 1.5).item() == pytest.approx(slope, rel=1e-14)
    assert jacobian(f, 1.5, method="central").item() != pytest.approx(slope, rel=1e-12)


def test_the_complex_step_is_right_beside_terms_in_which_differences_drown():
    J = jacobian(lambda x: 1e16 + np.sin(x), 0.5, method="complex")
    assert J.item() == pytest.approx(0.8775825618903728, rel=1e-15)
    J = jacobian(lambda x: (1e9 + np.sin(x)) - 1e9, 0.5, method="complex")
    assert J.item() == pytest.approx(0.8775825618903728, rel=1e-15)


@pytest.mark.parametrize("f", [abs, real_only(abs), lambda x: x * x / np.abs(x)])
def test_left_out_the_method_falls_back_to_differences_where_complex_steps_would_be_wrong(f):
    x = np.array([2.0, -3.0])
    np.testing.assert_allclose(jacobian(f, x), np.diag([1, -1]), atol=1e-9)
    with pytest.raises(ValueError, match=r"^complex step: "):
        jacobian(f, x, method="complex")


def test_every_output_has_its_own_bar_for_complex_steps():
    def f(x):  # what complex steps make of the second is half its slope
        return np.stack([1e9 * x[0] ** 2, 1e-9 * np.abs(x[0]) * x[0]])

    np.testing.assert_allclose(jacobian(f, [1.0]), [[2e9], [2e-9]], rtol=1e-6)
    with pytest.raises(ValueError, match="complex step: the slope ") as caught:
        jacobian(f, [1.0], method="complex")
    half, whole = re.search(r"direction is (\S+), but (\S+) by", str(caught.value)).groups()
    assert float(half) / float(whole) == pytest.approx(1 / 2, rel=1e-7)
    J = jacobian(
        lambda x: np.stack([1e9 * x[0] ** 2, 1e-9 * np.sin(x[0])]), [1.0], method="complex"
    )
    np.testing.assert_allclose(J, [[2e9], [1e-9 * np.cos(1.0)]], rtol=1e-15)


@pytest.mark.parametrize("x", [1e-7, 3e-6, 1e-4])
def test_beside_an_edge_or_a_pole_the_complex_step_is_compared_within_a_shorter_step(x):
    for f, slope in ((np.log, 1 / x), (np.sqrt, 0.5 / np.sqrt(x)), (lambda x: 1 / x, -1 / x**2)):
        assert jacobian(f, x, method="complex").item() == pytest.approx(slope, rel=1e-14)
    with pytest.raises(ValueError, match=r"^complex step: "):
        jacobian(lambda x: x / np.abs(x) ** 2, x, method="complex")
    assert hessian(lambda x: -np.log(x), x, gradient=lambda x: -1 / x).item() == pytest.approx(
        1 / x**2, rel=1e-14
    )


def test_slopes_that_underflow_are_no_contradiction():
    x = np.array([0.0, -703.0])
    J = jacobian(np.exp, x, method="complex")
    np.testing.assert_allclose(J, np.diag(np.exp(x)), rtol=1e-15, atol=1e-300)


def test_shapes_of_jacobians_follow_the_layout():
    def f(x):  # (2, 3) → (2,)
        return x.sum(axis=1)

    x = [[1, 2, 3], [4, 5, 6]]  # whole numbers are numbers
    rows = np.zeros((2, 2, 3))
    rows[0, 0], rows[1, 1] = 1, 1
    np.testing.assert_allclose(jacobian(f, x), rows, atol=1e-10)
    np.testing.assert_allclose(jacobian(f, x, layout="denominator"), np.moveaxis(rows, 0, 2))
    assert jacobian(np.sin, 0.0) == pytest.approx(1.0)
    assert jacobian(np.sin, np.ones(0)).shape == (0, 0)
    np.testing.assert_array_equal(jacobian(lambda x: x > 0, [1.0]), [[0]])


# the Hessian


def test_hessian_of_a_quadratic_form_is_a_plus_its_transpose(rng):
    A, x = rng.standard_normal((4, 4)), rng.standard_normal(4)
    found = hessian(lambda x: x @ A @ x, x, gradient=lambda x: (A + A.T) @ x)
    np.testing.assert_allclose(found, A + A.T, rtol=1e-14, atol=1e-15)


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def rosenbrock_gradient(x):
    valley = x[1] - x[0] ** 2
    return np.stack([-2 * (1 - x[0]) - 400 * x[0] * valley, 200 * valley])


def rosenbrock_hessian(x, y):
    return np.array([[2 - 400 * (y - x * x) + 800 * x * x, -400 * x], [-400 * x, 200]])


# jvp


def test_jvp_of_an_affine_layer_is_the_product_with_its_weights(rng):
    layer, x = Affine(2, 3, rng=0), rng.standard_normal((4, 2))
    layer.params["W"][...] = [[1, 2, 3], [4, 5, 6]]
    v = np.zeros((4, 2))
    v[1] = [10, 1]
    expected = np.zeros((4, 3))
    expected[1] = [14, 25, 36]
    np.testing.assert_allclose(jvp(layer, x, v=v), expected, atol=1e-8)
    V = np.array([[1.0, 0, 0], [0, 0, -2]])
    np.testing.assert_allclose(jvp(layer, x, v=V, wrt="W"), x @ V, atol=1e-9)


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (Tanh(), [(5, 4)]),
        (BatchNorm(4), [(5, 4)]),
        (Softmax(), [(3, 6)]),
        (MatMul(), [(3, 4), (4, 2)]),
    ],
)
def test_jvp_is_the_jacobian_of_backward_times_v(rng, layer, inputs):
    inputs = [rng.standard_normal(shape) for shape in inputs]
    v = rng.standard_normal(inputs[0].shape)
    product = np.tensordot(jacobian(layer, *inputs), v, axes=v.ndim)
    error = np.abs(jvp(layer, *inputs, v=v) - product).max()
    assert error < 1e-9 * np.abs(product).max()


def test_jvp_of_a_function_is_exact_by_complex_steps_and_close_without():
    x, v = np.array([0.1, -1.5, 0.7]), np.array([2.0, 0.5, -1.0])
    right = softmax_jacobian(x) @ v
    np.testing.assert_allclose(jvp(probabilities, x, v=v), right, rtol=0, atol=1e-15)
    np.testing.assert_allclose(jvp(real_only(probabilities), x, v=v), right, rtol=0, atol=1e-9)
    assert jvp(lambda x: np.abs(x).sum(), [2.0, -3.0], v=[1.0, 1.0]) == pytest.approx(0, abs=1e-9)
    assert jvp(log_sum_exp, x, v=v).shape == ()
    np.testing.assert_array_equal(jvp(probabilities, x, v=np.zeros(3)), np.zeros(3))


def test_jvp_and_vjp_agree_that_u_J_v_is_one_number(rng):
    layer, x = BatchNorm(3), rng.standard_normal((6, 3))
    u, v = rng.standard_normal((2, 6, 3))
    forward, reverse = np.sum(u * jvp(layer, x, v=v)), np.sum(vjp(layer, x, dout=u) * v)
    assert forward == pytest.approx(reverse, rel=1e-9)


@pytest.mark.parametrize(
    ("v", "error", "said"),
    [
        (np.ones(3), ValueError, "jvp: v has shape (3,), expected (2, 2), that of x"),
        (np.full((2, 2), np.inf), ValueError, "jvp: v has inf in it, expected finite numbers"),
        (None, TypeError, "jvp: v has dtype object, expected real numbers"),
    ],
)
def test_jvp_refuses_what_is_no_direction(v, error, said):
    with pytest.raises(error, match=re.escape(said)):
        jvp(Tanh(), np.ones((2, 2)), v=v)


@pytest.mark.parametrize("point", [(1.0, 1.0), (-1.2, 1.0), (0.3, 2.0)])
@pytest.mark.parametrize(
    ("f", "gradient", "error"),
    [
        (rosenbrock, rosenbrock_gradient, 1e-15),
        (rosenbrock, real_only(rosenbrock_gradient), 1e-9),
        (rosenbrock, None, 1e-9),
        (real_only(rosenbrock), None, 1e-6),
    ],
)
def test_hessian_and_product_of_rosenbrock_are_as_exact_as_they_say(f, gradient, error, point):
    right = rosenbrock_hessian(*point)
    H = hessian(f, point, gradient=gradient)
    np.testing.assert_allclose(H, right, rtol=0, atol=error * np.abs(right).max())
    assert (H == H.T).all()
    v = np.array([0.5, -3.0])
    product = hvp(f, point, v=v, gradient=gradient)
    np.testing.assert_allclose(product, right @ v, rtol=0, atol=10 * error * np.abs(right).max())


@pytest.mark.parametrize("gradient", [None, probabilities, real_only(probabilities)])
def test_hessian_of_log_sum_exp_is_the_jacobian_of_softmax(gradient):
    x = np.array([0.1, -1.5, 0.7])
    H = hessian(log_sum_exp, x, gradient=gradient)
    np.testing.assert_allclose(H, softmax_jacobian(x), atol=1e-9)
    H = hessian(real_only(log_sum_exp), x)
    np.testing.assert_allclose(H, softmax_jacobian(x), atol=1e-7)


def test_hessian_of_a_loss_comes_from_its_backward_pass(rng):
    x, labels = rng.standard_normal((2, 3)), np.array([0, 2])
    H = hessian(SoftmaxCrossEntropy(), x, labels)
    assert H.shape == (2, 3, 2, 3)
    for row in range(2):
        right = softmax_jacobian(x[row]) / 2  # the mean over two rows
        np.testing.assert_allclose(H[row, :, row], right, atol=1e-9)
    assert np.abs(H[0, :, 1]).max() < 1e-9
    v = rng.standard_normal((2, 3))
    product = np.stack([softmax_jacobian(x[row]) @ v[row] / 2 for row in range(2)])
    np.testing.assert_allclose(hvp(SoftmaxCrossEntropy(), x, labels, v=v), product, atol=1e-9)


def test_hessian_in_a_parameter():
    class Energy(Plain):
        """out = Σ a² x, one number."""

        def forward(self, x):
            return (self.params["a"] ** 2 * x).sum(), x

        def backward(self, dout, cache):
            a = self.params["a"]
            return dout * a**2 * np.ones_like(cache), {"a": dout * 2 * a * cache.sum()}

    x = np.array([1.0, 4.0])
    assert hessian(Energy(), x, wrt="a") == pytest.approx(10.0, rel=1e-15)
    assert hvp(Energy(), x, wrt="a", v=2.0) == pytest.approx(20.0, rel=1e-15)


def test_an_absolute_value_in_a_gradient_is_noticed_and_differences_are_taken():
    def f(x):
        return (x * x * np.abs(x)).sum()  # |x|³, of which complex steps see the factor x x

    def gradient(x):
        return 3 * x * np.abs(x)  # by complex steps 3 |x|, off by a factor 2

    x = np.array([1.0, -2.0])
    for given in (gradient, None):
        H = hessian(f, x, gradient=given)
        np.testing.assert_allclose(H, np.diag([6, 12]), atol=1e-5)
    np.testing.assert_allclose(hvp(f, x, v=[1.0, 1.0], gradient=gradient), [6, 12], rtol=1e-8)


def test_a_product_takes_two_gradients_and_no_matrix():
    calls = []

    @real_only
    def gradient(x):
        calls.append(0)
        return 2 * x

    x = np.ones(100_000)
    product = hvp(lambda x: x @ x, x, v=np.full(100_000, 1e-12), gradient=gradient)
    np.testing.assert_allclose(product, np.full(100_000, 2e-12), rtol=1e-9)
    assert len(calls) == 2


def test_a_product_with_zero_is_zero_and_large_inputs_get_large_steps():
    assert hvp(rosenbrock, [1.0, 1.0], v=[0.0, 0.0]).tolist() == [0.0, 0.0]
    gradient = real_only(lambda x: 3 * x**2)
    product = hvp(lambda x: (x**3).sum(), [1e6, 2e6], v=[1.0, 1.0], gradient=gradient)
    np.testing.assert_allclose(product, [6e6, 12e6], rtol=1e-9)


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1e-3, 1e200, 1e300])
@pytest.mark.parametrize("gradient", [None, lambda x: 3 * x**2, real_only(lambda x: 3 * x**2)])
def test_a_product_is_linear_in_v_however_small_or_large(size, gradient):
    v = size * np.array([1.0, -2.0])
    product = hvp(lambda x: (x**3).sum(), [1.0, 2.0], v=v, gradient=gradient)
    np.testing.assert_allclose(product, v * [6, 12], rtol=1e-8)


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e200, 1e300])
def test_a_product_takes_x_and_v_of_opposite_sizes(size):
    A = np.array([[2.0, 1.0], [1.0, 4.0]])
    x, v = np.array([size, -size]), np.array([0.5, 0.25]) / size
    for gradient in (lambda x: A @ x, real_only(lambda x: A @ x)):
        product = hvp(lambda x: x[0] / 4, x, v=v, gradient=gradient)  # f is not looked at
        np.testing.assert_allclose(product * size, [1.25, 1.5], rtol=1e-9)


def test_a_gradient_that_is_not_that_of_f_is_refused():
    with pytest.raises(ValueError, match="it is not the gradient of f, or f has a kink here"):
        hessian(lambda x: x @ x, np.ones(3), gradient=lambda x: x)
    with pytest.raises(ValueError, match=r"gradient returns an array of shape \(\), expected \(3,"):
        hessian(lambda x: x @ x, np.ones(3), gradient=lambda x: x.sum())
