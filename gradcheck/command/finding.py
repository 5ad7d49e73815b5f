"""What there is to check in a module: pairs of functions, losses, derivatives, classes, rules."""

from __future__ import annotations

import ast
import inspect
import re
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.gradcheck.subject.derivative import Derivative
from chainrule.gradcheck.subject.layer import METHODS, positional
from chainrule.gradcheck.subject.recognise import DERIVATIVES, FLAGS, VALUES
from chainrule.gradcheck.subject.source import source_of

Function = Callable[..., Any]
Functions = dict[str, Function]
# How a backward pass is called, and how its forward pass is then.
WORDS = {"backward": "forward", "bwd": "fwd", "bprop": "fprop", "backprop": "feedforward"}
BACKWARD = re.compile(f"_?({'|'.join(WORDS)})", re.I)
FORWARD = re.compile(f"_?({'|'.join(WORDS.values())})", re.I)
DERIVATIVE = re.compile(
    r"(?:d_|d|grad_|gradient_|der_|deriv_|derivative_)(?P<behind>\w+)"
    r"|(?P<before>\w+?)_?(?:prime|derivative|deriv|der|grad|gradient|_d)",
    re.I,
)
LOSS = re.compile(r"loss|cost|entropy|hinge|mse|svm|nll|criterion|objective|naive|vectori[sz]ed")
GRADIENT = re.compile(r"d\w*|g|.*grad.*|.*delta.*", re.I)
DW = re.compile(r"d(w|x|theta|b|p|params?|weights?)|g|.*grad.*", re.I)


@dataclass(frozen=True)
class Found:
    """A thing to check: what it is called, of what kind it is, the function that is given the
    inputs, and by which other names it may be asked for. Of a class, `thing` makes an object."""

    name: str
    kind: str
    thing: Any
    forward: Function
    names: tuple[str, ...]

    def is_one_of(self, wanted: Sequence[str]) -> bool:
        """Whether it is asked for by one of these names; everything is where there is none."""
        return not wanted or bool({self.name, *self.names} & {*wanted})


def found_in(module: types.ModuleType) -> list[Found]:
    """What a module defines that can be checked, in its order; a function is of one kind alone."""
    functions = {key: one for key, one in own(module, inspect.isfunction).items() if key[0] != "_"}
    found: list[Found] = []
    for finder in (pairs, derivatives, rules, losses):
        found += finder(functions)
        used = {name for one in found for name in one.names}
        functions = {key: one for key, one in functions.items() if key not in used}
    classes = [
        one for key, cls in own(module, inspect.isclass).items() for one in of_class(key, cls)
    ]
    order = list(vars(module))
    return sorted(classes + found, key=lambda one: order.index(one.names[0]))


def own(module: types.ModuleType, is_kind: Callable[[object], bool]) -> dict[str, Any]:
    """What a module defines of a kind, each once."""
    found = {key: one for key, one in vars(module).items() if is_kind(one)}
    found = {key: one for key, one in found.items() if one.__module__ == module.__name__}
    first = {id(one): key for key, one in reversed(found.items())}
    return {key: one for key, one in found.items() if first[id(one)] == key}


def pairs(functions: Functions) -> Iterator[Found]:
    """Forward and backward functions: conv_forward_naive and conv_backward_naive, relu and
    relu_backward, batchnorm_forward and batchnorm_backward_alt."""
    taken = set()
    for name in functions:
        if (word := BACKWARD.search(name)) and (forward := forward_of(name, word, functions)):
            taken.add(forward)
            yield pair(BACKWARD.sub("", name, count=1), forward, name, functions)
    for name in functions:
        if name not in taken and (word := FORWARD.search(name)):
            backward = f"{name[: word.start(1)]}{swapped(word[1], WORDS, back=True)}"
            if backward in functions:
                yield pair(FORWARD.sub("", name, count=1), name, backward, functions)


def pair(name: str, forward: str, backward: str, functions: Functions) -> Found:
    thing, names = (functions[forward], functions[backward]), (forward, backward)
    return Found(name.strip("_") or forward, "pair", thing, thing[0], names)


def forward_of(name: str, word: re.Match[str], functions: Functions) -> str | None:
    """The name of the forward function to a backward one."""
    head, tail = name[: word.start(1)], name[word.end() :]
    forward = swapped(word[1], WORDS)
    bare = f"{name[: word.start()]}{tail}"
    names = (f"{head}{forward}{tail}", f"{head}{forward}", bare, bare.strip("_"))
    return next((one for one in names if one in functions and one != name), None)


def swapped(word: str, words: dict[str, str], back: bool = False) -> str:
    """The other of two words, written with a capital where this one is."""
    table = {to: key for key, to in words.items()} if back else words
    other = table[word.lower()]
    return other.capitalize() if word[0].isupper() else other


def derivatives(functions: Functions) -> Iterator[Found]:
    """A function and its derivative: tanh and tanh_prime, sigmoid and dsigmoid; or in one, as in
    tanh(x, derivative=False)."""
    for name, df in functions.items():
        parts = DERIVATIVE.fullmatch(name)
        of = parts and (parts["behind"] or parts["before"])
        if of in functions and len(required(functions[of])) == len(required(df)):
            f = functions[of]
            yield Found(of, "derivative", Derivative(f, df), f, (of, name))
        if any(one.name in FLAGS and one.default is False for one in positional(df)):
            yield Found(name, "derivative", df, df, (name,))


def rules(functions: Functions) -> Iterator[Found]:
    """Update rules: `sgd(w, dw, config=None)` returns the new w and config."""
    for name, function in functions.items():
        first = [one.name for one in positional(function)[:3]]
        if len(required(function)) == 2 and first[2:] == ["config"] and DW.fullmatch(first[1]):
            yield Found(name, "update rule", function, function, (name,))


def losses(functions: Functions) -> Iterator[Found]:
    """Functions that return a loss and its gradients."""
    for name, function in functions.items():
        if LOSS.search(name.lower()) and returns_gradient(function):
            yield Found(name, "loss", function, function, (name,))


def returns_gradient(function: Function, or_calls: bool = False) -> bool:
    """Whether a function returns gradients behind something else, as its source says, or what it
    calls, a loss."""
    source = source_of(function)
    nodes = ast.walk(source.tree) if source else iter(())
    for one in (node.value for node in nodes if isinstance(node, ast.Return)):
        if isinstance(one, ast.Tuple) and len(one.elts) > 1 and is_gradient(one.elts[1]):
            return True
        if or_calls and isinstance(one, ast.Call) and LOSS.search(ast.unparse(one.func).lower()):
            return True
    return False


def is_gradient(node: ast.expr) -> bool:
    """Whether an expression may be a gradient; a name that begins otherwise is none."""
    if isinstance(node, ast.Name):
        return bool(GRADIENT.fullmatch(node.id))
    return not isinstance(node, (ast.Dict, ast.Constant, ast.List))


def required(function: Function) -> list[str]:
    """The names of the positional parameters without a default."""
    return [one.name for one in positional(function) if one.default is one.empty]


def of_class(name: str, cls: type) -> list[Found]:
    """A class as what it shows itself to be, if it can be checked."""
    kind, called = kind_of(cls)
    return [Found(name, kind, cls, getattr(cls, called), (name,))] if kind else []


def kind_of(cls: type) -> tuple[str, str]:
    """Of what kind a class is, and the name of the method that is given the inputs; "" for none."""
    methods = [inspect.getattr_static(cls, key, None) for key in METHODS[0]]
    if any(base.__name__ == "Function" and "torch" in base.__module__ for base in cls.__mro__):
        return "Function", "forward"
    if all(isinstance(one, (staticmethod, classmethod)) for one in methods):
        return "static class", "forward"
    for forward, backward in METHODS:
        if has(cls, forward) and has(cls, backward):
            return "class", forward
    taken = required(cls.update) if has(cls, "update") else []  # type: ignore[attr-defined]
    if len(taken) == 3 and DW.fullmatch(taken[2]):  # self, params, grads
        return "update rule", "update"
    if (value := value_of(cls)) is not None:
        return "class", value
    if has(cls, "loss") and returns_gradient(cls.loss, or_calls=True):  # type: ignore[attr-defined]
        return "model", "loss"
    return "", ""


def value_of(cls: type) -> str | None:
    """The method beside whose derivative a class has another, if that one does not call it."""
    derivatives = [one for one in DERIVATIVES if has(cls, one)]
    value = next((one for one in VALUES if has(cls, one)), None)
    if not derivatives or value is None:
        return None
    source = source_of(getattr(cls, value))
    return None if source and f"self.{derivatives[0]}(" in ast.unparse(source.tree) else value


def has(cls: type, name: str) -> bool:
    """Whether an object of this class has this method; every class itself has a __call__."""
    return any(name in vars(base) for base in cls.__mro__)
