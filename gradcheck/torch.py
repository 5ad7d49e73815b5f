"""The gradients of PyTorch: a torch.autograd.Function, an nn.Module, any function of tensors.

    from chainrule.gradcheck import torch as gradcheck_torch

    print(gradcheck_torch.check(MyFunction, x, weight))

It speaks of tensors and of grad_output. PyTorch is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.gradcheck.check import examine
from chainrule.gradcheck.checks.outcome import Effort, Request
from chainrule.gradcheck.checks.precision import in_given_dtype
from chainrule.gradcheck.report import Probe, Report
from chainrule.gradcheck.report.findings import because
from chainrule.gradcheck.subject.layer import argument_names, described
from chainrule.gradcheck.subject.subject import Complaint, Subject
from chainrule.gradcheck.subject.tape import Tape, TapedFunction, of_taped
from chainrule.gradcheck.subject.tensors import Player, Tensors, array_of, filled, is_usual, opened
from chainrule.gradcheck.subject.vocabulary import Vocabulary

WORDS = {"dout": "grad_output", "its dout": "its grad_output", "the cache": "a tensor on ctx"}
SECOND: dict[str, Any] = {
    "modes": ("train",), "values": ("train",), "reference": False, "effort": "quick",
}  # fmt: skip
ONCE = (
    "it is marked with once_differentiable, and cannot be differentiated twice",
    "Leave out the mark, if backward is made of differentiable operations alone.",
)
PHRASES: dict[str, tuple[str | None, str | None]] = {
    "no-entry": ("{d} is None", "Does the output depend on {param} through tensors alone?"),
    "not-returned": ("{d} is None", "Return a gradient in the place of each tensor."),
    "backward-writes": (
        "{backward} writes into {what}, which others may read afterwards",
        "Compute into a new tensor.",
    ),
    "second-backward": (
        "a second backward pass, as with retain_graph=True, gives{twice} {d}",
        "Start from zero in every call: nothing of a call may stay on ctx or outside.",
    ),
    "latest-call": (
        "{d} {comes} from the latest {forward} call, not from its own ctx",
        "Keep what backward needs on ctx, nowhere else.",
    ),
    "forward-writes-input": (
        "{forward} changes its input {name} in place, and does not say so",
        "Compute into a new tensor, or call ctx.mark_dirty({name}).",
    ),
    "gradient-count": (
        "{backward} returns {some}, and forward has {whom}",
        "Return a tuple with one gradient for each argument of forward, None for what is no tensor.",
    ),
    "random": (None, "Draw from torch's generator, which is started anew in every call."),
    "layout": (None, "Take strides into account, or call contiguous() first."),
    "layout-raises": (
        "tensors that are not contiguous raise {error}",
        "Use reshape, which copies if it must, for view.",
    ),
}


def check(
    thing: Any,
    *inputs: Any,
    wrt: str | tuple[str, ...] | None = None,
    grad_output: Any = None,
    modes: str | tuple[str, ...] | None = None,
    order: int = 1,
    surrogate: Callable[..., Any] | None = None,
    reference: Callable[..., Any] | None = None,
    seed: int = 0,
    effort: Effort = "full",
    strict: bool = False,
    **arguments: Any,
) -> Report:
    """Check the backward pass of a function of tensors, on these inputs.

        check(MyFunction, x, weight)            # a torch.autograd.Function, or its apply
        check(torch.nn.functional.mish, x)      # any function of tensors
        check(my_module, x)                     # an nn.Module, in train and eval mode

    inputs       its arguments: tensors, lists of them, and anything else, passed on as it is.
                 Where some tensors require a gradient, exactly these are differentiated, and None
                 counts as 0; where none does, all that hold floats are
    wrt          names of the tensors to look at: arguments of forward, or parameters of a module
    grad_output  the upstream gradient, a tuple for several outputs; left out, a random one
    modes        "train", "inference" or both, for a module; left out, both
    order        2 to check the backward pass of the backward pass, too
    surrogate    another forward pass, with the same arguments: backward is checked against its
                 derivative, as that of a straight-through estimator is against lambda x: x
    reference    a function of the same arguments that gives what forward should
    arguments    keyword arguments, passed on as they are
    seed, effort, strict   as for `chainrule.gradcheck.check`

    Values are judged in float64; where floats of other dtypes are given, the gradients in these are
    compared with those in float64. A function that refuses float64 is judged in the dtypes given,
    within the digits that these have. Tensors, modules, their buffers and modes, and the state of
    random generators are left as they were. Raises TypeError where `thing` is not callable, or no
    tensor of floats is given, or one is complex or sparse; ValueError for another order than 1 or 2.
    """
    if order not in (1, 2):
        raise ValueError(f"check: order is {order!r}, expected 1 or 2")
    wrt = (wrt,) if isinstance(wrt, str) else wrt
    call = Call(thing, inputs, arguments)
    chosen = ("train", "inference") if call.module is not None else ("train",)
    chosen = ((modes,) if isinstance(modes, str) else modes) or chosen
    dout = None
    if grad_output is not None:
        several = isinstance(grad_output, (tuple, list))
        dout = tuple(map(array_of, grad_output if several else (grad_output,)))
    other = None if reference is None else call.taped(reference)
    request = Request(
        dout, wrt, chosen, chosen, False if other is None else other, seed, effort, strict
    )
    subject, notes = call.subject(surrogate)
    report = examine(lambda: subject, request)
    report.notes += notes
    if order == 2 and report:
        join(report, examine(call.second, replace(request, dout=None, wrt=None, **SECOND)))
    return report


class Call:
    """A function of tensors and the arguments that it is called with.

    function  the torch.autograd.Function that it is, or None
    module    the nn.Module that it is, or None
    tensors   all tensors that it takes, by name, and its parameters
    """

    def __init__(self, thing: Any, inputs: tuple[Any, ...], arguments: dict[str, Any]) -> None:
        import torch

        self.function = function_of(thing)
        if self.function is None and not callable(thing):
            raise TypeError(
                f"check: {thing!r} is no function of tensors: expected a torch.autograd.Function, "
                f"an nn.Module or something callable"
            )
        self.thing = thing if self.function is None else self.function.apply
        self.module = thing if isinstance(thing, torch.nn.Module) else None
        self.params, self.buffers = of_module(self.module)
        self.names = self.argument_names(len(inputs))
        self.arguments = dict(zip(self.names, inputs, strict=True)) | arguments
        self.inputs: Tensors = {}
        for name, argument in self.arguments.items():
            self.inputs |= opened(argument, name)
        self.keywords = [*arguments]
        self.tensors = self.inputs | self.params | self.buffers
        self.validate()

    def argument_names(self, count: int) -> list[str]:
        """The names of the arguments, where they do not tell x or x1, x2, …"""
        import torch

        if self.function is not None:
            default = torch.autograd.Function.setup_context
            with_context = self.function.setup_context is default
            names = argument_names(self.function.forward, count + with_context)[with_context:]
        else:
            names = argument_names(
                self.thing if self.module is None else self.module.forward, count
            )
        return [name if name not in self.params else f"input_{name}" for name in names]

    def validate(self) -> None:
        if bad := [name for name, tensor in self.tensors.items() if not is_usual(tensor)]:
            kind = "complex" if self.tensors[bad[0]].is_complex() else "sparse"
            raise TypeError(f"check: {bad[0]} is {kind}, expected a dense tensor of real numbers")
        if not self.owed:
            raise TypeError(
                f"check: no tensor of floats to differentiate among {', '.join(self.tensors) or 'no tensors'}"
            )

    @property
    def owed(self) -> list[str]:
        """The tensors that are to be differentiated: the inputs that the caller says, or all."""
        some = {n: t for n, t in self.inputs.items() if t.requires_grad} or self.inputs
        return [n for n, t in (some | self.params).items() if t.is_floating_point()]

    @property
    def zeros(self) -> set[str]:
        """Those of them that somebody asked for, so that None counts as 0."""
        return {*self.params, *(n for n, tensor in self.inputs.items() if tensor.requires_grad)}

    def run(self, thing: Any, tensors: Tensors, train: bool) -> Any:
        """One call of `thing` with these tensors."""
        import torch

        given = {name: filled(tree, name, tensors) for name, tree in self.arguments.items()}
        last = {name: given.pop(name) for name in self.keywords}
        if self.module is None or thing is not self.module:
            return thing(*given.values(), **last)
        own = {name: tensors[name] for name in (*self.params, *self.buffers)}
        with in_mode(self.module, train):
            return torch.func.functional_call(self.module, own, (*given.values(),), last)

    def player(self, thing: Any) -> Player:
        """What plays `thing`, the function itself or another of the same arguments."""
        import torch

        def call(tensors: Tensors, train: bool, function: Any) -> Any:
            return self.run(thing if function is None else function.apply, tensors, train)

        function = self.function if thing is self.thing else None
        places = [n if n in self.inputs else "" for n in self.names] if function else []
        generators = [a for a in self.arguments.values() if isinstance(a, torch.Generator)]
        return Player(call, self.tensors, self.owed, function, places, self.zeros, generators)

    def taped(self, thing: Any) -> TapedFunction:
        """A function of these arguments as a layer."""
        thing = getattr(function_of(thing), "apply", thing)
        player = self.player(thing)
        params = {name: array_of(tensor) for name, tensor in self.params.items()}
        return TapedFunction(
            player.play, [*self.inputs], params, player.functions, numbers=self.numbers()
        )

    def numbers(self) -> dict[str, float]:
        """The numbers among the arguments."""
        kinds = (int, float)
        return {n: float(v) for n, v in self.arguments.items() if type(v) in kinds}

    def arrays(self) -> tuple[np.ndarray, ...]:
        return tuple(array_of(tensor) for tensor in self.inputs.values())

    def subject(self, surrogate: Any = None) -> tuple[Subject, list[str]]:
        """The function as a subject, and what is to be noted of it."""
        player, notes = self.player(self.thing), []
        found, exact, why = attempt(player, {*self.dtypes()} != {"float64"})
        lacking = [n for n, g in found.items() if g is None]
        player.owed = [n for n in player.owed if n not in lacking]
        for name in lacking:
            notes.append(
                f"it gives no gradient for {name} (None): taken as meant; ask for it with "
                f"{name}.requires_grad_()"
            )
        if why:
            notes.append(f"judged in {' and '.join(self.dtypes())}: in float64 {why}")
        taped = self.taped(self.thing)
        taped.play, taped.exact = player.play, exact
        taped.surrogate = None if surrogate is None else self.taped(surrogate).play
        title = self.title()
        is_own = self.function is not None or self.module is not None
        vocabulary = Vocabulary(
            forward="forward" if is_own else title,
            backward="backward" if is_own else f"the gradient of {title}",
            inference="in eval mode",
            param="{name}",
            gradient="grad_{name}",
            param_gradient="{name}.grad",
            params=frozenset(self.params),
            phrases=PHRASES,
            words=WORDS,
        )
        written = dict(zip(("forward", "backward"), player.functions, strict=False))
        more = {
            "has_mode": self.module is not None,
            "is_net": self.function is None,
            "precision": 0.0 if exact else max(self.dtypes().values()) / 2,
            "questions": {"the dtype given": in_given_dtype(self.dtypes())},
        }
        owed = list(player.places)
        return of_taped(taped, self.arrays(), title, vocabulary, written, owed, **more), notes

    def dtypes(self) -> dict[str, float]:
        """The dtypes of floats that were given, "bfloat16", with their relative precision."""
        import torch

        given = {t.dtype for t in self.tensors.values() if t.is_floating_point()}
        return {str(d).removeprefix("torch."): torch.finfo(d).eps for d in given}

    def title(self) -> str:
        if self.function is not None:
            return self.function.__name__
        if self.module is not None:
            return described(self.module)
        name = getattr(self.thing, "__name__", type(self.thing).__name__)
        return "the function" if name == "<lambda>" else name

    def second(self) -> Subject:
        """The backward pass as a function of its own, of its inputs and of grad_output."""
        import torch

        player = self.player(self.thing)
        arrays = {name: array_of(tensor) for name, tensor in self.tensors.items()}
        outs = player.play(arrays, True, True).outs
        names = ["grad_output", *(f"grad_output{at + 2}" for at in range(len(outs) - 1))]
        rng = np.random.default_rng(0)
        upstream = {
            n: torch.from_numpy(np.asarray(rng.standard_normal(o.shape)))
            for n, o in zip(names, outs, strict=True)
        }
        owed = [*player.owed, *names]

        def backward(tensors: Tensors, train: bool, _: Any) -> Any:
            found = [t for _, t in opened(self.run(self.thing, tensors, train), "")]
            gradients = torch.autograd.grad(
                [out for out in found if out.requires_grad],
                [tensors[name] for name in player.owed],
                [tensors[name] for name in names],
                create_graph=True,
                allow_unused=True,
            )
            return tuple(g for g in gradients if g is not None)

        other = Player(backward, self.tensors | upstream, owed, zeros=owed)
        params = {name: arrays[name] for name in self.params}
        given = {name: arrays[name] for name in self.inputs}
        given |= {name: array_of(d) for name, d in upstream.items()}
        taped = TapedFunction(once(other), [*given], params)
        vocabulary = Vocabulary(
            forward="backward",
            backward="double backward",
            param="{name}",
            gradient="grad_{name}",
            param_gradient="{name}.grad",
            params=frozenset(self.params),
            phrases=PHRASES,
            words=WORDS,
        )
        return of_taped(
            taped, (*given.values(),), self.title(), vocabulary, {}, [], has_mode=False, is_net=True
        )


def once(player: Player) -> Callable[..., Tape]:
    """Plays it; where backward is marked as differentiable once, says so."""

    def play(*given: Any) -> Tape:
        tape = player.play(*given)
        plain = tape.back

        def back(douts: list[Any]) -> dict[str, Any]:
            try:
                return plain(douts)
            except RuntimeError as error:
                if "once_differentiable" not in str(error):
                    raise
                raise Complaint(because("once", "unknown", *ONCE), "x") from None

        tape.back = back
        return tape

    return play


def attempt(player: Player, is_other: bool) -> tuple[dict[str, Any], bool, str]:
    """The gradients of a first pass, whether it was made in float64, and else why not. One that
    fails in the dtypes given, too, is left to the check, which tells what it raises."""
    why = ""
    for exact in (True, False) if is_other else (True,):
        try:
            tape = player.play({}, True, exact)
            return tape.back([np.ones(out.shape) for out in tape.outs]), exact, why
        except Exception as error:  # whatever a stranger's function raises
            why = f"it raises {type(error).__name__}: {str(error).splitlines()[0]}"
    return {}, not is_other, ""


def function_of(thing: Any) -> Any:
    """The torch.autograd.Function that a class, or its `apply`, is; None for anything else."""
    import torch

    thing = getattr(thing, "__self__", thing) if hasattr(thing, "__func__") else thing
    is_one = isinstance(thing, type) and issubclass(thing, torch.autograd.Function)
    return thing if is_one else None


def of_module(module: Any) -> tuple[Tensors, Tensors]:
    """The parameters of a module that require a gradient, and its other tensors."""
    if module is None:
        return {}, {}
    everything = dict(module.named_parameters()) | dict(module.named_buffers())
    params = {name: tensor for name, tensor in everything.items() if tensor.requires_grad}
    return params, {name: t for name, t in everything.items() if name not in params}


@contextmanager
def in_mode(module: Any, train: bool) -> Iterator[None]:
    """A module in train or eval mode, which it is then in no more. Parts of a module in training
    that are not stay so."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        if module.training != train:
            module.train(train)
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def join(report: Report, second: Report) -> None:
    """Add to a report what was found of the backward pass of the backward pass."""
    before = "double backward: "
    report.findings += [replace(f, message=before + f.message) for f in second.findings]
    report.tensors |= {f"{name} (second)": tensor for name, tensor in second.tensors.items()}
    why = second.findings[0].message if second.findings else ""
    report.probes["double backward"] = Probe("failed" if second.findings else "passed", why)
    report.forwards += second.forwards
    report.seconds += second.seconds
