"""The check of a layer, a pair of functions or a model: what is asked, and in which order."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.gradcheck.checks import calls, contract, formula, linearity, models, other_inputs
from chainrule.gradcheck.checks.gradients import compare, describe_kinks
from chainrule.gradcheck.checks.outcome import BadRequest, Effort, Outcome, Passes, Request, told
from chainrule.gradcheck.explain.comparison import explain, explain_difference, explain_nearby
from chainrule.gradcheck.report import Cause, GradientError, Probe, Report
from chainrule.gradcheck.subject.functions import ReferencePair, of_functions
from chainrule.gradcheck.subject.layer import argument_names, of_layer
from chainrule.gradcheck.subject.model import of_model
from chainrule.gradcheck.subject.subject import Pass, Subject, own_stream

Question = Callable[[Subject, Passes], Outcome]
MODES = ("train", "inference")

# What is asked beyond values, while no mistake is known; of the last two always.
QUESTIONS: dict[str, Question] = {
    "a cache outlives other calls": calls.stale_cache,
    "params are those that forward uses": calls.unused_params,
    "memory layout": calls.layout,
    "four-dimensional input": other_inputs.four_dimensional,
    "batch of 1": other_inputs.batch_of_one,
    "batch of 0": other_inputs.batch_of_none,
    "ties": other_inputs.ties,
    "exact zeros": other_inputs.zeros,
    "small inputs": other_inputs.small,
    "large inputs": other_inputs.large,
    "float32": calls.single_precision,
    "state": calls.state,
}
ALWAYS = ("float32", "state")
ELSEWHERE = ("batch of 1", "ties", "exact zeros", "small inputs", "large inputs", "the dtype given")
MISSING = ("no-entry", "not-returned")
OF_MODELS: dict[str, Question] = {
    "penalty": models.penalty,
    "large inputs": other_inputs.large,
    "inference mode": models.scores,
}


def check(
    layer: Any,
    *inputs: Any,
    dout: Any = None,
    wrt: str | tuple[str, ...] | None = None,
    modes: str | tuple[str, ...] = MODES,
    reference: Any = None,
    seed: int = 0,
    effort: Effort = "full",
    strict: bool = False,
) -> Report:
    """Check `layer.backward` on these inputs, in every way there is.

    layer      any object with params, state, forward(*inputs, train=…) and backward(dout, cache)
    inputs     arrays; those that hold integers (labels) are not differentiated
    dout       the upstream gradient; left out, a random one (1 for a layer that returns a number)
    wrt        names of the inputs and parameters to look at; left out, all
    modes      "train", "inference" or a tuple of both
    reference  what forward should compute: a name such as "batchnorm", or a correct layer with
               the same parameters; left out, found from the name of the class, if it is known;
               False for none, where a class means something else by a name such as `Log`
    seed       of everything random in the check; the same seed gives the same verdict
    effort     "quick": values and linearity; "full": all probes; "entrywise": every entry too
    strict     whether remarks, on what works here and may bite later, count as mistakes

    Values are judged in float64 whatever the dtype of the layer, and within the precision that its
    forward pass turns out to have. Steps and tolerances follow from the numbers; there is none to
    choose. Layer, inputs, generators and np.random are left as they were. Raises TypeError or
    ValueError where an argument is not of this kind.
    """
    modes = (modes,) if isinstance(modes, str) else modes
    wrt = (wrt,) if isinstance(wrt, str) else wrt
    for mode in modes:
        if mode not in MODES:
            raise ValueError(f"check: mode {mode!r}, expected 'train' or 'inference'")
    for method in ("forward", "backward"):
        if isinstance(layer, type) or not hasattr(layer, method):
            raise TypeError(
                f"check: {layer!r} is not a layer: expected an object with forward and backward"
            )
    known = reference is None or reference is False or isinstance(reference, str)
    if not known and not hasattr(reference, "forward"):
        raise TypeError(
            f"check: reference is {reference!r}, expected a name such as 'batchnorm', a correct "
            f"layer, or False for none"
        )
    arrays = [np.asarray(x) for x in (*inputs, *getattr(layer, "params", {}).values())]
    single = any(a.dtype == np.float32 for a in arrays)
    request = Request(dout, wrt, modes, modes, reference, seed, effort, strict, single)
    return examine(lambda: of_layer(layer, inputs), request)


def check_functions(
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    *inputs: Any,
    seed: int = 0,
    effort: Effort = "full",
    reference: Any = None,
    strict: bool = False,
) -> Report:
    """Check a pair of functions, `out, cache = forward(*inputs)` and `backward(dout, cache)`.

        check_functions(affine_forward, affine_backward, x, w, b)
        check_functions(softmax_loss, None, x, y)        # returns the loss and its gradient in one

    backward   returns one gradient, or a tuple of them in the order of the inputs; None where
               `forward` is a loss that returns its gradient too: `loss, dx = softmax_loss(x, y)`
    inputs     what forward takes, in its order. Arrays of floats are differentiated; arrays of
               integers are labels, unless backward returns gradients for them too. Of dicts, such
               as bn_param, every call gets a fresh copy; where one has a "mode", "train" and "test"
               are both looked at. Anything else is passed on as it is
    seed, effort, strict   as for `check`
    reference  what forward should compute: a name such as "batchnorm", or a correct function;
               left out, found from the name of forward, if it is known

    A loss may return fewer gradients than it has arrays: those of its parameters (`w`), where
    there are as many, otherwise of the first. In mode "test" gradients are looked at where the
    function has no running statistics: with them, nobody asks for a backward pass there.
    """
    if not callable(forward) or not (backward is None or callable(backward)):
        raise TypeError("check_functions: forward and backward must be functions")
    with undisturbed():
        subject = of_functions(forward, backward, inputs)
    if not subject.layer.floats:
        raise ValueError("check_functions: expected an array of floats among the inputs")
    if callable(reference) and not hasattr(reference, "forward"):
        names = argument_names(forward, len(inputs))
        reference = ReferencePair(reference, None, names, inputs)
    modes = MODES if subject.profile.has_mode else ("train",)
    values = ("train",) if subject.layer.state else modes
    single = any(isinstance(x, np.ndarray) and x.dtype == np.float32 for x in inputs)
    request = Request(None, None, modes, values, reference, seed, effort, strict, single)
    return examine(lambda: subject, request)


def check_model(
    model: Any, x: Any, y: Any, *, seed: int = 0, effort: Effort = "full", strict: bool = False
) -> Report:
    """Check the gradients of `loss, grads = model.loss(x, y)` with respect to `model.params`.

    Every call is made on a copy of the model, with the same random numbers, so that dropout and
    running statistics do not disturb. Values are judged in float64, whatever the dtype of the
    params; so is a model's `dtype`, where it has one. Where the model has a `reg` or an `l2`, the
    penalty is looked at too. Seed, effort and strict are as for `check`.
    """
    if isinstance(model, type) or not (hasattr(model, "params") and hasattr(model, "loss")):
        raise TypeError(f"check_model: {model!r} is not a model: expected params and loss(x, y)")
    request = Request(None, None, (), ("train",), False, seed, effort, strict)
    return examine(lambda: of_model(model, x, y), request)


def assert_correct(layer: Any, *inputs: Any, **options: Any) -> None:
    """Raise GradientError, an AssertionError with the report as its text, where check finds a
    mistake."""
    report = check(layer, *inputs, **options)
    if not report:
        raise GradientError(str(report))


def examine(make: Callable[[], Subject], request: Request) -> Report:
    """Ask everything of a subject, in order: does it run, are its gradients right, and beyond."""
    if request.effort not in ("quick", "full", "entrywise"):
        raise ValueError(
            f"check: effort is {request.effort!r}, expected 'quick', 'full' or 'entrywise'"
        )
    started = time.perf_counter()
    with undisturbed():
        subject = make()
        story = Story(subject, request)
        outcomes, done = contract.run(subject, request, own_stream(request.seed))
        for name, outcome in outcomes.items():
            story.add(name, outcome)
        if done is not None and not story.is_wrong:
            passes = Passes(request, own_stream(request.seed + 1), done)
            if done.is_loss and (key := models.strength_of(subject)[0]):
                half = models.has_half(subject, passes)
                story.words = replace(story.words, strength=key, half=half)
            gradients(subject, passes, story)
            if request.effort != "quick":
                usual = OF_MODELS if subject.profile.is_model else QUESTIONS
                story.ask_all({**usual, **subject.profile.questions}, passes)
        subject.origin.restore()  # generators of a closure, or global ones, are the caller's
    story.report.forwards = subject.calls[0]
    story.report.seconds = time.perf_counter() - started
    return story.told()


def gradients(subject: Subject, passes: Passes, story: Story) -> None:
    """Values in the modes that were asked for, how they depend on dout, and the formula."""
    request = passes.request
    if "train" in request.values:
        story.compare(passes, passes.train, True)
        if subject.profile.is_model:
            story.ask("penalty", models.unpenalised_loss, passes)
        elif not story.is_wrong:
            story.ask("linearity in dout", linearity.ask, passes)
    if "inference" in request.modes and not story.is_wrong:
        story.ask("inference mode", calls.inference, passes)
    if "inference" in request.values and subject.profile.has_mode and not story.is_wrong:
        done = contract.inference_pass(subject, passes.train, passes.rng)
        if isinstance(done, Pass):
            passes.inference = done
            story.compare(passes, done, False)
        else:
            story.add("inference mode", done)
    if request.reference is False and request.modes:
        story.add("reference", Outcome(why="it is not asked for"))
    elif request.modes:
        right = not story.is_wrong
        story.ask("reference", lambda s, p: formula.compare_with_formula(s, p, right), passes)


class Story:
    """What is told of a subject: it gathers outcomes into a report, causes first, words last."""

    def __init__(self, subject: Subject, request: Request) -> None:
        self.subject, self.request = subject, request
        self.words = subject.profile.vocabulary
        self.report = Report(subject=subject.profile.title, seed=request.seed)
        self.causes: list[Cause] = []

    @property
    def is_wrong(self) -> bool:
        return any(cause.level == "wrong" for cause in self.causes)

    def tell(self, outcome: Outcome) -> None:
        """Keep what an outcome tells that is not told yet."""
        known = [] if outcome.replaces else self.causes
        said = {(cause.key, cause.tensors) for cause in known}
        self.causes = known + [c for c in outcome.causes if (c.key, c.tensors) not in said]
        self.report.notes = list(dict.fromkeys([*self.report.notes, *outcome.notes]))

    def add(self, name: str, outcome: Outcome) -> None:
        """Note the outcome of one question."""
        if name == "inference mode" and self.request.modes == ("inference",):
            causes = [replace(cause, level="wrong") for cause in outcome.causes]
            outcome = replace(outcome, causes=causes)  # nothing else was asked for
        self.tell(outcome)
        state = "not applicable" if outcome.why else "passed"
        if outcome.causes:
            wrong = any(c.level == "wrong" for c in outcome.causes) or self.request.strict
            state = "failed" if wrong else "remark"
        why = self.words.finding(outcome.causes[-1]).message if outcome.causes else outcome.why
        self.report.probes[name] = Probe(state, why)

    def ask(self, name: str, question: Question, passes: Passes) -> None:
        """Ask one question, and explain what it found wrong."""
        try:
            outcome = question(self.subject, passes)
        except BadRequest:
            raise
        except Exception as error:  # what a stranger's code raises on unusual input is no mistake
            outcome = Outcome(why=told(self.subject, error))
        if outcome.comparison is not None:
            causes, _ = explain(outcome.comparison, passes)
            causes = [replace(c, prefix=f"{outcome.where}, ", level="remark") for c in causes[:1]]
            outcome = Outcome(causes)
        if outcome.difference is not None and self.request.effort != "quick":
            causes = explain_difference(outcome.difference, passes)
            outcome = replace(outcome, causes=causes or outcome.causes)
        self.add(name, outcome)

    def ask_all(self, questions: dict[str, Question], passes: Passes) -> None:
        """Ask all questions; most of them only while no mistake is known, since what goes wrong at
        the point itself goes wrong at the others too."""
        for name, question in questions.items():
            if self.is_wrong and name not in ALWAYS:
                self.add(name, Outcome(why="not asked: mend the mistake above first"))
            elif name in ELSEWHERE and not self.subject.profile.elsewhere:
                self.add(name, Outcome(why="the surrogate speaks of the inputs given alone"))
            else:
                self.ask(name, question, passes)

    def compare(self, passes: Passes, done: Pass, train: bool) -> None:
        """Compare the gradients of one pass with slopes, and tell the causes of what is wrong."""
        if not train and passes.train.is_like(done):  # the two are one, which has been judged
            tensors = {f"{name} (inference)": t for name, t in passes.tensors.items()}
            self.report.tensors |= tensors
            return
        found = compare(self.subject, passes, done, train)
        suffix = "" if train else " (inference)"
        self.report.tensors |= {f"{name}{suffix}": t for name, t in found.tensors.items()}
        causes, notes = found.causes, describe_kinks(found)
        if not found.is_right:
            causes, more = explain(found, passes)
            notes += more
        elif self.subject.profile.is_net and found.on_kinks:
            causes = [*causes, *explain_nearby(found, passes)]
        if train:
            passes.tensors, passes.coarse = found.tensors, found.coarse
            causes = small_number(self.subject, passes, causes)
            form = [c for c in causes if c.kind in ("shape", "dtype") or c.key in MISSING]
            self.add("shapes, dtypes and keys", Outcome(form))
        elif "train" in self.request.modes:
            causes = [replace(c, prefix="{inference} ", level="remark") for c in causes]
        self.tell(Outcome(causes, notes=notes))

    def told(self) -> Report:
        """The report in the words of the subject."""
        for cause in self.causes:
            wrong = cause.level == "wrong" or self.request.strict
            kept = self.report.findings if wrong else self.report.remarks
            kept.append(self.words.finding(cause))
        return self.report


def small_number(subject: Subject, passes: Passes, causes: list[Cause]) -> list[Cause]:
    """The causes; but what looks like a small error may be the small number that keeps a logarithm
    or a division finite: if large inputs or a batch of 1 show that it is, that is to be told."""
    errors = [tensor.error for tensor in passes.tensors.values() if not tensor.ok]
    if not errors or not all(0 < error < 1e-5 for error in errors):
        return causes
    for question in (other_inputs.batch_of_one, other_inputs.large):
        try:
            found = question(subject, passes).causes
        except Exception:  # such inputs are out of its domain
            continue
        grows = any((cause.evidence or 0) > 100 * max(errors) for cause in found)
        if grows or [cause.key for cause in found] == ["one-row-infinite"]:
            for tensor in passes.tensors.values():
                tensor.ok = True
            return list(found)
    return causes


@contextmanager
def undisturbed() -> Iterator[None]:
    """Warnings and floating-point errors kept quiet, and np.random put back to where it was."""
    state = np.random.get_state()
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as that of the mean of an empty batch
            yield
    finally:
        np.random.set_state(state)
