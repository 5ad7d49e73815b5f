"""Checks of models: anything with `params` and `loss(x, y) -> (loss, grads)`."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from chainrule.gradcheck.check import examine
from chainrule.gradcheck.checks.gradients import Effort, Judge
from chainrule.gradcheck.checks.probes import ask
from chainrule.gradcheck.explain.scene import STRENGTHS, Scene
from chainrule.gradcheck.functions import FunctionJudge
from chainrule.gradcheck.report import Probe, Report
from chainrule.gradcheck.subject.functions import Complaint, dressed, is_float, share_of, times
from chainrule.gradcheck.subject.layer import input_names
from chainrule.gradcheck.words import Words, say_again, words_on_penalty

MODEL_PROBES = (
    "forward leaves inputs and params alone",
    "randomness",
    "penalty",
    "large inputs",
    "inference mode",
)
MODEL_WORDS: Words = [
    (r"^backward is not written yet", "the gradients are not written yet"),
    (r"^(cannot check: )?forward\b", r"\1loss"),
    (r"\bloss must return out, cache", "loss must return loss, grads"),
]


def check_model(model: Any, x: Any, y: Any, *, seed: int = 0, effort: Effort = "full") -> Report:
    """Check the gradients of `loss, grads = model.loss(x, y)` with respect to `model.params`.

    Every call is made on a copy of the model, with the same random numbers, so that dropout and
    running statistics do not disturb. Values are judged in float64, whatever the dtype of the
    params; so is a model's `dtype`, where it has one. Where the model has a `reg` or an `l2`, the
    penalty is looked at too. Seed and effort are as for `check`.
    """
    if isinstance(model, type) or not (hasattr(model, "params") and hasattr(model, "loss")):
        raise TypeError(f"check_model: {model!r} is not a model: expected params and loss(x, y)")
    names = input_names(SimpleNamespace(forward=model.loss), 2)
    cls = dressed(ModelLayer, "Model", names, type(model).loss, type(model).loss)
    judge = ModelJudge(cls(model, names), (x, y), None, None, None, seed, effort)
    report = examine(judge, (), ("train",), lambda *_: judge.ask_of_models())
    report.probes = {k: v for k, v in report.probes.items() if k in MODEL_PROBES}
    say_again(report, MODEL_WORDS + words_on_penalty(judge.no_half))
    return report


class ModelLayer:
    """A model in the clothes of a layer: forward returns the loss, and the gradients as cache.

    Each call is made on a copy of the model that shares its params alone, so that generators,
    running statistics and whatever else a model keeps start from the same point.
    """

    def __init__(self, model: Any, names: list[str]) -> None:
        self.model = model
        self.names = names
        self.settings: dict[str, Any] = {}  # attributes to set on the copies
        for key, value in getattr(model, "__dict__", {}).items():
            usual = isinstance(value, (float, np.floating)) or (
                key in STRENGTHS and isinstance(value, (int, np.integer))
            )
            if usual and not hasattr(self, key):
                setattr(self, key, float(value))

    def __repr__(self) -> str:
        return type(self.model).__name__

    @property
    def params(self) -> dict[str, np.ndarray]:
        return self.model.params

    @property
    def work(self) -> Any:
        """A fresh copy of the model around the same params."""
        arrays = [a for a in self.params.values() if isinstance(a, np.ndarray)]
        model = copy.deepcopy(self.model, {id(a): a for a in arrays})
        dtypes = {a.dtype for a in arrays}
        if len(dtypes) == 1 and is_float_type(getattr(model, "dtype", None)):
            model.dtype = dtypes.pop().type
        for key, value in self.settings.items():
            setattr(model, key, value)
        return model

    def run_forward(self, *inputs: np.ndarray, train: bool = True) -> Any:
        result = self.work.loss(*inputs)
        if result is None or not isinstance(result, tuple) or len(result) != 2:
            return result
        if result[0] is not None and np.ndim(result[0]) != 0:
            what = f"the loss has shape {np.shape(result[0])}, expected a single number"
            raise Complaint("shape", "loss", what, "Take the mean over the examples.")
        return result

    def run_backward(self, dout: Any, cache: Any) -> Any:
        if not isinstance(cache, dict):
            if cache is None:
                return None
            what = f"loss returns grads as {type(cache).__name__}, expected a dict"
            raise Complaint("shape", "grads", what, "Give it the keys of params.")
        if self.params and all(g is None for g in cache.values()):
            return None
        return (), {key: times(dout, g) for key, g in cache.items() if g is not None}


def is_float_type(dtype: Any) -> bool:
    try:
        return dtype is not None and np.dtype(dtype).kind == "f"
    except TypeError:
        return False


class ModelJudge(FunctionJudge):
    """Judges a model, and asks what matters for one."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.is_net = True

    def owed(self, subject: Any, done: Any) -> list[str] | None:
        return []

    def scene(self, *given: Any, **options: Any) -> Scene:
        scene = Judge.scene(self, *given, **options)
        scene.is_loss = False  # its x is no array of scores
        return self.with_penalty(scene)

    def ask_of_models(self) -> None:
        """The probes for models."""
        for name, question in (
            ("penalty", ModelJudge.penalty),
            ("large inputs", ModelJudge.large),
            ("inference mode", ModelJudge.inference),
        ):
            if self.report.findings and name != "penalty":
                self.report.probes[name] = Probe("not applicable", "a mistake is known already")
            else:
                ask(self, name, cast(Callable[[Judge], Probe], question))

    def penalty(self) -> Probe:
        """Loss and gradients hold one penalty, over all weight matrices."""
        key, strength = self.strength()
        if not strength:
            why = f"{key} is 0: give the model one" if key else "the model has no reg and no l2"
            return Probe("not applicable", why)
        (loss, grads), (bare, bare_grads) = self.subject.forward(), self.without(key)
        shares = {
            name: share_of(np.asarray(grads[name]) - bare_grads[name], strength * W)
            for name, W in self.subject.params.items()
            if name in grads and name in bare_grads and np.shape(grads[name]) == W.shape
        }
        weights = {name: c for name, c in shares.items() if self.subject.params[name].ndim > 1}
        if abs(loss - bare) <= 1e-12 * abs(bare) and any(abs(c) > 1e-6 for c in shares.values()):
            message = f"the loss does not change with {key} = {strength:.4g}, its gradients do"
            hint = f"Add the penalty, 0.5 * {key} * ΣW² over the weights, to the loss."
            rest = [f for f in self.report.findings if "regularisation" not in f.message]
            self.report.findings = rest
            self.say("forward-bug", "loss", message, hint)
            return Probe("failed", message)
        if self.report.findings:
            return Probe("not applicable", "a mistake is known already")
        lacking = [name for name, c in weights.items() if abs(c) < 1e-6]
        if weights and len(lacking) == len(weights):
            self.report.notes.append(f"{key} = {strength:.4g} has no effect")
        elif lacking:
            which = " and ".join(lacking)
            self.say(
                "missing-term",
                lacking[0],
                f"the penalty leaves out {which}, in loss and gradient alike",
                f"It is 0.5 * {key} * ΣW² over all weight matrices.",
            )
        elif weights and np.ptp(list(weights.values())) > 1e-6:
            each = ", ".join(f"{c:.3g} {key} for {name}" for name, c in weights.items())
            self.say("scale", next(iter(weights)), f"the penalty is uneven: its slope is {each}")
        others = [name for name, c in shares.items() if abs(c) > 1e-6 and name not in weights]
        if others:
            self.report.notes.append(f"the penalty counts {', '.join(others)} too")
        return Probe("passed")

    def large(self) -> Probe:
        """The loss stays finite where the scores are large."""
        inputs = [x * 1000 if is_float(x) and not at else x
                  for at, x in enumerate(self.subject.inputs)]  # fmt: skip
        loss, grads = self.subject.forward(True, inputs)
        if not np.isfinite(loss) or not all(np.isfinite(g).all() for g in grads.values()):
            what = (
                f"the loss is {loss:.3g}" if not np.isfinite(loss) else "a gradient is not finite"
            )
            self.say("stability", "loss", f"for inputs 1000 times as large, {what}",
                     "Subtract the largest score of each row before the exponential.")  # fmt: skip
        return Probe("passed")

    def inference(self) -> Probe:
        """loss(x) alone gives scores: nothing is random there, and rows do not mix."""
        layer, x = self.subject.layer, self.subject.inputs[0]
        optional = list(inspect.signature(layer.model.loss).parameters.values())[1:2]
        if not optional or optional[0].default is not None:
            return Probe("not applicable", "loss(x) gives no scores")
        model = layer.work
        first, again = np.asarray(model.loss(x.copy())), np.asarray(model.loss(x.copy()))
        if not np.array_equal(first, again):
            self.say(
                "mode",
                "out",
                "loss(x) without labels gives random scores",
                "In mode 'test' dropout is the identity.",
            )
        elif first.ndim == 2 and len(first) == len(x) > 1:
            moved = x.copy()
            moved[0] += 1
            rest = np.asarray(layer.work.loss(moved))[1:]
            if not np.allclose(rest, first[1:], rtol=1e-9, atol=1e-12):
                self.say("mode", "out", "loss(x) without labels mixes the rows",
                         "In mode 'test' batch norm takes the running statistics.")  # fmt: skip
        return Probe("passed")
