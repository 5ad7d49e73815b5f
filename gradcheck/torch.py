"""The gradients of PyTorch: a torch.autograd.Function, an nn.Module, any function of tensors.

    from chainrule.gradcheck import torch as gradcheck_torch

    print(gradcheck_torch.check(MyFunction, x, weight))

It speaks of tensors and of grad_output. PyTorch is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from chainrule.gradcheck.check import MODES, examine
from chainrule.gradcheck.checks.outcome import Effort, Request
from chainrule.gradcheck.checks.precision import in_given_dtype
from chainrule.gradcheck.checks.second import join
from chainrule.gradcheck.report import Report
from chainrule.gradcheck.report.findings import Finding, because
from chainrule.gradcheck.subject.subject import Complaint, Subject
from chainrule.gradcheck.subject.tape import TapedFunction, of_taped
from chainrule.gradcheck.subject.tensor_call import Call
from chainrule.gradcheck.subject.tensor_graph import copying, nodes
from chainrule.gradcheck.subject.tensors import Player, Tensors, array_of, like, opened
from chainrule.gradcheck.subject.vocabulary import Vocabulary

WORDS = {"dout": "grad_output", "its dout": "its grad_output", "the cache": "a tensor on ctx"}
AFTER = Finding(
    "mutation",
    "cache",
    "forward writes into what it has saved: with what that held when it was saved, all gradients "
    "are right",
    "Save a copy, or write into another tensor.",
    cause="written-after-saving",
)
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
        "Return a tuple with one for each argument of forward, None for what is no tensor.",
    ),
    "repeated-ids": (None, "With repeated indices += keeps one of them: use index_add_."),
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
    on_purpose: Mapping[str, str] | None = None,
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
                 derivative at these inputs, as that of a straight-through estimator is against
                 lambda x: x
    on_purpose   findings that are meant, with reasons, as for `chainrule.gradcheck.check`
    reference    a function of the same arguments that gives what forward should
    arguments    keyword arguments, passed on as they are
    seed, effort, strict   as for `chainrule.gradcheck.check`

    Values are judged in float64; where floats of other dtypes are given, the gradients in these are
    compared with those in float64. A function that refuses float64 is judged in the dtypes given,
    within the digits that these have. Tensors, modules, their buffers and modes, and the state of
    random generators are left as they were. Raises TypeError where `thing` is not callable, no
    tensor of floats is given, or one is complex or sparse; ValueError for an unknown order or mode.
    """
    import torch

    if order not in (1, 2):
        raise ValueError(f"check: order is {order!r}, expected 1 or 2")
    for word, function in (("surrogate", surrogate), ("reference", reference)):
        if not (function is None or callable(function)):
            raise TypeError(f"check: {word} is {function!r}, expected a function of tensors")
    call = Call(thing, inputs, arguments)
    wrt = (wrt,) if isinstance(wrt, str) else wrt
    modes = (modes,) if isinstance(modes, str) else modes
    chosen = modes or (MODES if call.module is not None else ("train",))
    if unknown := [mode for mode in chosen if mode not in MODES]:
        raise ValueError(f"check: mode {unknown[0]!r}, expected 'train' or 'inference'")
    dout = None
    if grad_output is not None:
        several = grad_output if isinstance(grad_output, (tuple, list)) else (grad_output,)
        dout = tuple(array_of(torch.as_tensor(d)) for d in several)
    right = False if reference is None else call.taped(call.player_of(reference))
    request = Request(dout, wrt, chosen, chosen, right, seed, effort, strict, on_purpose=on_purpose)
    report = examine(partial(of_call, call, surrogate), request)
    report.notes += [note.format(within=within(report)) for note in call.notes]
    if call.function is not None and any(not tensor.ok for tensor in report.tensors.values()):
        brief = replace(request, effort="quick", reference=False)
        as_saved = examine(partial(of_call, call, surrogate, as_saved=True), brief)
        if as_saved and differ(report, as_saved):
            report.findings.insert(0, AFTER)
    if order == 2 and report:
        request = replace(request, dout=None, wrt=None, **SECOND)
        join(report, examine(partial(of_second, call, seed), request), "double backward")
    return report


def words_of(call: Call, forward: str, backward: str) -> Vocabulary:
    """What reports on tensors are written in."""
    return Vocabulary(
        forward=forward,
        backward=backward,
        inference="in eval mode",
        param="{name}",
        gradient="grad_{name}",
        param_gradient="{name}.grad",
        params=frozenset(call.params),
        phrases=PHRASES,
        words=WORDS,
    )


def differ(one: Report, other: Report) -> bool:
    """Whether the gradients that are wrong in one report are others in another."""
    wrong = [name for name, tensor in one.tensors.items() if not tensor.ok]
    pairs = ((one.tensors[name].analytic, other.tensors[name].analytic) for name in wrong)
    return all(not np.array_equal(*pair) for pair in pairs)


def within(report: Report) -> str:
    """How well slopes are known, where that is not well."""
    worst = max((tensor.rounding for tensor in report.tensors.values()), default=0.0)
    return f", within {worst:.0%}" if worst >= 0.01 else ""


def of_call(call: Call, surrogate: Callable[..., Any] | None, as_saved: bool = False) -> Subject:
    """A function of tensors as a subject; `as_saved`, with copies made of all that it saves."""
    call.settle()
    player, title = call.player, call.title()
    taped = call.taped(player)
    if as_saved:
        taped.functions = (copying(player.functions[0]), player.functions[1])
    taped.surrogate = None if surrogate is None else call.player_of(surrogate).play
    is_own = call.function is not None or call.module is not None
    words = ("forward", "backward") if is_own else (title, f"the gradient of {title}")
    return of_taped(
        taped,
        call.arrays(),
        title,
        words_of(call, *words),
        dict(zip(("forward", "backward"), player.functions, strict=False)),
        list(player.places),
        has_mode=call.module is not None,
        is_net=call.function is None,
        elsewhere=surrogate is None,
        precision=0.0 if call.exact else max(call.dtypes().values()) / 2,
        questions={"the dtype given": in_given_dtype(call.dtypes())},
    )


def of_second(call: Call, seed: int) -> Subject:
    """The backward pass as a function of its own, of the inputs and of grad_output."""
    import torch

    first, arrays = call.player, {name: array_of(t) for name, t in call.tensors.items()}
    outs = first.play(arrays, True, call.exact).outs
    names = ["grad_output", *(f"grad_output{at + 2}" for at in range(len(outs) - 1))]
    rng, example = np.random.default_rng([seed, *b"second"]), call.tensors[first.owed[0]]
    douts = [np.asarray(rng.standard_normal(out.shape)) for out in outs]
    upstream = {n: like(d, example, example.dtype) for n, d in zip(names, douts, strict=True)}

    def backward(tensors: Tensors, train: bool, _: Any) -> Any:
        found = [tensor for _, tensor in opened(call.run(call.thing, tensors, train), "")]
        gradients = torch.autograd.grad(
            [out for out in found if out.requires_grad],
            [tensors[name] for name in first.owed],
            [tensors[name] for name in names],
            create_graph=True,
            allow_unused=True,
        )
        found = [g for g in gradients if g is not None]
        if any(node.name().endswith("::Error") for node in nodes(found)):
            raise Complaint(because("once", "unknown", *ONCE), "x")
        return tuple(found)

    owed = [*first.owed, *names]
    player = Player(backward, call.tensors | upstream, owed, zeros=owed)
    given = {name: arrays[name] for name in call.inputs}
    given |= {name: array_of(tensor) for name, tensor in upstream.items()}
    params = {name: arrays[name] for name in call.params}
    taped = TapedFunction(player.play, [*given], params, exact=call.exact)
    words = words_of(call, "backward", "double backward")
    return of_taped(
        taped, (*given.values(),), call.title(), words, {}, [], has_mode=False, is_net=True,
        precision=0.0 if call.exact else max(call.dtypes().values()) / 2,
    )  # fmt: skip
