import re

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given

from chainrule.layers import (
    ELU,
    GELU,
    L1,
    MSE,
    SELU,
    Add,
    Affine,
    BatchNorm,
    CrossEntropy,
    Dropout,
    HardSwish,
    Hinge,
    Layer,
    LeakyReLU,
    Maxout,
    Mish,
    ReLU,
    Sigmoid,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    Softplus,
    Softsign,
    Swish,
    Tanh,
    lecun_normal,
)
from chainrule.layers.layer import flatten, sum_to
from chainrule.nets import Classifier, Regressor, Sequential


class Tied(Layer):
    """Two names for one array, one array that also stands in an inner layer, one generator in
    two inner layers."""

    def __init__(self):
        super().__init__()
        rng = np.random.default_rng(0)
        self.inner = BatchNorm(2)
        self.drops = [Dropout(0.5, rng=rng), Dropout(0.5, rng=rng)]
        self.params["a"] = self.params["b"] = np.array([1.0, 2.0])
        self.params["gamma"] = self.inner.params["gamma"]


def test_the_base_class_says_what_a_subclass_lacks():
    class Half(Layer):
        pass

    with pytest.raises(NotImplementedError, match=r"^Half has no forward pass$"):
        Half().forward(np.zeros(1))
    with pytest.raises(NotImplementedError, match=r"^Half has no backward pass$"):
        Half().backward(np.zeros(1), None)
    with pytest.raises(NotImplementedError, match=r"^Half has no examples$"):
        Half.examples(np.random.default_rng(0))
    assert Half().params == Half().state == {}
    assert Half().weight_init is lecun_normal


def test_param_grads_are_those_of_the_backward_pass_unless_overridden():
    class Recorded(Layer):
        def backward(self, dout, cache):
            return "dx", {"W": (dout, cache)}

    assert Recorded().param_grads("dout", "cache") == {"W": ("dout", "cache")}


def test_repr_shows_the_settings_and_neither_arrays_nor_generators():
    assert repr(ReLU()) == "ReLU()"
    assert repr(LeakyReLU(0.2)) == "LeakyReLU(alpha=0.2)"
    assert repr(Dropout(0.5, rng=0)) == "Dropout(keep=0.5)"
    assert repr(BatchNorm(3)) == "BatchNorm(features=3, momentum=0.9, eps=1e-05)"
    assert repr(Hinge("sum")) == "Hinge(reduction='sum')"
    assert repr(Maxout(2, 3, 4)) == "Maxout(2 → 3, pieces=4)"


def test_astype_casts_parameters_and_state_of_a_copy():
    layer = BatchNorm(2, momentum=0.8)
    layer.params["gamma"][...] = [0.1, 2]
    copy = layer.astype(np.float32)
    assert {array.dtype for array in (*copy.params.values(), *copy.state.values())} == {
        np.dtype(np.float32)
    }
    assert copy.momentum == 0.8
    np.testing.assert_array_equal(copy.params["gamma"], np.float32([0.1, 2]))
    assert layer.params["gamma"].dtype == np.float64
    same = layer.astype("float64")
    same.params["gamma"] += 1
    same.state["running_mean"] += 1
    np.testing.assert_array_equal(layer.params["gamma"], [0.1, 2])
    np.testing.assert_array_equal(layer.state["running_mean"], [0, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_astype_keeps_arrays_shared_that_were_shared(dtype):
    tied = Tied()
    copy = tied.astype(dtype)
    assert copy.params["a"] is copy.params["b"]
    assert copy.params["gamma"] is copy.inner.params["gamma"]
    assert not np.shares_memory(copy.params["gamma"], tied.params["gamma"])
    assert copy.drops[0].rng is copy.drops[1].rng
    assert copy.drops[0].rng is not tied.drops[0].rng


def test_astype_lets_generators_go_on_from_the_same_point():
    layer, x = Dropout(0.5, rng=0), np.ones((8, 8))
    layer.forward(x)
    copy = layer.astype(np.float32)
    np.testing.assert_array_equal(copy.forward(x)[0], layer.forward(x)[0])


@pytest.mark.parametrize("dtype", [np.float16, int, complex])
def test_astype_refuses_what_no_layer_computes_in(dtype):
    with pytest.raises(TypeError, match=r"^ReLU: layers compute in float32 or float64, not "):
        ReLU().astype(dtype)


@pytest.mark.parametrize("layer", [Affine, Maxout])
@pytest.mark.parametrize("dtype", [np.float16, int])
def test_a_constructor_refuses_a_dtype_in_which_no_layer_computes(layer, dtype):
    with pytest.raises(TypeError, match="layers compute in float32 or float64, not"):
        layer(2, 3, dtype=dtype)


def test_sizes_may_be_integers_of_numpy_and_become_those_of_python():
    assert type(Layer().positive("n", np.int64(3))) is int


@pytest.mark.parametrize("bad", [0, -2, 1.0, True, None, "3"])
def test_anything_else_is_no_size(bad):
    message = f"Layer: n must be a whole number of at least 1, got {bad!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Layer().positive("n", bad)


def test_numbers_are_checked_against_their_bounds_which_are_included():
    assert [Layer().number("a", value, 0, 1) for value in (0, 0.5, np.float32(1))] == [0, 0.5, 1]
    assert type(Layer().number("a", 1)) is float
    for value in (-0.1, 1.1, np.nan):
        message = f"Layer: a must be a finite number in [0, 1], got {value}"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            Layer().number("a", value, 0, 1)
    with pytest.raises(ValueError, match=r"^Layer: a must be a finite number, got inf$"):
        Layer().number("a", np.inf)


def test_nested_lists_of_floats_are_arrays_of_floats():
    np.testing.assert_array_equal(ReLU().forward([[1.5, -2.0]])[0], [[1.5, 0]])


@pytest.mark.parametrize("dtype", [np.float16, np.int64, bool, complex])
def test_an_input_that_is_no_float32_or_float64_is_refused_with_advice(dtype):
    name = np.dtype(dtype).name
    message = (
        f"ReLU(): x has dtype {name}, and gradients need float32 or float64; "
        f"write x.astype(np.float64)"
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        ReLU().forward(np.zeros(2, dtype))


def test_parameters_of_another_dtype_than_x_are_named_in_the_advice():
    message = (
        "BatchNorm(features=2, momentum=0.9, eps=1e-05): x has dtype float32 but gamma has "
        "float64; write x.astype(np.float64), or build the layer with dtype=np.float32"
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        BatchNorm(2).forward(np.zeros((3, 2), np.float32))


def test_dout_is_cast_to_the_dtype_of_the_layer_and_may_be_a_list():
    _, cache = ReLU().forward(np.array([1, -1], np.float32))
    dx, _ = ReLU().backward([0.1, 5], cache)
    assert dx.dtype == np.float32
    np.testing.assert_array_equal(dx, np.float32([0.1, 0]))


def test_dout_of_another_shape_is_refused_with_both_shapes():
    _, cache = ReLU().forward(np.zeros((2, 3)))
    message = "ReLU(): dout has shape (3,), expected (2, 3), the shape of the output"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ReLU().backward(np.zeros(3), cache)


def test_one_example_without_a_batch_axis_is_told_how_to_get_one():
    with pytest.raises(
        ValueError,
        match=r"x has shape \(2,\), expected \(N, …\) with one example per row; a single example "
        r"is x\[np\.newaxis\]$",
    ):
        BatchNorm(2).forward(np.zeros(2))


def test_two_inputs_are_named_apart_when_one_holds_no_floats():
    with pytest.raises(TypeError, match=r"^Add\(\): b has dtype int64.*write b\.astype"):
        Add().forward(np.zeros(2), np.zeros(2, np.int64))


every_loss = pytest.mark.parametrize(
    "loss", [CrossEntropy, Hinge, L1, MSE, SigmoidCrossEntropy, SoftmaxCrossEntropy]
)
row_losses = pytest.mark.parametrize("loss", [CrossEntropy, Hinge, SoftmaxCrossEntropy])
distribution_losses = pytest.mark.parametrize("loss", [CrossEntropy, SoftmaxCrossEntropy])


@every_loss
def test_a_reduction_is_mean_or_sum(loss):
    assert loss().reduction == "mean"
    message = f"{loss.__name__}: reduction must be 'mean' or 'sum', got 'average'"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        loss("average")


@every_loss
def test_an_empty_batch_has_no_mean_but_a_sum_of_0(loss):
    scores = np.zeros((0, 3))
    targets = np.zeros(0, int) if loss is Hinge else scores
    message = (
        rf"^{loss.__name__}\(reduction='mean'.*\): the mean over an empty batch has no meaning"
    )
    with pytest.raises(ValueError, match=message):
        loss().forward(scores, targets)
    assert loss("sum").forward(scores, targets)[0] == 0


@row_losses
@pytest.mark.parametrize("shape", [(3,), (2, 0), (2, 3, 1)])
def test_scores_are_rows_of_at_least_one_class(loss, shape):
    with pytest.raises(
        ValueError, match=rf"^{loss.__name__}.* has shape {re.escape(str(shape))}, expected \(N, C"
    ):
        loss().forward(np.zeros(shape), np.zeros(2, int))


@row_losses
@pytest.mark.parametrize(("labels", "bad"), [([0, 3], r"\[1\] is 3"), ([-1, 0], r"\[0\] is -1")])
def test_a_label_out_of_range_is_refused_and_shown(loss, labels, bad):
    with pytest.raises(
        ValueError, match=rf"^{loss.__name__}.*targets{bad}, expected a label from 0 to 2$"
    ):
        loss().forward(np.full((2, 3), 1 / 3), np.array(labels))


@row_losses
@pytest.mark.parametrize("labels", [[0.0, 1.0], [True, False], [0], [0, 1, 2], 1, [[[0]], [[1]]]])
def test_labels_are_one_integer_per_row(loss, labels):
    with pytest.raises(
        ValueError,
        match=rf"^{loss.__name__}.*targets has shape .* and dtype .*, expected integer labels of "
        r"shape \(2,\)$",
    ):
        loss().forward(np.full((2, 3), 1 / 3), np.array(labels))


@distribution_losses
@pytest.mark.parametrize(
    ("t", "message"),
    [
        ([[0.5, 0.5, 0.5], [0, 1, 0]], r"targets\[0\] is \[0\.5 0\.5 0\.5\], expected a row that"),
        ([[0, 1, 0], [-1, 1, 1]], r"targets\[1, 0\] is -1\.0, expected a probability, at least 0"),
        ([[0, 1], [1, 0]], r"shape \(2, 2\), expected labels of shape \(2,\) or .*\(2, 3\)"),
        ([[0], [1]], r"shape \(2, 1\), expected labels of shape \(2,\) or .*\(2, 3\)"),
        ([[np.nan, 1, 0], [1, 0, 0]], r"targets\[0"),
    ],
    ids=["sum", "negative", "classes", "column of labels", "nan"],
)
def test_a_distribution_is_a_row_of_probabilities_per_example(loss, t, message):
    with pytest.raises(ValueError, match=rf"^{loss.__name__}.*{message}"):
        loss().forward(np.full((2, 3), 1 / 3), np.array(t))


def test_flatten_makes_rows_of_an_empty_batch_too():
    np.testing.assert_array_equal(flatten(np.arange(8).reshape(2, 2, 2))[1], [4, 5, 6, 7])
    assert flatten(np.zeros((0, 3, 2))).shape == (0, 6)
    assert flatten(np.zeros(3)).shape == (3, 1)


def test_sum_to_adds_up_what_was_broadcast():
    grad = np.array([[1, 2, 3], [10, 20, 30]])
    np.testing.assert_array_equal(sum_to(grad, (3,)), [11, 22, 33])
    np.testing.assert_array_equal(sum_to(grad, (2, 1)), [[6], [60]])
    np.testing.assert_array_equal(sum_to(grad, ()), 66)
    np.testing.assert_array_equal(sum_to(grad, (2, 3)), grad)


@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3))
def test_sum_to_is_the_transpose_of_broadcasting(shapes):
    (shape, _), result = shapes
    rng = np.random.default_rng(0)
    x, grad = rng.integers(-9, 9, shape), rng.integers(-9, 9, result)
    collected = sum_to(grad, shape)
    assert collected.shape == shape
    # ⟨grad, broadcast x⟩ = ⟨sum_to grad, x⟩, exactly, in integers
    assert (grad * np.broadcast_to(x, result)).sum() == (collected * x).sum()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "layer",
    [
        *(ReLU(), LeakyReLU(), ELU(), ELU(0.7), Sigmoid(), Tanh(), Softplus(), Dropout(0.5, rng=0)),
        *(GELU(), GELU("tanh"), Swish(), SELU(), Mish(), HardSwish(), Softsign()),
    ],
)
def test_a_layer_of_any_shape_takes_a_number(layer, dtype):
    out, cache = layer.forward(dtype(0.5))
    dx, grads = layer.backward(dtype(2), cache)
    assert np.shape(out) == np.shape(dx) == ()
    assert out.dtype == dx.dtype == dtype
    assert grads == {}


def test_only_arguments_of_the_constructor_are_settings():
    layer = ELU(0.5)
    layer.note = "somebody else's"
    assert repr(layer) == "ELU(alpha=0.5)"


def test_masked_entries_are_refused_wherever_arrays_come_in():
    x = np.ma.array(np.ones((3, 2)), mask=[[0, 0], [0, 1], [0, 0]])
    labels = np.ma.array([0, 1, 0], mask=[0, 0, 1])
    told = "is a masked array, and what is masked would be taken for a number; leave it out, or"
    layer = Affine(2, 2, rng=0)
    out, cache = layer.forward(np.ones((3, 2)))
    for call, name in [
        (lambda: layer.forward(x), r"Affine\(2 → 2\): x"),
        (lambda: layer.backward(x, cache), r"Affine\(2 → 2\): dout"),
        (lambda: SoftmaxCrossEntropy().forward(out, labels), "targets"),
        (lambda: SoftmaxCrossEntropy().forward(out, x / 2), "targets"),
        (lambda: MSE().forward(out, x), "targets"),
        (lambda: Hinge().forward(out, labels), "targets"),
        (lambda: SigmoidCrossEntropy().forward(out, x), "targets"),
        (lambda: Classifier(Sequential(layer)).predict(x), "Classifier: x"),
        (lambda: Classifier(Sequential(layer)).score(np.ones((3, 2)), labels), "Classifier: y"),
        (lambda: Regressor(Sequential(layer)).score(np.ones((3, 2)), x), "Regressor: y"),
    ]:
        with pytest.raises(TypeError, match=f"{name} {told}"):
            call()


def test_a_masked_array_with_nothing_masked_is_an_array():
    x = np.ma.array(np.ones((3, 2)))
    out, _ = Affine(2, 2, rng=0).forward(x)
    assert type(out) is np.ndarray
