"""A network that says at each step what comes next."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.layers import Layer, SequenceCrossEntropy
from chainrule.layers.annotations import Floats, Seed
from chainrule.layers.init import generator
from chainrule.layers.layer import Loss, unmasked
from chainrule.layers.validation import number, whole
from chainrule.nets.models import Model


class LanguageModel(Model):
    """A network that gives, for words x (N, T), integers, the scores (N, T, V) of the next one at
    each step, such as Sequential(Embedding, LSTM, Linear); `loss` is SequenceCrossEntropy() by
    default. Labels are the words one step later; those that the loss ignores do not count."""

    def __init__(self, net: Layer, loss: Loss = SequenceCrossEntropy(), l2: float = 0.0) -> None:
        super().__init__(net, loss, l2)

    def predict(self, x: ArrayLike) -> NDArray[np.intp]:
        """The most likely next word at each step of x (N, T), as integers (N, T)."""
        return self._in_blocks(x, lambda scores: scores.argmax(axis=-1))

    def rating(
        self, out: Floats, y: ArrayLike, row_weights: NDArray[np.floating] | None = None
    ) -> float:
        """The share of the steps at which the next word has the largest score, for scores (N, T, V)
        and labels y (N, T); each sequence counts as much as its weight, if there are any.
        Raises ValueError where the shapes differ or no step counts."""
        labels = unmasked(type(self).__name__, "y", y)
        if labels.shape != out.shape[:-1] or labels.dtype.kind not in "iu":
            raise ValueError(
                f"LanguageModel: y has shape {labels.shape} and dtype {labels.dtype}, expected "
                f"integers of shape {out.shape[:-1]}, the next word at each step"
            )
        counts = labels != getattr(self.criterion, "ignore", None)
        weights = counts if row_weights is None else counts * np.asarray(row_weights)[:, np.newaxis]
        if not weights.any():
            raise ValueError("LanguageModel: there is no step to score, expected one at least")
        return float(np.average(out.argmax(axis=-1) == labels, weights=weights))

    def bits(self, x: ArrayLike, y: ArrayLike) -> float:
        """The mean loss in bits per word, of words x (N, T) and those one step later y (N, T)."""
        return self.evaluate(x, y)[0] / math.log(2)

    def sample(
        self,
        prompt: ArrayLike,
        length: int,
        *,
        window: int,
        temperature: float = 1.0,
        rng: Seed = None,
    ) -> NDArray[np.intp]:
        """`length` words (length,) that go on from the words of `prompt` (P,), each drawn with the
        probabilities that the network gives after those before it.

        window       how many words it sees at most: as many as the sequences of training had
        temperature  divides the scores: below 1 likely words become likelier; 0 takes the most
                     likely one
        rng          a Generator or a seed

        Raises ValueError for an empty prompt, and what the network raises for its words.
        """
        words = [int(word) for word in unmasked("LanguageModel", "prompt", prompt)]
        if not words:
            raise ValueError("LanguageModel: prompt is empty, expected a word to begin with")
        length, window = whole(self, "length", length), whole(self, "window", window)
        temperature = number(self, "temperature", temperature, 0)
        draw, start = generator("LanguageModel", rng), len(words)
        for _ in range(length):
            out, _ = self.net.forward(np.array([words[-window:]]), train=False)
            scores = out[0, -1].astype(np.float64)
            if temperature > 0:  # the largest of scores and Gumbel noise is drawn from the softmax
                scores = scores / temperature + draw.gumbel(size=scores.shape)
            words.append(int(scores.argmax()))
        return np.array(words[start:], np.intp)
