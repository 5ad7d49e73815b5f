"""The regressor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import MultiOutputMixin, RegressorMixin

from chainrule.data import stratified_split
from chainrule.layers import Layer, Loss
from chainrule.layers.annotations import Floats
from chainrule.nets import MLP, Regressor
from chainrule.sklearn import choices
from chainrule.sklearn.base import Perceptron, Rule, Units


class MLPRegressor(MultiOutputMixin, RegressorMixin, Perceptron):
    """A multi-layer perceptron that predicts numbers, one for each row or several.

    Its parameters are those of `MLPClassifier` but for `class_weight`, and

    loss           "squared_error", "absolute_error" or "huber", or a loss layer such as Huber(0.5)

    The network learns targets that are standardised, each column by the mean and the deviation of
    the first fit, and predictions are brought back: the unit in which targets are measured makes
    no difference. `loss_curve_` is of standardised targets. Attributes are those of
    `MLPClassifier` but for `classes_`.
    """

    _y: ClassVar[dict[str, Any]] = {"multi_output": True, "y_numeric": True}

    def __init__(
        self,
        hidden_layer_sizes: Units = (100,),
        activation: str | Layer = "relu",
        *,
        loss: str | Loss = "squared_error",
        norm: str | Callable[..., Layer] | None = None,
        dropout: float = 0.0,
        solver: Rule = "adam",
        alpha: float = 1e-4,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: str | Callable[[float], float] = "constant",
        learning_rate_init: float = 1e-3,
        clip_norm: float | None = None,
        max_iter: int = 200,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
    ) -> None:
        super().__init__(
            hidden_layer_sizes, activation, norm, dropout, solver, alpha, batch_size,
            learning_rate, learning_rate_init, clip_norm, max_iter, random_state, tol, verbose,
            warm_start, early_stopping, validation_fraction, n_iter_no_change,
        )  # fmt: skip
        self.loss = loss

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch on these rows, from where training stands."""
        self._check_partial()
        again = hasattr(self, "model_")
        x, targets, weights = self._checked(X, y, sample_weight, again, known=again)
        return self._train(x, targets, weights, again=again, partial=True)

    def predict(self, X: ArrayLike) -> Floats:
        """The numbers for the rows of X (N, D): (N,), or (N, K) where y had K columns."""
        out = self._scores(X) * self._scale + self._mean
        return out.reshape(len(out), *self._shape).astype(self._dtype, copy=False)

    def _targets(self, y: NDArray[Any], w: NDArray[np.float64], known: bool) -> NDArray[Any]:
        if not known:
            self._shape = y.shape[1:]
        y = y.reshape(len(y), -1).astype(np.float64, copy=False)
        if not known:
            self._mean = np.average(y, axis=0, weights=w)
            deviation = np.sqrt(np.average(np.square(y - self._mean), axis=0, weights=w))
            self._scale = np.where(deviation > 0, deviation, 1.0)
        if y.shape[1] != len(self._mean):
            raise ValueError(
                f"{type(self).__name__}: y has {y.shape[1]} columns, expected {len(self._mean)} as "
                f"in the first fit"
            )
        return (y - self._mean) / self._scale

    def _outputs(self, y: NDArray[Any]) -> int:
        return len(self._mean)

    def _model(self, net: MLP) -> Regressor:
        return Regressor(net, choices.loss(self.loss))

    def _divided(self, y: NDArray[Any]) -> tuple[NDArray[np.intp], ...]:
        share = self.validation_fraction
        return stratified_split(np.zeros(len(y)), (1 - share, share), self._rng)

    def _counted(self, y: NDArray[Any], w: NDArray[np.float64]) -> NDArray[np.float64]:
        return w
