"""The homework files of courses, which are right, beside the formulas that their names lead to."""

import numpy as np
import pytest

from chainrule.gradcheck import formulas
from chainrule.gradcheck.subject.functions import of_functions
from chainrule.gradcheck.subject.stateful import of_stateful
from tests.gradcheck.course import fast_layers, layers, rnn_layers, transformer_layers
from tests.gradcheck.course import textbook_layers as textbook
from tests.gradcheck.course import textbook_time_layers as steps

RNG = np.random.default_rng(0)
IDS, MASK = np.array([[0, 2, 2], [1, 0, 0]]), np.array([[1, 1, 0], [1, 0, 0]])
CONV, POOL = {"stride": 2, "pad": 1}, {"pool_height": 2, "pool_width": 2, "stride": 2}


def g(*shape):
    return RNG.normal(size=shape)


def noted(subject):
    """What the comparison with the formula of a subject's name says, in words."""
    reference = formulas.find(subject.profile.formula)
    outs, _ = subject.forward(True)
    found = formulas.compare(
        subject.layer,
        tuple(subject.inputs),
        train=True,
        out=outs[0] if subject.single else tuple(outs),
        state_before={},
        state_after={},
        reference=reference,
        strict=True,
        names=subject.names,
    )
    assert not found.causes
    return found.notes


PAIRS = [
    (layers, "conv_{}_naive", (g(2, 2, 5, 3), g(3, 2, 3, 3), g(3), CONV)),
    (layers, "max_pool_{}_naive", (g(2, 2, 4, 4), POOL)),
    (layers, "spatial_groupnorm_{}", (g(2, 4, 2, 3), g(1, 4, 1, 1), g(1, 4, 1, 1), 2, {})),
    (fast_layers, "conv_{}_im2col", (g(2, 2, 5, 3), g(3, 2, 3, 3), g(3), CONV)),
    (fast_layers, "max_pool_{}_reshape", (g(2, 2, 4, 4), POOL)),
    (rnn_layers, "rnn_step_{}", (g(2, 4), g(2, 3), g(4, 3), g(3, 3), g(3))),
    (rnn_layers, "rnn_{}", (g(2, 3, 4), g(2, 3), g(4, 3), g(3, 3), g(3))),
    (rnn_layers, "lstm_step_{}", (g(2, 4), g(2, 3), g(2, 3), g(4, 12), g(3, 12), g(12))),
    (rnn_layers, "lstm_{}", (g(2, 3, 4), g(2, 3), g(4, 12), g(3, 12), g(12))),
    (rnn_layers, "gru_step_{}", (g(2, 4), g(2, 3), g(4, 9), g(3, 9), g(9))),
    (rnn_layers, "word_embedding_{}", (IDS, g(5, 3))),
    (rnn_layers, "temporal_affine_{}", (g(2, 3, 4), g(4, 5), g(5))),
    (rnn_layers, "attention_{}", (g(2, 3), g(2, 3, 4, 4))),
    (transformer_layers, "linear_{}", (g(2, 3, 4), g(4, 5), g(5))),
    (transformer_layers, "gelu_{}", (g(3, 4),)),
    (transformer_layers, "positional_encoding_{}", (g(2, 3, 4),)),
    (
        transformer_layers,
        "scaled_dot_product_attention_{}",
        (g(2, 3, 4), g(2, 5, 4), g(2, 5, 4)),
    ),
    (
        transformer_layers,
        "multi_head_attention_{}",
        (*(g(2, 3, 4), g(2, 5, 4), g(2, 5, 4)), *(g(4, 4), g(4)) * 4),
    ),
]


@pytest.mark.parametrize(("module", "name", "inputs"), PAIRS, ids=[name for _, name, _ in PAIRS])
def test_a_right_pair_agrees_with_the_formula_of_its_name(module, name, inputs):
    forward, backward = (getattr(module, name.format(way)) for way in ("forward", "backward"))
    assert noted(of_functions(forward, backward, inputs)) == []


def test_the_right_loss_of_a_sequence_agrees_with_its_formula():
    loss, inputs = rnn_layers.temporal_softmax_loss, (g(2, 3, 4), IDS, MASK)
    assert noted(of_functions(loss, None, inputs)) == []


ORDER = "the gates stand in the order f, g, i, o; CS231n has i, f, o, g"
MEAN = "the loss is the mean over the words that count, not summed over time"
CLASSES = [
    (textbook.Convolution(g(3, 2, 3, 3), g(3), 2, 1), (g(2, 2, 5, 3),), []),
    (textbook.Pooling(2, 2, 2), (g(2, 2, 4, 4),), []),
    (steps.Embedding(g(4, 3)), (np.array([2, 0, 2, 2]),), []),
    (steps.TimeEmbedding(g(4, 3)), (IDS,), []),
    (steps.RNN(g(4, 3), g(3, 3), g(3)), (g(2, 4), g(2, 3)), []),
    (steps.TimeRNN(g(4, 3), g(3, 3), g(3)), (g(2, 3, 4),), []),
    (steps.LSTM(g(4, 12), g(3, 12), g(12)), (g(2, 4), g(2, 3), g(2, 3)), [ORDER]),
    (steps.TimeLSTM(g(4, 12), g(3, 12), g(12)), (g(2, 3, 4),), [ORDER]),
    (steps.GRU(g(4, 9), g(3, 9), g(9)), (g(2, 4), g(2, 3)), []),
    (steps.TimeAffine(g(4, 2), g(2)), (g(2, 3, 4),), []),
    (steps.TimeSoftmaxWithLoss(), (g(2, 3, 4), np.where(MASK, IDS, -1)), [MEAN]),
]


@pytest.mark.parametrize(
    ("layer", "inputs", "notes"), CLASSES, ids=[type(one).__name__ for one, *_ in CLASSES]
)
def test_a_right_class_agrees_with_the_formula_of_its_name(layer, inputs, notes):
    assert noted(of_stateful(layer, inputs)) == notes
