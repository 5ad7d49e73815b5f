"""The check of anything that has a backward pass: what is asked, and in which order."""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.gradcheck.checks import calls, contract, formula, linearity, models, other_inputs
from chainrule.gradcheck.checks.outcome import BadRequest, Effort, Outcome, Passes, Request
from chainrule.gradcheck.explain.story import Question, Story
from chainrule.gradcheck.report import GradientError, Report
from chainrule.gradcheck.subject.derivative import Derivative
from chainrule.gradcheck.subject.functions import ReferencePair
from chainrule.gradcheck.subject.layer import argument_names
from chainrule.gradcheck.subject.model import of_model
from chainrule.gradcheck.subject.recognise import subject_of, surrogate_of
from chainrule.gradcheck.subject.subject import Pass, Subject, own_stream

MODES = ("train", "inference")
# Whose arrays and functions have a checker of their own: chainrule.gradcheck.torch, and so on.
FRONT_ENDS = {"torch": "torch", "jax": "jax", "jaxlib": "jax"}

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
OF_MODELS: dict[str, Question] = {
    "penalty": models.penalty,
    "large inputs": other_inputs.large,
    "inference mode": models.scores,
}


def check(
    thing: Any,
    *inputs: Any,
    dout: Any = None,
    wrt: str | tuple[str, ...] | None = None,
    modes: str | tuple[str, ...] = MODES,
    params: Mapping[str, str] | None = None,
    reference: Any = None,
    surrogate: Any = None,
    on_purpose: Mapping[str, str] | None = None,
    seed: int = 0,
    effort: Effort = "full",
    strict: bool = False,
) -> Report:
    """Check a backward pass on these inputs, in every way there is.

    thing      what has it, in whatever convention; told by its methods and arguments:
                 a layer, `out, cache = forward(x)` and `dx, grads = backward(dout, cache)`
                 an object that keeps its state on itself, `out = forward(x)`, `dx = backward(dout)`
                 two functions, `(affine_forward, affine_backward)`, or a class of static methods
                 a function that returns its gradient, too: `loss, dx = softmax_loss(x, y)`
                 a function, or an object, with its derivative: `f.grad(x)`,
                 `f(x, derivative=True)`, `loss(y, p)` and `gradient(y, p)`
                 a model with `params` and `loss, grads = loss(x, y)`
                 what PyTorch or JAX differentiates, given their arrays: see the front ends
    inputs     arrays; those that hold integers (labels) are not differentiated
    dout       the upstream gradient; left out, a random one (1 for what returns a number)
    wrt        names of the inputs and parameters to look at; left out, all
    modes      "train", "inference" or a tuple of both
    params     where an object keeps the gradients of its parameters, {"W": "dW"}, if names do not
               tell
    reference  what forward should compute: a name such as "batchnorm", or a correct layer with
               the same parameters; left out, found from the name of the class, if it is known;
               False for none, where a class means something else by a name such as `Log`
    surrogate  another forward pass, a function or a layer, whose derivative backward is meant to
               give: `lambda x: x` for a straight-through estimator
    on_purpose   findings that are meant, by the key of their cause or the name of a tensor, each
               with the reason, which the report keeps: {"factor": "clipped, see section 3"}
    seed       of everything random in the check; the same seed gives the same verdict
    effort     "quick": values and linearity; "full": all probes; "entrywise": every entry too
    strict     whether remarks, on what works here and may bite later, count as mistakes

    Values are judged in float64 whatever the dtype of the layer, and within the precision that its
    forward pass turns out to have. Steps and tolerances follow from the numbers; there is none to
    choose. Thing, inputs, generators and np.random are left as they were. Raises TypeError or
    ValueError where an argument is not of this kind.
    """
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    wrt = (wrt,) if isinstance(wrt, str) else wrt
    for mode in modes:
        if mode not in MODES:
            raise ValueError(f"check: mode {mode!r}, expected 'train' or 'inference'")
    reasons = {} if on_purpose is None else on_purpose
    if not isinstance(reasons, Mapping) or not all(isinstance(r, str) for r in reasons.values()):
        raise TypeError(
            f"check: on_purpose is {on_purpose!r}, expected findings with reasons, such as "
            f"{{'factor': 'clipped, see section 3'}}: name the cause of a finding, or a tensor"
        )
    ours = {"dout": dout, "modes": None if modes == MODES else modes, "params": params,
            "reference": reference}  # fmt: skip
    if (name := front_end(thing, inputs)) is not None:
        refuse(ours, f"an option of chainrule.gradcheck.{name}.check, which is for this")
        front = importlib.import_module(f"chainrule.gradcheck.{name}")
        return front.check(
            thing, *inputs, wrt=wrt, surrogate=surrogate, on_purpose=on_purpose,
            seed=seed, effort=effort, strict=strict,
        )  # fmt: skip
    if not (reference is None or reference is False or isinstance(reference, str)) and not (
        hasattr(reference, "forward") or callable(reference)
    ):
        raise TypeError(
            f"check: reference is {reference!r}, expected a name such as 'batchnorm', a correct "
            f"layer, or False for none"
        )
    with undisturbed():
        subject = subject_of(thing, inputs, wrt, params)
    profile = subject.profile
    if profile.of_functions and not subject.layer.floats:
        raise ValueError("check: expected an array of floats among the inputs")
    if callable(reference) and not hasattr(reference, "forward"):
        names = argument_names(subject.profile.written("forward"), len(inputs))
        reference = ReferencePair(reference, None, names, inputs)
    asked = modes if profile.has_mode else ("train",)
    values = asked if profile.both else ("train",)
    if profile.is_model:
        refuse(ours, "no such option for a model")
        asked, values, reference = (), ("train",), False
    held = getattr(thing, "params", None)
    arrays = [*inputs, *(held.values() if isinstance(held, dict) else ())]
    single = any(getattr(a, "dtype", None) == np.float32 for a in arrays)
    request = Request(
        dout, wrt, asked, values, reference, seed, effort, strict, single, surrogate, on_purpose
    )
    report = examine(lambda: subject, request)
    if profile.otherwise is not None and not report:
        other = examine(profile.otherwise, request)
        return other if other or (is_unexplained(report) and not is_unexplained(other)) else report
    return report


def refuse(options: Mapping[str, Any], expected: str) -> None:
    """Raise ValueError where an option is given that would have no effect."""
    for name, value in options.items():
        if value is not None and value is not False:
            raise ValueError(f"check: {name} is {value!r}, expected {expected}")


def is_unexplained(report: Report) -> bool:
    """Whether no mistake of a report has a name."""
    return all(one.cause == "unexplained" for one in report.findings)


def front_end(thing: Any, inputs: tuple[Any, ...]) -> str | None:
    """Which library's arrays or functions these are, None for NumPy's and plain ones."""
    kinds = [
        cls for x in (thing, *inputs) for cls in (x if isinstance(x, type) else type(x)).__mro__
    ]
    found = (FRONT_ENDS.get(cls.__module__.partition(".")[0]) for cls in kinds)
    return next((name for name in found if name), None)


def check_functions(
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    *inputs: Any,
    **options: Any,
) -> Report:
    """Check a pair of functions, `out, cache = forward(*inputs)` and `backward(dout, cache)`.

        check_functions(affine_forward, affine_backward, x, w, b)
        check_functions(softmax_loss, None, x, y)        # returns the loss and its gradient in one

    backward   returns one gradient, or a tuple of them in the order of the inputs, or of `wrt`;
               None where `forward` is a loss that returns its gradient too. Of several outputs
               it is given the gradients one by one: `backward(dh, dc, cache)`. Where forward
               returns no cache, it is given what its arguments name: `backward(dout, x)`
    inputs     what forward takes, in its order. Arrays of floats are differentiated; arrays of
               integers are labels, unless backward returns gradients for them too. Of dicts, such
               as bn_param, every call gets a fresh copy; where one has a "mode", "train" and "test"
               are both looked at. Anything else is passed on as it is
    options    those of `check`

    A loss may return fewer gradients than it has arrays: those of its parameters (`w`), where
    there are as many, otherwise of the first. In mode "test" gradients are looked at where the
    function has no running statistics: with them, nobody asks for a backward pass there.
    """
    if not callable(forward) or not (backward is None or callable(backward)):
        raise TypeError("check_functions: forward and backward must be functions")
    return check((forward, backward), *inputs, **options)


def check_derivative(
    f: Callable[..., Any], df: Callable[..., Any], *inputs: Any, **options: Any
) -> Report:
    """Check a function beside its derivative, `df(x)` or `df(f(x))`.

        check_derivative(sigmoid, sigmoid_prime, x)
        check_derivative(mse, mse_prime, y_true, y_pred)      # with respect to y_pred

    `df` takes what `f` takes, and returns the slope of each entry, the gradient where f returns a
    number, or the Jacobian, of shape f(x).shape + x.shape; of several inputs a tuple, in the order
    of `wrt`, or that of the one that is no target. A derivative that is right as a function of the
    output, as in `s * (1 - s)`, is right; a note says so. Options are those of `check`.
    """
    if not callable(f) or not callable(df):
        raise TypeError("check_derivative: f and df must be functions")
    return check(Derivative(f, df), *inputs, **options)


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


def assert_correct(thing: Any, *inputs: Any, **options: Any) -> None:
    """Raise GradientError, an AssertionError with the report as its text, where check finds a
    mistake."""
    report = check(thing, *inputs, **options)
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
        if request.surrogate is not None:
            subject.surrogate = surrogate_of(request.surrogate, subject)
        story = Story(subject, request)
        story.tell(Outcome(notes=subject.profile.notes))
        outcomes, done = contract.run(subject, request, own_stream(request.seed))
        for name, outcome in outcomes.items():
            story.add(name, outcome)
        if done is not None and not story.is_wrong:
            compare_shapes(subject, done)
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


def compare_shapes(subject: Subject, done: Pass) -> None:
    """Raise ValueError where a surrogate gives other outputs than forward, by their shapes."""
    if subject.surrogate is not None:
        try:
            shapes = [o.shape for o in subject.values(True)]
        except Exception as error:
            text = f"check: surrogate raises {type(error).__name__}: {error}"
            raise BadRequest(text) from error
        if shapes != [o.shape for o in done.outs]:
            raise BadRequest(
                f"check: surrogate gives shape {', '.join(map(str, shapes))}, expected "
                f"{', '.join(str(o.shape) for o in done.outs)}, as forward gives"
            )


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
