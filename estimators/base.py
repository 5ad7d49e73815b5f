"""What the two estimators share: from rows and weights to a trained network."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from types import SimpleNamespace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from chainrule.layers import Layer
from chainrule.layers.annotations import Floats
from chainrule.nets import MLP, Model
from chainrule.sklearn import choices
from chainrule.sklearn.plateau import Plateau
from chainrule.solvers import Solver, UpdateRule

FEWEST, MOST = 32, 200  # rows in a batch of size "auto"
Units = int | Sequence[int]
Rule = str | UpdateRule


class Perceptron(BaseEstimator):
    """A network with its training, behind `fit`, `partial_fit` and `predict`."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "clip_norm": [None, Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        hidden_layer_sizes: Units,
        activation: str | Layer,
        norm: str | Callable[..., Layer] | None,
        dropout: float,
        solver: Rule,
        alpha: float,
        batch_size: int | Literal["auto"],
        learning_rate: str | Callable[[float], float],
        learning_rate_init: float,
        clip_norm: float | None,
        max_iter: int,
        random_state: Any,
        tol: float,
        verbose: bool,
        warm_start: bool,
        early_stopping: bool,
        validation_fraction: float,
        n_iter_no_change: int,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.norm = norm
        self.dropout = dropout
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.clip_norm = clip_norm
        self.max_iter = max_iter
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on rows X (N, D) with their targets, until `tol` or `max_iter` ends it.

        sample_weight: what the rows weigh (N,), of at least 0; a row of weight 2 counts as two.
        """
        again = bool(self.warm_start) and hasattr(self, "model_")
        x, targets, weights = self._checked(X, y, sample_weight, again, known=again)
        return self._train(x, targets, weights, again=again)

    def _checked(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        again: bool,
        *,
        known: bool,
    ) -> tuple[Floats, NDArray[Any], NDArray[np.float64]]:
        """Rows, targets as the network learns them, and weights; rows of weight 0 are left out.
        What the targets are may be `known` already, from an earlier call."""
        self._validate_params()
        dtypes, reset = (np.float64, np.float32), not again
        x, targets = validate_data(self, X, y, reset=reset, dtype=dtypes, **self._y)
        w = _check_sample_weight(sample_weight, x, dtype=np.float64)
        if (w < 0).any() or not w.any():
            raise ValueError(
                f"sample_weight is from {w.min():g} to {w.max():g}, expected weights of at least "
                f"0, one of them above 0"
            )
        if again:
            x = x.astype(self._dtype, copy=False)
        kept = w > 0
        return x[kept], self._targets(targets[kept], w[kept], known), w[kept]

    def _check_partial(self) -> None:
        if self.early_stopping:
            raise ValueError(
                f"{type(self).__name__}: early_stopping ends fit, and partial_fit is a single epoch"
            )

    def _train(
        self, x: Floats, y: NDArray[Any], weights: NDArray[np.float64], *, again: bool,
        partial: bool = False,
    ) -> Self:  # fmt: skip
        """Descend on the rows: from the start, or `again`; `partial` is for a single epoch."""
        if not (again and partial):
            state = check_random_state(self.random_state)
            self._rng = np.random.default_rng(state.randint(2**31))
            self._rule = choices.rule(self.solver, self.learning_rate_init)
            self._epochs = 0
        if not again:
            self.model_ = self._model(self._network(x, y))
            self.loss_curve_: list[float] = []
            self.t_ = 0
        plateau = Plateau(self.tol, self.n_iter_no_change)
        solver = self._solver(x, y, weights, 1 if partial else self.max_iter, plateau)
        solver.train()
        self._keep(solver, partial)
        if not (partial or plateau.reached or self.learning_rate != "constant"):
            warnings.warn(
                f"{type(self).__name__}: max_iter={self.max_iter} epochs are over, and at no time "
                f"were there more than {self.n_iter_no_change} in a row without a gain above "
                f"tol={self.tol:g}",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self

    def _network(self, x: Floats, y: NDArray[Any]) -> MLP:
        hidden = np.atleast_1d(self.hidden_layer_sizes).tolist()
        return MLP(
            [x.shape[1], *hidden, self._outputs(y)],
            **choices.units(self.activation),
            norm=choices.norm(self.norm),
            keep=1 - self.dropout if self.dropout else None,
            rng=self._rng,
            dtype=x.dtype,
        )

    def _solver(
        self, x: Floats, y: NDArray[Any], w: NDArray[np.float64], epochs: int, plateau: Plateau
    ) -> Solver:
        """The run that trains the model on these rows."""
        data, model = self._data(x, y, w), self.model_
        n = len(data.x_train)
        auto = min(max(n // 10, FEWEST), MOST)
        size = min(auto if self.batch_size == "auto" else self.batch_size, n)
        model.l2 = self.alpha / (size * data.weight)
        schedule, done = choices.schedule(self.learning_rate, self.max_iter), self._epochs
        if not schedule(done + 0.5) > 0:
            raise ValueError(
                f"{type(self).__name__}: learning_rate={self.learning_rate!r} is over after {done} "
                f"epochs, expected a schedule that goes on"
            )
        return Solver(
            model if data.x_val is not None else unscored(model),
            self._rule,
            data,
            epochs=epochs,
            batch_size=size,
            schedule=lambda epoch: schedule(done + epoch),
            seed=self._rng,
            clip_norm=self.clip_norm,
            callbacks=[plateau],
            progress=bool(self.verbose),
        )

    def _data(self, x: Floats, y: NDArray[Any], w: NDArray[np.float64]) -> Any:
        """What a Solver trains on: all rows, or with early stopping those not kept back."""
        train, val = np.arange(len(x)), None
        if self.early_stopping:
            train, val = self._divided(y)
        counted = self._counted(y[train], w[train])
        data = SimpleNamespace(x_train=x[train], y_train=y[train], weight=counted.mean())
        data.w_train = None if (counted == counted[0]).all() else counted
        data.x_val, data.y_val, data.w_val = (
            (None, None, None) if val is None else (x[val], y[val], w[val])
        )
        return data

    def _keep(self, solver: Solver, partial: bool) -> None:
        """Take over what a run has come to."""
        history = solver.history
        self._epochs += solver.epoch
        self.n_iter_ = self._epochs if partial else solver.epoch
        self.t_ += solver.epoch * len(solver.order)
        self.loss_curve_ = [*self.loss_curve_, *history.loss]
        self.loss_ = self.loss_curve_[-1]
        best = solver.best
        self.best_loss_ = min(self.loss_curve_) if best is None else None
        self.best_validation_score_: Any = None if best is None else best.score
        self.validation_scores_: Any = None if best is None else history.val_score

    def _scores(self, X: ArrayLike) -> Floats:
        """What the network gives for rows X (N, D)."""
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype=(np.float64, np.float32))
        out: Floats = self.model_.outputs(x.astype(self._dtype, copy=False))
        return out

    @property
    def network_(self) -> MLP:
        """The network: to look at, to draw, and to save to a file that `nets.load` reads."""
        net: MLP = self.model_.net
        return net

    @property
    def coefs_(self) -> list[Floats]:
        """The weight matrices, from the first layer to the last."""
        return [self.model_.params[name] for name in self.model_.weights]

    @property
    def intercepts_(self) -> list[Floats]:
        """The biases of the same layers."""
        return [self.model_.params[f"{name[:-1]}b"] for name in self.model_.weights]

    @property
    def n_layers_(self) -> int:
        """The number of layers of units, that of the inputs among them."""
        return len(self.model_.weights) + 1

    @property
    def _dtype(self) -> np.dtype[np.floating]:
        return self.coefs_[-1].dtype


def unscored(model: Model) -> Any:
    """The model without its score, which nobody asks for where no rows are kept back."""
    return SimpleNamespace(
        net=model.net,
        params=model.params,
        state=model.state,
        weights=model.weights,
        loss=model.loss,
    )
