"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.layers import Layer
from chainrule.layers.validation import number, whole
from chainrule.nets import weights_of
from chainrule.solvers.finite import NonFiniteError, bad_row, global_norm, non_finite
from chainrule.solvers.generators import generators, reachable
from chainrule.solvers.history import History, Snapshot, copies, state_of, write
from chainrule.solvers.interrupt import uninterrupted
from chainrule.solvers.progress import progress_bar, show
from chainrule.solvers.protocols import Data, Model
from chainrule.solvers.row_weights import row_weights
from chainrule.solvers.rule import UpdateRule
from chainrule.solvers.schedules import Constant

TRAIN_SAMPLE = 1000  # examples of the training data scored after each epoch, at most


Augment = Callable[[Any, np.random.Generator], Any]


class StopTraining(Exception):
    """Raised by a callback to end the run in good order."""


class Solver:
    """Minibatch gradient descent: `Solver(model, Adam(lr=1e-3), data).train()`.

    The model: `model.params`, a dict of arrays that are updated in place; `model.loss(x, y)`,
    the loss of a batch and its gradients, a dict with the same keys. If there, also:
    `model.score(x, y)`, higher is better, needed if `data` has validation examples;
    `model.evaluate(x, y)`, loss and score of validation examples at once; and `model.state`, a dict
    of the arrays that training changes other than by descent.

    Each epoch goes through all training examples once, in a new random order, in batches of
    `batch_size`; the last batch has what is left and counts as a step like the others. (Where a
    layer says by `min_rows` that so few tell it nothing, as BatchNorm does of one row, what is
    left is added to the batch before.) The learning rate of a step is
    `rule.lr * schedule(epoch)` with the epoch in the step's middle; `rule.lr` itself stays, and a
    callback may change it. Gradients whose norm over all parameters exceeds `clip_norm` are scaled
    down to it.

    After each epoch the model is scored, `history` grows by an entry, a best score is kept
    together with the parameters and the state it belongs to (`best`), and every callback is
    called with the solver; it may raise StopTraining. Of two epochs with the same score the one
    with the lower loss on the validation data is the better. `patience` stops after that many
    epochs in a row without a better one. `after_step`, if there, is called with the solver between
    two steps, when all that makes up the run belongs together.

    `augment`, such as `[Flip(), Crop(4)]` of `chainrule.data.augment`, are functions that are
    called one after the other with each batch x (N, …) that is trained on and with `rng`, and
    return x of the same shape and dtype. Where the data have an `image_shape`, x is (N,
    *image_shape). Scores are those of the data as they are.

    Where the data have `w_train` (N,), a weight of at least 0 for each training row, these, divided
    by their mean, go with the batch to `model.loss(x, y, row_weights=…)`; only their ratios matter.
    Scores are weighted likewise, those of x_val by `w_val` if there is one.

    seed: a number or a numpy.random.Generator; same seed, same run, to the bit.

    Plain attributes hold all that a run consists of, to be read and, between two calls of
    `train`, to be set: `history`, `best` and `last` (Snapshot or None); `step`, steps done;
    `goal`, the number of epochs after which the run ends; `order`, the rows in the order of the
    epoch in progress; `sample`, the training rows that are scored; `rng`; `waited`, epochs
    since the best; `seconds`, spent on the epoch in progress; and `rule.state`, `rule.lr`.
    """

    def __init__(
        self,
        model: Model,
        rule: UpdateRule,
        data: Data,
        *,
        epochs: int = 10,
        batch_size: int = 100,
        schedule: Callable[[float], float] = Constant(),
        seed: int | np.random.Generator = 0,
        clip_norm: float | None = None,
        patience: int | None = None,
        augment: Iterable[Augment] = (),
        callbacks: Iterable[Callable[[Solver], object]] = (),
        after_step: Callable[[Solver], object] | None = None,
        progress: bool = True,
    ) -> None:
        if not hasattr(data, "x_train"):
            raise TypeError(
                f"Solver: data is a {type(data).__name__}, expected one with x_train, y_train, "
                f"x_val and y_val: Dataset.from_arrays(name, x, y) divides rows into these"
            )
        n = len(data.x_train)
        if len(data.y_train) != n:
            raise ValueError(f"Solver: x_train has {n} examples, y_train {len(data.y_train)}")
        for name in ("x_train", "y_train", "x_val", "y_val"):
            if np.ma.is_masked(getattr(data, name)):
                raise TypeError(
                    f"Solver: {name} is a masked array, and what is masked would be trained on; "
                    f"leave those rows out, or fill them: {name}.filled(…)"
                )
        self.batch_size = whole(self, "batch_size", batch_size)
        if self.batch_size > n:
            raise ValueError(f"Solver: batch_size={batch_size} exceeds the {n} training examples")
        if data.x_val is not None and not hasattr(model, "score"):
            raise TypeError(
                f"Solver: data has x_val, but {type(model).__name__} has no score(x, y)"
            )
        if patience is not None and data.x_val is None:
            raise ValueError(f"Solver(patience={patience}): needs validation data, x_val is None")
        if not callable(schedule):
            raise TypeError(
                f"Solver: schedule is {schedule!r}, expected a function of the epoch, such as "
                f"Cosine({epochs})"
            )
        self.model = model
        self.rule = rule
        self.data = data
        self.epochs = whole(self, "epochs", epochs)
        self.schedule = schedule
        if clip_norm is not None:
            clip_norm = number(self, "clip_norm", clip_norm, 0, but=0)
        self.clip_norm = clip_norm
        self.patience = None if patience is None else whole(self, "patience", patience)
        self.augment = list(augment)
        self.callbacks = list(callbacks)
        self.after_step = after_step
        self.progress = progress

        self.row_weights = row_weights(data)
        self.history = History()
        self.best: Snapshot | None = None
        self.last: Snapshot | None = None
        self.step = self.goal = self.waited = 0
        self.seconds = 0.0
        self.rng = np.random.default_rng(seed)
        layers = [thing for thing in reachable(model) if isinstance(thing, Layer)]
        self._min_rows = max((layer.min_rows for layer in layers), default=1)
        self.sample = np.sort(self.rng.permutation(n)[:TRAIN_SAMPLE])
        self.order = self.rng.permutation(n)

    @property
    def epoch(self) -> int:
        """The number of epochs finished, evaluation included."""
        return len(self.history.epoch)

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches in an epoch, a last short one included."""
        whole, left = divmod(len(self.order), self.batch_size)
        return whole + (left >= self._min_rows)

    def train(self) -> History:
        """Train for `epochs` epochs and return `history`; called again, train on for as many.

        Afterwards the model holds the best parameters, with the state that belongs to them; if
        there are no validation data, the last. Training on starts from the last in any case, so
        that two runs of 5 epochs do, to the bit, what one of 10 does.

        A run that was interrupted (Ctrl-C, an error in a callback) is first brought to its end.
        It stops between two steps: parameters, state, `rule` and `history` belong together.

        Raises NonFiniteError if the loss, a gradient, a parameter, what the rule remembers or the
        validation score is nan or inf; its message names the row where the data are to blame. The
        run, generators included, is then back where the epoch began (or this call, within an
        epoch), so that `train` called again, with a lower `rule.lr`, takes the epoch anew. Until
        then the model holds the best parameters so far, if there are any.
        """
        if bad := bad_row(self.data, "x_val", "y_val"):  # a score need not feel it
            raise NonFiniteError(f"Solver: {bad}")
        if self.epoch >= self.goal:
            self.goal = self.epoch + self.epochs
            if self.patience is not None and self.waited >= self.patience:
                self.waited = 0
        if self.last is not None:
            self.last.restore(self.model)
            self.last = None
        self.rule.weights = weights_of(self.model)
        self._streams = [rng.bit_generator for rng in generators(self.rng, self.model)]
        self._keep_good()
        with progress_bar(self.goal * self.steps_per_epoch, self.step, self.progress) as bar:
            try:
                while self.epoch < self.goal:
                    show(bar, self.history, self.goal)
                    if self.step < (self.epoch + 1) * self.steps_per_epoch:
                        self._step()
                        bar.update()
                        if self.after_step is not None:
                            self.after_step(self)
                    else:
                        self._end_epoch()
                show(bar, self.history, self.goal)
            except NonFiniteError:
                self._go_back()
                raise
        if self.best is not None:
            self.last = Snapshot.of(self.model, self.epoch)
            self.best.restore(self.model)
        return self.history

    def gradients(self, rows: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        """Return the loss and the gradients of the batch made of these rows of the data.

        The place to override for whoever computes a batch elsewhere, or in parts.
        """
        return self.model.loss(*self.batch(rows, self.rng), **self.weighing(rows))

    def weighing(self, rows: np.ndarray) -> dict[str, Any]:
        """Return the argument of `model.loss` and `model.score` that says what these rows of the
        training data weigh, or none."""
        return {} if self.row_weights is None else {"row_weights": self.row_weights[rows]}

    def batch(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[Any, np.ndarray]:
        """Return x and y of these rows of the training data, x augmented with what `rng` draws."""
        x, y = self.data.x_train.take(rows, axis=0), self.data.y_train.take(rows, axis=0)
        pictures = (-1, *(getattr(self.data, "image_shape", None) or x.shape[1:]))
        for function in self.augment:
            before = x.reshape(pictures)
            after = function(before, rng)
            if described(after) != described(before):
                raise ValueError(
                    f"Solver: {function!r} of augment returned {described(after)} for "
                    f"{described(before)}, expected the same shape and dtype"
                )
            x = after.reshape(x.shape)
        return x, y

    def _step(self) -> None:
        started, step = time.perf_counter(), self.step
        at, steps = step % self.steps_per_epoch, self.steps_per_epoch
        last = None if at == steps - 1 else (at + 1) * self.batch_size
        rows = self.order[at * self.batch_size : last]
        state_before = copies(state_of(self.model))
        drawn_before = [(bits, bits.state) for bits in self._streams]
        try:
            with self._told():
                loss, grads = self.gradients(rows)
            norm = self._finite_norm(float(loss), grads)
            if self.clip_norm is not None and norm > self.clip_norm:
                grads = {name: dw * (self.clip_norm / norm) for name, dw in grads.items()}
            with uninterrupted():
                step_lr = self._update(grads)
                self.history.append(step_loss=float(loss), step_lr=step_lr, step_grad_norm=norm)
                self.step += 1
                if self.step % self.steps_per_epoch == 0:
                    self.order = self.rng.permutation(len(self.order))
                self.seconds += time.perf_counter() - started
        except BaseException:
            if self.step == step:  # the step did not happen, so its batch leaves no trace
                write(state_before, state_of(self.model))
                for bits, state in drawn_before:
                    bits.state = state
            raise

    def _update(self, grads: dict[str, np.ndarray]) -> float:
        lr = self.rule.lr
        step_lr = lr * self.schedule((self.step + 0.5) / self.steps_per_epoch)
        try:
            self.rule.lr = step_lr
            with np.errstate(over="ignore", invalid="ignore"):  # the next step finds out
                self.rule.update(self.model.params, grads)
        except NonFiniteError as error:
            raise self._non_finite(str(error)) from error
        finally:
            self.rule.lr = lr
        return step_lr

    def _finite_norm(self, loss: float, grads: dict[str, np.ndarray]) -> float:
        norm = global_norm(grads)
        if math.isfinite(loss) and math.isfinite(norm):
            return norm
        # A parameter that overflowed in the last update is the cause, if there is one.
        self._check_params()
        if not math.isfinite(loss):
            raise self._non_finite(f"the loss is {loss}")
        raise self._non_finite(f"the norm of the gradient is {norm}: {non_finite(grads)}")

    def _check_params(self) -> None:
        if found := non_finite(self.model.params):
            raise self._non_finite(f"parameters are not finite: {found}")
        if found := non_finite(self.rule.state):
            raise self._non_finite(f"what {type(self.rule).__name__} remembers is not: {found}")

    def _non_finite(self, what: str) -> NonFiniteError:
        step = min(self.step + 1, (self.epoch + 1) * self.steps_per_epoch)
        if bad := bad_row(self.data, "x_train", "y_train", "x_val", "y_val"):
            return NonFiniteError(f"epoch {self.epoch + 1}, step {step}: {what}; {bad}")
        clip = "clip_norm" if self.clip_norm is None else f"a clip_norm below {self.clip_norm:g}"
        return NonFiniteError(
            f"epoch {self.epoch + 1}, step {step}: {what}; "
            f"try a learning rate below {self.rule.lr:g}, or {clip}"
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Within it, an error of arithmetic, as of a layer that overflows, says where and why."""
        try:
            yield
        except FloatingPointError as error:
            raise self._non_finite(str(error)) from error

    def _end_epoch(self) -> None:
        started = time.perf_counter()
        self._check_params()
        with self._told():
            train_score, val_loss, val_score = self._evaluated()
        steps = slice(-self.steps_per_epoch, None)
        sizes = np.full(self.steps_per_epoch, self.batch_size)
        sizes[-1] = len(self.order) - sizes[:-1].sum()
        with uninterrupted():
            self.history.append(
                epoch=self.epoch + 1,
                loss=float(np.average(self.history.step_loss[steps], weights=sizes)),
                val_loss=val_loss,
                train_score=train_score,
                val_score=val_score,
                grad_norm=float(np.mean(self.history.step_grad_norm[steps])),
                seconds=self.seconds + time.perf_counter() - started,
            )
            self.seconds = 0.0
            if val_score is not None:
                self._compare(val_score)
            self._keep_good()
        try:
            for callback in self.callbacks:
                callback(self)
        except StopTraining:
            self.goal = self.epoch

    def _evaluated(self) -> tuple[float | None, float | None, float | None]:
        """Return the training score, and loss and score on the validation data."""
        score = getattr(self.model, "score", None)
        if score is None:
            return None, None, None
        data = self.data
        x, y = data.x_train.take(self.sample, axis=0), data.y_train.take(self.sample, axis=0)
        train_score = float(score(x, y, **self.weighing(self.sample)))
        if data.x_val is None:
            return train_score, None, None
        w_val = getattr(data, "w_val", None)
        weighing = {} if w_val is None else {"row_weights": w_val}
        evaluate = getattr(self.model, "evaluate", None)
        if evaluate is None:
            val_loss, val_score = math.nan, float(score(data.x_val, data.y_val, **weighing))
        else:
            val_loss, val_score = map(float, evaluate(data.x_val, data.y_val, **weighing))
        if not math.isfinite(val_score):
            raise self._non_finite(f"the validation score is {val_score}")
        return train_score, val_loss if math.isfinite(val_loss) else None, val_score

    def _compare(self, score: float) -> None:
        self.waited += 1
        if self.best is None or self._is_better(score, self.best):
            self.best = Snapshot.of(self.model, self.epoch, score)
            self.waited = 0
        elif self.patience is not None and self.waited >= self.patience:
            self.goal = self.epoch

    def _is_better(self, score: float, best: Snapshot) -> bool:
        """Whether the epoch just finished is better than the best: by its score, and where that is
        the same, as it often is on few examples, by its loss."""
        if score != best.score:
            return best.score is None or score > best.score
        losses = self.history.val_loss
        loss, least = losses[-1], losses[best.epoch - 1] if best.epoch else None
        return loss is not None and least is not None and loss < least

    def _keep_good(self) -> None:
        """Keep what to go back to when numbers stop being finite."""
        drawn = [(bits, bits.state) for bits in self._streams]
        snapshot, memory = Snapshot.of(self.model, self.epoch), copies(self.rule.state)
        self._good = snapshot, memory, drawn, self.step, self.order, self.seconds

    def _go_back(self) -> None:
        """Bring the run back to where `_keep_good` was called last."""
        snapshot, memory, drawn, self.step, self.order, self.seconds = self._good
        snapshot.restore(self.model)
        self.rule.state = copies(memory)
        for bits, state in drawn:
            bits.state = state
        for figures in (self.history.step_loss, self.history.step_lr, self.history.step_grad_norm):
            del figures[self.step :]
        if self.best is not None:
            self.last = snapshot
            self.best.restore(self.model)


def described(x: Any) -> str:
    """Dtype and shape in words."""
    return f"{x.dtype} {x.shape}" if isinstance(x, np.ndarray) else f"a {type(x).__name__}"
