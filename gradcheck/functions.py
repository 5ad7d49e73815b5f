"""Checks of plain functions, as courses write them.

    check_functions(affine_forward, affine_backward, x, w, b)
    check_functions(softmax_loss, None, x, y)        # returns the loss and its gradient in one

They are dressed as a layer, judged as one, and told about in their own words: "db is too small".
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np

from chainrule.gradcheck.check import examine
from chainrule.gradcheck.checks.gradients import Effort, Judge
from chainrule.gradcheck.explain.scene import STRENGTHS, Scene
from chainrule.gradcheck.report import Probe, Report
from chainrule.gradcheck.subject.functions import Complaint, Pair, is_float, pair
from chainrule.gradcheck.subject.layer import input_names
from chainrule.gradcheck.subject.source import in_order, method
from chainrule.gradcheck.words import excuse_float32, say_again, words_of, words_on_penalty


def check_functions(
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    *inputs: Any,
    seed: int = 0,
    effort: Effort = "full",
    reference: Any = None,
    strict: bool = False,  # noqa: ARG001
) -> Report:
    """Check a pair of functions, `out, cache = forward(*inputs)` and `backward(dout, cache)`.

    backward   returns one gradient, or a tuple of them in the order of the inputs; None where
               `forward` is a loss that returns its gradient too: `loss, dx = softmax_loss(x, y)`
    inputs     what forward takes, in its order. Arrays of floats are differentiated, arrays of
               integers are labels. Of dicts, such as bn_param, every call gets a fresh copy;
               where one has a "mode", "train" and "test" are both looked at. Anything else is
               passed on as it is
    seed, effort   as for `check`
    reference  what forward should compute: a name such as "batchnorm", or a correct function;
               left out, found from the name of forward, if it is known

    A loss may return fewer gradients than it has arrays: those of its parameters (`w`), where
    there are as many, otherwise of the first. In mode "test" gradients are looked at where the
    function has no running statistics: with them, nobody asks for a backward pass there.
    """
    if not callable(forward) or not (backward is None or callable(backward)):
        raise TypeError("check_functions: forward and backward must be functions")
    with global_random_state():
        names = input_names(SimpleNamespace(forward=forward), len(inputs))
        layer = pair(forward, backward, names, inputs)
        if not any(is_float(x) for x in inputs):
            raise ValueError("check_functions: expected an array of floats among the inputs")
        if callable(reference) and not hasattr(reference, "forward"):
            reference = pair(reference, None, names, inputs, as_reference=True)
        arrays = tuple(x for n, x in zip(names, inputs, strict=True) if n in layer.names)
        judge = FunctionJudge(layer, arrays, None, None, reference, seed, effort)
        modes = ("train", "inference") if layer.has_mode else ("train",)
        report = examine(judge, modes, ("train",) if layer.state else modes)
    if backward is None:
        why = "gradient and loss come from one call"
        report.probes["linearity in dout"] = Probe("not applicable", why)
    excuse_float32(report)
    say_again(report, words_of(layer, forward, backward) + words_on_penalty(judge.no_half))
    return report


class FunctionJudge(Judge):
    """Judges what is dressed as a layer: not all inputs need have a gradient."""

    no_half = ""  # the factor of a penalty that is reg * ΣW² and not 0.5 * reg * ΣW²

    def owed(self, subject: Any, done: Any) -> list[str] | None:
        floats = [n for n, x in zip(subject.names, subject.inputs, strict=True) if is_float(x)]
        return floats[: len(done.dxs)]

    def failed(self, method: str, error: Exception) -> bool:
        if isinstance(error, Complaint):
            self.say(*error.args)
            return False
        return super().failed(method, error)

    def scene(self, *given: Any, **options: Any) -> Scene:
        scene = super().scene(*given, **options)
        scene.lines = gradient_lines(self.layer)
        return self.with_penalty(scene)

    def strength(self) -> tuple[str, float]:
        """The name and value of the factor of the penalty, ("", 0.0) where there is none."""
        for key in STRENGTHS:
            value = getattr(self.layer, key, None)
            if isinstance(value, (int, float, np.number)):
                return key, float(value)
        return "", 0.0

    def without(self, key: str) -> tuple[Any, Any]:
        """A forward pass with the factor of the penalty at 0."""
        layer = self.subject.layer
        layer.settings = {key: 0.0}
        try:
            return self.subject.forward()
        finally:
            layer.settings = {}

    def with_penalty(self, scene: Scene) -> Scene:
        """Tells the scene 2 * reg in place of reg where the loss has the penalty reg * ΣW², for
        hypotheses think of 0.5 * reg * ΣW²."""
        key, value = self.strength()
        weights = [W for W in self.subject.params.values() if W.ndim > 1]
        total = sum(float(np.square(W).sum()) for W in weights)
        if value and total and scene.out.ndim == 0:
            part = float(self.subject.forward()[0]) - float(self.without(key)[0])
            if abs(part / (value * total) - 1) < 1e-6:
                scene.settings[key] = 2 * value
                self.no_half = key
        return scene


def gradient_lines(layer: Pair) -> dict[str, str]:
    """For each array the line that last assigns its gradient: "line 12: dw = …"."""
    found = method(layer, "backward")
    if found is None:
        return {}
    function, lines, first = found
    assigned: dict[str, int] = {}
    returned: list[ast.expr] = []
    for node in in_order(function):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = list(node.targets)
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            targets = [node.target]
        elif isinstance(node, ast.Return) and node.value is not None:
            returned = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        for target in targets:
            for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                while isinstance(part, ast.Subscript):
                    part = part.value
                if isinstance(part, ast.Name):
                    assigned[part.id] = max(assigned.get(part.id, 0), part.lineno)
    returned = returned[layer.functions[1] is None :]
    told = {}
    for name, value in zip(layer.owed(len(returned)), returned, strict=False):
        number = assigned.get(value.id, 0) if isinstance(value, ast.Name) else value.lineno
        if 0 < number <= len(lines):
            told[name] = f"line {first + number - 1}: {lines[number - 1].strip()}"
    return told


@contextmanager
def global_random_state() -> Iterator[None]:
    """Put np.random back to where it was."""
    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)
