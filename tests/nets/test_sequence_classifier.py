import numpy as np
import pytest

from chainrule.data import load_digits
from chainrule.layers import GRU, LSTM, RNN, Dropout
from chainrule.nets import Classifier, SequenceClassifier, load
from chainrule.solvers import Adam, Solver


def test_it_is_the_layers_one_by_one():
    net = SequenceClassifier((4, 2), 3, hidden=(5, 6), cell=GRU, keep=0.5, rng=0)
    assert net.names == ["reshape1", "gru1", "dropout1", "gru2", "dropout2", "last1", "affine1"]
    assert net.params["gru2.Wx"].shape == (5, 18)
    x = np.random.default_rng(0).standard_normal((3, 8))
    rows, _ = net.forward(x, train=False)
    steps, _ = net.forward(x.reshape(3, 4, 2), train=False)
    np.testing.assert_array_equal(rows, steps)


@pytest.mark.parametrize("cell", [RNN, LSTM, GRU])
def test_it_learns_the_digits_row_by_row(cell):
    digits = load_digits().standardised()
    model = Classifier(SequenceClassifier((8, 8), 10, hidden=(32,), cell=cell, rng=0))
    Solver(model, Adam(lr=5e-3), digits, epochs=15, clip_norm=1.0, progress=False).train()
    assert model.score(digits.x_test, digits.y_test) > 0.9


def test_it_comes_back_from_a_file(tmp_path):
    net = SequenceClassifier((4, 2), 3, hidden=(5,), keep=0.5, rng=0)
    net.save(tmp_path / "net.safetensors")
    again = load(tmp_path / "net.safetensors")
    x = np.random.default_rng(0).standard_normal((3, 8))
    np.testing.assert_array_equal(again.forward(x, train=False)[0], net.forward(x, train=False)[0])
    assert isinstance(again.layers[2], Dropout)


def test_without_a_recurrent_layer_it_is_refused():
    with pytest.raises(ValueError, match="hidden is empty, expected a recurrent layer"):
        SequenceClassifier((4, 2), 3, hidden=())
