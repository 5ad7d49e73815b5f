import numpy as np
import pytest

from chainrule.layers import SequenceCrossEntropy
from tests.layers.beside_torch import compare


def test_a_row_of_equal_scores_costs_its_length_times_log_of_the_words():
    """The check of CS231n's RNN_Captioning.ipynb: about 2.3, 23, and 2.3 of masked steps."""
    y = np.zeros((100, 10), int)
    scores = np.zeros((100, 10, 10))
    loss, _ = SequenceCrossEntropy("sequences").forward(scores, y)
    assert loss == pytest.approx(10 * np.log(10))
    mask = np.random.default_rng(0).random((100, 10)) <= 0.1
    loss, _ = SequenceCrossEntropy("sequences").forward(scores, y, mask)
    assert loss == pytest.approx(mask.sum() / 100 * np.log(10))
    assert SequenceCrossEntropy().forward(scores, y, mask)[0] == pytest.approx(np.log(10))
    assert SequenceCrossEntropy("sum").forward(scores, y)[0] == pytest.approx(1000 * np.log(10))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_it_agrees_with_pytorch_where_labels_are_ignored(reduction):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    scores, y = rng.standard_normal((3, 5, 4)), rng.integers(0, 4, (3, 5))
    y[0, 3:], y[2, 0] = -100, -100

    def theirs(scores, y):
        return torch.nn.functional.cross_entropy(
            scores.transpose(1, 2), y, ignore_index=-100, reduction=reduction
        )

    compare(SequenceCrossEntropy(reduction, ignore=-100), [scores, y], theirs)


def test_steps_that_do_not_count_get_no_gradient():
    rng = np.random.default_rng(0)
    scores, y = rng.standard_normal((2, 3, 4)), rng.integers(0, 4, (2, 3))
    mask = np.array([[True, False, True], [False, False, True]])
    y[~mask] = 99  # may be anything there
    loss = SequenceCrossEntropy()
    value, cache = loss.forward(scores, y, mask)
    dscores, _ = loss.backward(1.0, cache)
    assert np.isfinite(value)
    assert (dscores[~mask] == 0).all()
    assert (dscores[mask] != 0).all()


def test_row_weights_weigh_sequences():
    rng = np.random.default_rng(0)
    scores, y = rng.standard_normal((2, 3, 4)), rng.integers(0, 4, (2, 3))
    loss = SequenceCrossEntropy("sum")
    first, second = (loss.forward(scores[n : n + 1], y[n : n + 1])[0] for n in range(2))
    weighted, _ = loss.forward(scores, y, np.array([2.0, 0.5]))
    assert weighted == pytest.approx(2 * first + second / 2)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([np.ones((2, 3)), np.zeros((2, 3), int)], r"expected \(N, T, V\) and integer labels"),
        ([np.ones((2, 3, 4)), np.zeros((2, 4), int)], r"targets \(2, 4\)"),
        ([np.ones((2, 3, 4)), np.zeros((2, 3))], "dtype float64"),
        ([np.ones((1, 1, 4)), np.array([[4]])], "expected a label from 0 to 3"),
        ([np.ones((1, 2, 4)), np.zeros((1, 2), int), np.zeros((1, 2), bool)], "in which no step"),
    ],
)
def test_what_does_not_fit_is_refused(inputs, message):
    with pytest.raises(ValueError, match=message):
        SequenceCrossEntropy().forward(*inputs)


def test_another_reduction_is_refused():
    with pytest.raises(ValueError, match="'mean', 'sum' or 'sequences', got 'tokens'"):
        SequenceCrossEntropy("tokens")
