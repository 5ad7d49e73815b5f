import re

import numpy as np
import pytest

from chainrule.layers import Huber


@pytest.mark.parametrize(
    ("reduction", "dout", "loss", "doutputs"),
    [
        ("mean", 1, 2.125, [[0.25, 0], [-0.5, 0.5]]),
        ("sum", 1, 8.5, [[1, 0], [-2, 2]]),
        ("mean", -4, 2.125, [[-1, 0], [2, -2]]),
    ],
)
def test_the_loss_averages_over_all_elements_and_is_the_hand_worked_one(
    dtype, reduction, dout, loss, doutputs
):
    """With delta 2, errors 1, 0, -3 and 3 cost 1/2, 0, 4 and 4."""
    layer = Huber(2, reduction)
    out, cache = layer.forward(np.array([[1, 2], [2, 4]], dtype), [[0, 2], [5, 1]])
    np.testing.assert_array_equal(out, loss)
    np.testing.assert_array_equal(layer.backward(dout, cache)[0], doutputs)


@pytest.mark.parametrize("delta", [0.3, 1, 5])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_loss_and_gradient_are_pytorchs(reduction, delta):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    outputs, targets = 2 * rng.standard_normal((2, 7, 5))
    there = torch.tensor(outputs, requires_grad=True)
    want = torch.nn.HuberLoss(reduction=reduction, delta=delta)(there, torch.tensor(targets))
    want.backward()
    out, cache = Huber(delta, reduction).forward(outputs, targets)
    np.testing.assert_allclose(out, want.item(), rtol=1e-12)
    np.testing.assert_allclose(Huber(delta, reduction).backward(1, cache)[0], there.grad, 1e-12)


@np.errstate(over="raise", divide="raise", invalid="raise")
def test_errors_whose_square_overflows_cost_what_they_should(dtype):
    large = np.sqrt(np.finfo(dtype).max) * 4
    out, cache = Huber().forward(np.array([large, -large]), np.zeros(2))
    np.testing.assert_array_equal(out, large)
    np.testing.assert_array_equal(Huber().backward(2, cache)[0], [1, -1])


def test_a_column_of_outputs_is_compared_with_a_vector_of_targets_and_not_broadcast(dtype):
    out, _ = Huber().forward(np.array([[1], [2], [3]], dtype), [1.0, 0, 6])
    np.testing.assert_allclose(out, 4 / 3, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("delta", "message"),
    [
        (0, "Huber: delta must be above 0, got 0: the loss would be 0 everywhere"),
        (-1, "Huber: delta must be a finite number of at least 0, got -1"),
        ("mean", "Huber: delta must be a finite number of at least 0, got 'mean'"),
    ],
)
def test_a_delta_that_is_not_positive_is_refused(delta, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Huber(delta)
    assert repr(Huber(2, "sum")) == "Huber(delta=2.0, reduction='sum')"


def test_the_mean_over_nothing_is_refused():
    with pytest.raises(ValueError, match="mean over an empty batch"):
        Huber().forward(np.zeros((3, 0)), np.zeros((3, 0)))
