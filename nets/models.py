"""What a solver sees: a network together with the loss it is trained on."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.layers import MSE, Layer, Loss, SoftmaxCrossEntropy
from chainrule.layers.annotations import Floats, Grads
from chainrule.layers.layer import unmasked
from chainrule.layers.validation import number
from chainrule.nets.naming import weights_of

Read = TypeVar("Read", bound=np.ndarray)

ROWS_AT_ONCE = 1024  # inference streams over blocks of so many rows


class Model:
    """A network and a loss: what `Classifier` and `Regressor` share.

    net   a layer, usually a network: `MLP([64, 100, 10])`
    loss  a loss layer, called as loss.forward(out, y)
    l2    adds 0.5 · l2 · ΣW² over the weight matrices (see `weights`) to the loss, and l2 · W to
          their gradients

    `params` and `state` are those of the network. Raises TypeError where loss is no loss layer,
    ValueError where l2 is negative or no number.
    """

    def __init__(self, net: Layer, loss: Loss, l2: float = 0.0) -> None:
        if isinstance(loss, type) or not hasattr(loss, "backward"):
            raise TypeError(
                f"{type(self).__name__}: loss is {loss!r}, expected a loss layer such as "
                f"SoftmaxCrossEntropy()"
            )
        self.net = net
        self.criterion = loss
        self.l2 = number(self, "l2", l2, 0)

    @property
    def params(self) -> dict[str, Floats]:
        return self.net.params

    @property
    def state(self) -> dict[str, Floats]:
        return self.net.state

    @property
    def weights(self) -> tuple[str, ...]:
        """The names of the parameters that the network declares as weights."""
        return weights_of(self.net)

    def loss(
        self,
        x: ArrayLike,
        y: ArrayLike,
        weight: float = 1.0,
        row_weights: ArrayLike | None = None,
    ) -> tuple[float, Grads]:
        """The training loss for rows x (N, …) and targets y, a float, and its gradients, a dict
        with the keys of `params`; all of them times `weight`, the share that the rows have in a
        larger batch. `row_weights` (N,), if there are any, go to the loss layer as its third input.
        The gradient of x itself is not computed."""
        out, cache = self.net.forward(x)
        given = (out, y) if row_weights is None else (out, y, row_weights)
        loss, loss_cache = self.criterion.forward(*given)
        dout, _ = self.criterion.backward(weight, loss_cache)
        grads = self.net.param_grads(dout, cache)
        if self.l2:
            for name in self.weights:
                W = self.params[name]
                loss += 0.5 * self.l2 * np.vdot(W, W)
                grads[name] = grads[name] + (weight * self.l2) * W
        return weight * float(loss), grads

    def evaluate(
        self, x: ArrayLike, y: ArrayLike, row_weights: NDArray[Any] | None = None
    ) -> tuple[float, float]:
        """Loss and score on rows x (N, …) with targets y, from one pass in inference mode: the loss
        without the penalty on weights, with `row_weights` (N,) divided by their mean, if there are
        any; the score as `score` gives it. Raises what `score` and the loss layer raise."""
        out = self.outputs(x)
        weighing = () if row_weights is None else (row_weights / np.mean(row_weights),)
        loss = self.criterion.forward(out, y, *weighing, train=False)[0]
        if type(self).score is Model.score:
            return float(loss), self.rating(out, y, row_weights)
        given = {} if row_weights is None else {"row_weights": row_weights}
        return float(loss), float(self.score(x, y, **given))  # that of a subclass

    def score(self, x: ArrayLike, y: ArrayLike, row_weights: NDArray[Any] | None = None) -> float:
        """How good the outputs for rows x (N, …) with targets y are: what `rating` says of them."""
        return self.rating(self.outputs(x), y, row_weights)

    def rating(self, out: Floats, y: ArrayLike, row_weights: NDArray[Any] | None = None) -> float:
        """How good outputs `out` (N, …) are for targets y: a float, higher is better."""
        raise NotImplementedError(f"{type(self).__name__} has no rating")

    def outputs(self, x: ArrayLike) -> Floats:
        """The network's output for rows x (N, …), in inference mode and a block of rows at a time,
        so that no more than one block's caches are held."""
        return self._in_blocks(x, lambda out: out)

    def _in_blocks(self, x: ArrayLike, read: Callable[[Floats], Read]) -> Read:
        """What `read` makes of the network's output, block by block."""
        x = unmasked(type(self).__name__, "x", x)
        found: Any = None
        for at in range(0, max(len(x), 1), ROWS_AT_ONCE):
            out, _ = self.net.forward(x[at : at + ROWS_AT_ONCE], train=False)
            block = read(out)
            if found is None:
                found = np.empty((len(x), *block.shape[1:]), block.dtype)
            found[at : at + ROWS_AT_ONCE] = block
        return found


class Classifier(Model):
    """A network that gives scores (N, C), one column per class; or (N, 1), one score that is
    above the loss's `threshold` for class 1: 0 for SigmoidCrossEntropy, ½ for MSE. `loss` is
    SoftmaxCrossEntropy() by default."""

    def __init__(self, net: Layer, loss: Loss = SoftmaxCrossEntropy(), l2: float = 0.0) -> None:
        super().__init__(net, loss, l2)

    def predict(self, x: ArrayLike) -> NDArray[np.intp]:
        """The most likely class of each row of x (N, …), as integers (N,)."""
        return self._in_blocks(x, self.most_likely)

    def most_likely(self, scores: Floats) -> NDArray[np.intp]:
        """The class of each row of scores (N, C) or (N, 1), as integers (N,)."""
        if scores.shape[1] == 1:
            return (scores[:, 0] > self.criterion.threshold).astype(np.intp)
        return scores.argmax(axis=1)

    def class_scores(self, x: ArrayLike) -> tuple[Floats, bool, str]:
        """What the network gives each class for rows x (N, …): scores (N, C), whether they are
        probabilities, and in words what they are. A single output s, which stands for class 1,
        gives class 0 what mirrors s at the loss's threshold: 1 - s for probabilities."""
        return self.class_scores_of(self.outputs(x))

    def class_scores_of(self, out: Floats) -> tuple[Floats, bool, str]:
        """The same, of the network's outputs (N, C) or (N, 1)."""
        scores, threshold, loss = out, self.criterion.threshold, self.criterion
        words = f"scores, no probabilities: the network's outputs, trained with {loss}"
        probabilities = loss.probabilities(scores)
        if probabilities is not None:
            scores, threshold = probabilities, 0.5
            words = f"probabilities: {loss.probabilities_are}"
        if scores.shape[1] == 1:
            scores = np.concatenate([2 * threshold - scores, scores], axis=1)
        return scores, probabilities is not None, words

    def rating(self, out: Floats, y: ArrayLike, row_weights: NDArray[Any] | None = None) -> float:
        """The accuracy of scores `out` (N, C) or (N, 1) for labels y (N,): a float from 0 to 1;
        each row counts as much as its weight, if there are `row_weights` (N,).
        Raises ValueError where N is 0 or the lengths differ."""
        y = unmasked(type(self).__name__, "y", y)
        if y.shape != (len(out),) or len(y) == 0 or y.dtype.kind not in "iub":
            raise ValueError(
                f"Classifier: y has shape {y.shape} and dtype {y.dtype}, expected an integer label "
                f"for each of {len(out)} rows{'' if len(out) else ', and at least one row'}"
            )
        return float(np.average(self.most_likely(out) == y, weights=row_weights))


class Regressor(Model):
    """A network whose outputs (N, D) are to be close to targets; `loss` is MSE() by default."""

    def __init__(self, net: Layer, loss: Loss = MSE(), l2: float = 0.0) -> None:
        super().__init__(net, loss, l2)

    def predict(self, x: ArrayLike) -> Floats:
        """The outputs (N, D) for rows x (N, …)."""
        return self.outputs(x)

    def rating(self, out: Floats, y: ArrayLike, row_weights: NDArray[Any] | None = None) -> float:
        """The coefficient of determination R² = 1 - Σ (y - out)² / Σ (y - mean y)², a float: 1 for
        a perfect fit, 0 for a fit no better than the mean of each column of y. Targets are
        (N, D), or (N,) for one output. `row_weights` (N,), if there are any, multiply the squares,
        and the mean is weighted by them.
        Raises ValueError where the shapes differ or the targets are all equal."""
        y = unmasked(type(self).__name__, "y", y)
        if y.ndim == 1 and out.shape == (len(y), 1):
            y = y[:, np.newaxis]
        if y.shape != out.shape:
            raise ValueError(
                f"Regressor: y has shape {y.shape}, expected {out.shape}, the shape of the outputs"
            )
        if len(y) == 0:
            raise ValueError("Regressor: there are no rows to score, expected at least one")
        if (y.min(axis=0) == y.max(axis=0)).all():
            raise ValueError("Regressor: R² has no meaning where all targets are equal")
        w = 1 if row_weights is None else row_weights[:, np.newaxis]
        spread = (w * np.square(y - np.average(y, axis=0, weights=row_weights))).sum()
        return float(1 - (w * np.square(y - out)).sum() / spread)
