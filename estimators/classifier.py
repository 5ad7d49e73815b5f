"""The classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from chainrule.data import balanced_weights, stratified_split
from chainrule.layers import Layer, Softmax, SoftmaxCrossEntropy
from chainrule.layers.annotations import Floats
from chainrule.nets import MLP, Classifier
from chainrule.sklearn.base import Perceptron, Rule, Units

ClassWeight = Mapping[Any, float] | Literal["balanced"] | None


class MLPClassifier(ClassifierMixin, Perceptron):
    """A multi-layer perceptron that tells classes apart, trained on the cross-entropy of a softmax.

    Parameters that scikit-learn's own MLPClassifier has too mean the same here. Others, or more:

    activation     a word such as "relu", "gelu" or "logistic", or a layer such as ELU(0.5)
    norm           "batchnorm", "layernorm", "groupnorm", or a class called as norm(width, dtype=…)
    dropout        the share of hidden units that is dropped in a step of training
    solver         "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam" or "adamw"; or an
                   update rule such as AdamW(2e-3, weight_decay=0.1), with its own learning rate
    alpha          L2: as in scikit-learn, divided by the weight of a batch
    batch_size     rows of a batch, all rows at most; "auto" for a tenth of them, from 32 to 200
    learning_rate  the schedule: "constant", "step", "exponential" or "cosine" over max_iter epochs,
                   or a function of the epoch that gives a factor, such as Cosine(20, warmup=2)
    clip_norm      the largest norm of a gradient, to which longer ones are scaled down
    class_weight   weights by class, a dict, or "balanced" for classes that all weigh the same
    early_stopping keeps `validation_fraction` of the rows back, scores them after each epoch, and
                   ends with the parameters of the best one

    Attributes of a fitted one: `classes_`, `n_features_in_`, `feature_names_in_`, `loss_curve_`,
    `loss_`, `best_loss_`, `validation_scores_` and `best_validation_score_` (None without early
    stopping), `n_iter_` epochs and `t_` rows seen, `coefs_`, `intercepts_`, `n_layers_`;
    `network_`, and `model_`, the network with its loss.
    """

    _y: ClassVar[dict[str, Any]] = {}
    classes_: NDArray[Any]

    def __init__(
        self,
        hidden_layer_sizes: Units = (100,),
        activation: str | Layer = "relu",
        *,
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
        class_weight: ClassWeight = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes, activation, norm, dropout, solver, alpha, batch_size,
            learning_rate, learning_rate_init, clip_norm, max_iter, random_state, tol, verbose,
            warm_start, early_stopping, validation_fraction, n_iter_no_change,
        )  # fmt: skip
        self.class_weight = class_weight

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on these rows, from where training stands. The first call has to
        name all `classes`, unless y holds them."""
        self._check_partial()
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once, and partial_fit sees some of "
                "them: give the weights as a dict"
            )
        again = hasattr(self, "model_")
        known = again or classes is not None
        if not again and classes is not None:
            self.classes_ = np.unique(classes)
        x, labels, weights = self._checked(X, y, sample_weight, again, known=known)
        return self._train(x, labels, weights, again=again, partial=True)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most likely class of each row of X (N, D), as an array (N,)."""
        scores = self._scores(X)
        found: NDArray[Any] = self.classes_[scores.argmax(axis=1)]
        return found

    def predict_proba(self, X: ArrayLike) -> Floats:
        """The probability of each class for the rows of X (N, D), as an array (N, C) with the
        columns in the order of `classes_`."""
        out: Floats = Softmax().forward(self._scores(X))[0]
        return out

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """The logarithms of `predict_proba`, also of probabilities too small for a float."""
        scores = self._scores(X)
        z = scores - scores.max(axis=1, keepdims=True)
        out: Floats = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        return out

    def _targets(self, y: NDArray[Any], w: NDArray[np.float64], known: bool) -> NDArray[Any]:
        check_classification_targets(y)
        if not known:
            self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__}: all rows are of one class, {str(self.classes_[0])!r}; "
                f"expected at least two classes"
            )
        if (strange := np.setdiff1d(y, self.classes_)).size:
            raise ValueError(
                f"{type(self).__name__}: y holds the class {str(strange[0])!r}, expected those of "
                f"the first fit: {self.classes_}"
            )
        return np.searchsorted(self.classes_, y)

    def _outputs(self, y: NDArray[Any]) -> int:
        return len(self.classes_)

    def _model(self, net: MLP) -> Classifier:
        return Classifier(net, SoftmaxCrossEntropy())

    def _divided(self, y: NDArray[Any]) -> tuple[NDArray[np.intp], ...]:
        share = self.validation_fraction
        return stratified_split(y, (1 - share, share), self._rng)

    def _counted(self, y: NDArray[Any], w: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.class_weight == "balanced":
            return balanced_weights(y, w)
        by_class = compute_class_weight(self.class_weight, classes=self.classes_, y=self.classes_)
        weighted: NDArray[np.float64] = w * by_class[y]
        return weighted
