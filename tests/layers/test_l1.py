import re

import numpy as np
import pytest

from chainrule.layers import L1


@pytest.mark.parametrize(
    ("reduction", "dout", "loss", "doutputs"),
    [
        ("mean", 1, 1.5, [[0.25, 0], [-0.25, 0.25]]),
        ("sum", 1, 6, [[1, 0], [-1, 1]]),
        ("mean", -4, 1.5, [[-1, 0], [1, -1]]),
    ],
)
def test_the_loss_averages_over_all_elements_and_is_the_hand_worked_one(
    dtype, reduction, dout, loss, doutputs
):
    layer = L1(reduction)
    out, cache = layer.forward(np.array([[1, 2], [3, 4]], dtype), [[0, 2], [5, 1]])
    np.testing.assert_array_equal(out, loss)
    np.testing.assert_array_equal(layer.backward(dout, cache)[0], doutputs)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_loss_and_gradient_are_pytorchs(reduction):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    outputs, targets = rng.standard_normal((2, 7, 5))
    there = torch.tensor(outputs, requires_grad=True)
    want = torch.nn.L1Loss(reduction=reduction)(there, torch.tensor(targets))
    want.backward()
    out, cache = L1(reduction).forward(outputs, targets)
    np.testing.assert_allclose(out, want.item(), rtol=1e-12)
    np.testing.assert_allclose(L1(reduction).backward(1, cache)[0], there.grad, rtol=1e-12)


def test_a_column_of_outputs_is_compared_with_a_vector_of_targets_and_not_broadcast(dtype):
    layer = L1()
    out, cache = layer.forward(np.array([[1], [2], [3]], dtype), [1.0, 0, 6])
    np.testing.assert_allclose(out, 5 / 3, rtol=8 * np.finfo(dtype).eps)
    np.testing.assert_allclose(layer.backward(3, cache)[0], [[0], [1], [-1]])


def test_targets_of_another_shape_are_refused_not_broadcast():
    message = "L1(reduction='mean'): targets has shape (3, 1), expected (3, 2)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        L1().forward(np.zeros((3, 2)), np.zeros((3, 1)))


def test_the_mean_over_nothing_is_refused():
    with pytest.raises(ValueError, match="mean over an empty batch"):
        L1().forward(np.zeros((3, 0)), np.zeros((3, 0)))
