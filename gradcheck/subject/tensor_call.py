"""A function of PyTorch's tensors with the arguments that it is to be checked on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.gradcheck.subject.layer import argument_names, described
from chainrule.gradcheck.subject.tape import TapedFunction
from chainrule.gradcheck.subject.tensors import (
    Player,
    Tensors,
    Unfit,
    array_of,
    filled,
    is_usual,
    opened,
)


class Call:
    """A function of tensors and the arguments that it is called with.

    function  the torch.autograd.Function that it is, or None
    module    the nn.Module that it is, or None
    tensors   all tensors that it takes, by name, and its parameters
    exact     whether it computes in float64, as far as `settle` found out; `notes` says why not
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
        self.player, self.exact, self.notes = self.player_of(), True, list[str]()

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
            raise Unfit(f"check: {bad[0]} is {kind}, expected a dense tensor of real numbers")
        if not self.owed:
            given = f"among {', '.join(self.tensors)}" if self.tensors else "given"
            raise Unfit(f"check: no tensor of floats to differentiate {given}")

    @property
    def owed(self) -> list[str]:
        """The tensors that are to be differentiated: the inputs that the caller says, or all."""
        some = {n: t for n, t in self.inputs.items() if t.requires_grad} or self.inputs
        return [n for n, t in (some | self.params).items() if t.is_floating_point()]

    @property
    def explicit(self) -> bool:
        """Whether the caller says which inputs are to be differentiated."""
        return any(tensor.requires_grad for tensor in self.inputs.values())

    @property
    def zeros(self) -> set[str]:
        """Those of them that somebody asked for, so that None counts as 0."""
        return {*self.params, *(n for n, tensor in self.inputs.items() if tensor.requires_grad)}

    def run(self, thing: Any, tensors: Tensors, train: bool) -> Any:
        """One call of `thing` with these tensors."""
        import torch

        given = {name: filled(tree, name, tensors) for name, tree in self.arguments.items()}
        last = {name: given.pop(name) for name in self.keywords}
        if self.module is None or thing is not self.thing:
            return thing(*given.values(), **last)
        own = {name: tensors[name] for name in (*self.params, *self.buffers)}
        with in_mode(self.module, train):
            return torch.func.functional_call(self.module, own, (*given.values(),), last)

    def player_of(self, other: Any = None) -> Player:
        """What plays the function, or another of the same arguments."""
        import torch

        thing = self.thing if other is None else getattr(function_of(other), "apply", other)

        def call(tensors: Tensors, train: bool, function: Any) -> Any:
            return self.run(thing if function is None else function.apply, tensors, train)

        function = self.function if other is None else None
        places = [n if n in self.inputs else "" for n in self.names] if function else []
        generators = [a for a in self.arguments.values() if isinstance(a, torch.Generator)]
        return Player(call, self.tensors, self.owed, function, places, self.zeros, generators)

    def taped(self, player: Player) -> TapedFunction:
        """A function of these arguments as a layer."""
        params = {name: array_of(tensor) for name, tensor in self.params.items()}
        numbers = {n: float(v) for n, v in self.arguments.items() if type(v) in (int, float)}
        names, functions = [*self.inputs], player.functions
        return TapedFunction(player.play, names, params, functions, None, self.exact, numbers)

    def arrays(self) -> tuple[np.ndarray, ...]:
        return tuple(array_of(tensor) for tensor in self.inputs.values())

    def settle(self) -> None:
        """Find out what it computes in and which of its inputs get no gradient. Raises Unfit where
        it returns no tensors, or such as cannot be checked."""
        player = self.player
        if not self.explicit:
            player.owed = player.able()
        dtypes = " and ".join(self.dtypes())
        for exact in (True, False) if dtypes != "float64" else (True,):
            try:
                tape = player.play({}, True, exact)
                found = tape.back([np.ones(out.shape) for out in tape.outs])
            except Unfit:
                raise
            except Exception as error:  # the check tells what it raises in the dtypes given
                first = [*str(error).splitlines(), ""][0]
                first = first.replace("{", "{{").replace("}", "}}")
                name = type(error).__name__
                note = f"judged in {dtypes}{{within}}: in float64 it raises {name}: {first}"
                self.exact, self.notes = dtypes == "float64", [note]
                continue
            self.exact = exact
            lacking = [name for name, g in found.items() if g is None]
            player.owed = [name for name in player.owed if name not in lacking]
            self.notes = [] if exact else self.notes
            self.notes += [
                f"no gradient for {n} (None): taken as meant, {n}.requires_grad_() asks for it"
                for n in lacking
            ]
            return

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
