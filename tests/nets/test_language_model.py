import math
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule.layers import LSTM, Embedding, Linear, SequenceCrossEntropy
from chainrule.nets import LanguageModel, Sequential, TransformerEncoderBlock
from chainrule.solvers import Adam, Solver

TEXT = "a cat sat on the mat; " * 66  # 22 letters, so that windows begin anywhere in it
LETTERS = sorted(set(TEXT))
WORDS = np.array([LETTERS.index(letter) for letter in TEXT])
T = 24


def trained(net, epochs=30):
    """A model that has read the text, and its data."""
    x, y = (WORDS[at : at + 1416].reshape(-1, T) for at in (0, 1))
    model = LanguageModel(net)
    data = SimpleNamespace(x_train=x, y_train=y, x_val=x, y_val=y)
    Solver(model, Adam(lr=1e-2), data, epochs=epochs, batch_size=16, progress=False).train()
    return model, x, y


@pytest.mark.parametrize("kind", ["lstm", "attention"])
def test_it_learns_a_text_and_goes_on_with_it(kind):
    V = len(LETTERS)
    if kind == "lstm":
        net = Sequential(Embedding(V, 16, rng=0), LSTM(16, 32, rng=1), Linear(32, V, rng=2))
    else:
        block = TransformerEncoderBlock(16, 2, causal=True, rng=1)
        net = Sequential(Embedding(V, 16, rng=0), block, Linear(16, V, rng=2))
    model, x, y = trained(net)
    assert model.bits(x, y) < (0.3 if kind == "lstm" else 1.2)
    assert model.score(x, y) == pytest.approx(np.mean(model.predict(x) == y))
    if kind == "lstm":
        start = WORDS[:12]
        words = model.sample(start, 30, window=T, temperature=0)
        assert "".join(LETTERS[word] for word in words) == TEXT[12:42]


def told(scores):
    """A model that gives these scores, whatever it reads."""
    net = Sequential(Embedding(len(scores), 2, rng=0), Linear(2, len(scores), rng=0))
    net.params["linear1.W"][...] = 0
    net.params["linear1.b"][...] = scores
    return LanguageModel(net)


def test_words_are_drawn_with_their_probabilities():
    p = np.array([0.5, 0.3, 0.2])
    words = told(np.log(p)).sample([0], 4000, window=1, rng=0)
    np.testing.assert_allclose(np.bincount(words) / 4000, p, atol=4 * 0.5 / math.sqrt(4000))
    cold = told(np.log(p)).sample([0], 4000, window=1, temperature=0.5, rng=0)
    expected = p**2 / (p**2).sum()
    np.testing.assert_allclose(np.bincount(cold) / 4000, expected, atol=4 * 0.5 / math.sqrt(4000))
    assert (told(np.log(p)).sample([0], 9, window=1, temperature=0) == 0).all()


def test_the_same_seed_gives_the_same_words():
    model = told(np.zeros(5))
    one, same, other = (model.sample([1], 20, window=3, rng=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_labels_that_are_ignored_do_not_count():
    model = told([0.0, 1.0])
    model.criterion = SequenceCrossEntropy(ignore=-1)
    x, y = np.zeros((2, 3), int), np.array([[1, 0, -1], [-1, 1, 1]])
    assert model.score(x, y) == pytest.approx(3 / 4)
    p = math.exp(1) / (1 + math.exp(1))
    assert model.bits(x, y) == pytest.approx(-(3 * math.log2(p) + math.log2(1 - p)) / 4)


@pytest.mark.parametrize(
    ("prompt", "given", "message"),
    [
        ([], {}, "prompt is empty, expected a word to begin with"),
        ([0], {"window": 0}, "window must be a whole number of at least 1, got 0"),
        ([0], {"temperature": -1}, "temperature must be"),
        ([9], {}, r"is 9, expected a number from 0 to 2"),
    ],
)
def test_wrong_questions_are_refused(prompt, given, message):
    with pytest.raises(ValueError, match=message):
        told([0.0, 0, 0]).sample(prompt, 3, **{"window": 2} | given)


def test_labels_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"y has shape \(2, 2\) and dtype int64, expected int"):
        told([0.0, 0]).score(np.zeros((2, 3), int), np.zeros((2, 2), int))
