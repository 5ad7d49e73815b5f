"""What CS231n's notebook ConvolutionalNetworks prints, from 2018 on: our layers meet its numbers,
and its errors of gradients beside differences."""

import numpy as np
import pytest

from chainrule.layers import BatchNorm, Conv, GroupNorm, MaxPool, ReLU, SoftmaxCrossEntropy
from chainrule.nets import ConvNet, Sequential
from tests.gradcheck.course.layers import conv_backward_naive, conv_forward_naive
from tests.gradcheck.test_course_numbers import CONV, POOL, grid

PRINTED = 5e-9  # half of the last digit


def drawn(*shapes):
    """The arrays that the notebook draws, one after the other."""
    stream = np.random.RandomState(231)
    return [stream.randn(*shape) for shape in shapes]


def rel_error(x, y):
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


def slopes(layer, x, array, dout, h=1e-5):
    """The course's numerical gradient: differences, one entry after the other."""
    found = np.zeros_like(array)
    for at in np.ndindex(array.shape):
        kept, sums = array[at], []
        for step in (h, -h):
            array[at] = kept + step
            sums.append(layer.forward(x)[0])
        array[at] = kept
        found[at] = np.sum((sums[0] - sums[1]) * dout) / (2 * h)
    return found


def errors(layer, x, dout):
    """Those of dx and of the gradients of all parameters, by name."""
    _, cache = layer.forward(x)
    dx, grads = layer.backward(dout, cache)
    arrays = {"x": (x, dx)} | {key: (layer.params[key], grads[key]) for key in grads}
    return {key: rel_error(slopes(layer, x, a, dout), g) for key, (a, g) in arrays.items()}


def put(layer, **params):
    for key, value in params.items():
        layer.params[key][...] = value
    return layer


def test_the_output_of_a_convolution():
    w, b = grid(-0.2, 0.3, 3, 3, 4, 4), np.linspace(-0.1, 0.2, 3)
    layer = put(Conv(3, 3, 4, stride=2, pad=1), W=w, b=b)
    out, _ = layer.forward(grid(-0.1, 0.5, 2, 3, 4, 4))
    np.testing.assert_allclose(out, CONV, rtol=0, atol=PRINTED)


def test_the_gradients_of_a_convolution_to_1e_8():
    x, w, b, dout = drawn((4, 3, 5, 5), (2, 3, 3, 3), (2,), (4, 2, 5, 5))
    found = errors(put(Conv(3, 2, 3, pad=1), W=w, b=b), x, dout)
    assert max(found.values()) < 1e-8


def test_a_convolution_as_fast_as_it_is_gives_what_loops_give_to_1e_9():
    x, w, b, dout = drawn((2, 3, 31, 31), (25, 3, 3, 3), (25,), (2, 25, 16, 16))
    out, cache = put(layer := Conv(3, 25, 3, stride=2, pad=1), W=w, b=b).forward(x)
    dx, grads = layer.backward(dout, cache)
    naive, kept = conv_forward_naive(x, w, b, {"stride": 2, "pad": 1})
    expected = (naive, *conv_backward_naive(dout, kept))
    for a, n in zip((out, dx, grads["W"], grads["b"]), expected, strict=True):
        assert rel_error(a, n) < 1e-9


def test_the_output_of_max_pooling():
    out, _ = MaxPool(2, stride=2).forward(grid(-0.3, 0.4, 2, 3, 4, 4))
    np.testing.assert_allclose(out, POOL, rtol=0, atol=PRINTED)


def test_the_gradient_of_max_pooling_to_1e_11():
    """The notebook says "on the order of e-12"; that is what differences leave of it."""
    x, dout = drawn((3, 2, 8, 8), (3, 2, 4, 4))
    assert errors(MaxPool(2), x, dout)["x"] < 1e-11


@pytest.mark.parametrize(
    ("side", "layers"), [(16, [ReLU(), MaxPool(2)]), (8, [ReLU()])], ids=["pooled", "plain"]
)
def test_the_gradients_of_sandwiches_to_1e_8(side, layers):
    shape = (2, 3, side, side) if len(layers) == 1 else (2, 3, 8, 8)
    x, w, b, dout = drawn((2, 3, side, side), (3, 3, 3, 3), (3,), shape)
    net = Sequential(put(Conv(3, 3, 3, pad=1), W=w, b=b), *layers)
    assert max(errors(net, x, dout).values()) < 1e-8


def test_spatial_batch_normalisation():
    """Means beta and deviations gamma in each channel; gradients from 1e-12 to 1e-6."""
    (noise,) = drawn((2, 3, 4, 5))
    layer = put(BatchNorm(3), gamma=[3, 4, 5], beta=[6, 7, 8])
    out, _ = layer.forward(4 * noise + 10)
    np.testing.assert_allclose(out.mean(axis=(0, 2, 3)), [6, 7, 8], atol=1e-6)
    np.testing.assert_allclose(out.std(axis=(0, 2, 3)), [3, 4, 5], atol=1e-5)
    noise, gamma, beta, dout = drawn((2, 3, 4, 5), (3,), (3,), (2, 3, 4, 5))
    found = errors(put(BatchNorm(3), gamma=gamma, beta=beta), 5 * noise + 12, dout)
    assert max(found.values()) < 1e-6


def test_spatial_group_normalisation():
    """Means 0 and deviations 1 in each group; gradients from 1e-12 to 1e-7, in 2018 to 1e-6."""
    (noise,) = drawn((2, 6, 4, 5))
    out, _ = GroupNorm(6, 2).forward(4 * noise + 10)
    groups = out.reshape(4, -1)
    np.testing.assert_allclose(groups.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(groups.std(axis=1), 1, atol=1e-5)
    noise, gamma, beta, dout = drawn((2, 6, 4, 5), (6,), (6,), (2, 6, 4, 5))
    found = errors(put(GroupNorm(6, 2), gamma=gamma, beta=beta), 5 * noise + 12, dout)
    assert max(found.values()) < 1e-6


def course(net, x_shape):
    """Data and weights as the notebook draws them: weights normal with a deviation of 1e-3."""
    stream = np.random.RandomState(231)
    x, y = stream.randn(*x_shape), stream.randint(10, size=x_shape[0])
    for param in net.params.values():
        param[...] = 1e-3 * stream.randn(*param.shape) if param.ndim > 1 else 0
    return x, y


def test_the_three_layer_net_begins_with_a_loss_of_log_10():
    net = ConvNet((3, 32, 32), 10, channels=(32,), size=7, hidden=(100,))
    x, y = course(net, (50, 3, 32, 32))
    loss, _ = SoftmaxCrossEntropy().forward(net.forward(x)[0], y)
    assert loss == pytest.approx(np.log(10), abs=1e-4)


def test_the_gradients_of_the_three_layer_net_to_1e_2():
    net = ConvNet((3, 16, 16), 10, channels=(3,), size=3, hidden=(7,))
    x, y = course(net, (2, 3, 16, 16))
    head = SoftmaxCrossEntropy()
    scores, cache = net.forward(x)
    dscores, _ = head.backward(1.0, head.forward(scores, y)[1])
    _, grads = net.backward(dscores, cache)
    for key, param in net.params.items():
        entries = range(0, param.size, max(param.size // 30, 1))
        numeric = []
        for at in entries:
            kept, losses = param.flat[at], []
            for step in (1e-6, -1e-6):
                param.flat[at] = kept + step
                losses.append(head.forward(net.forward(x)[0], y)[0])
            param.flat[at] = kept
            numeric.append((losses[0] - losses[1]) / 2e-6)
        assert rel_error(np.array(numeric), grads[key].reshape(-1)[entries]) < 1e-2
