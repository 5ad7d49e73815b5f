"""The words of a report: one vocabulary per kind of subject makes the sentences of all causes.

A cause brings its sentence as a template (see `report.findings.Cause`), in which stand

    {d}                  the gradients it is about: "dx", "grads['W']", "dx and dw"
    {is} {has} {lacks}   verbs behind them, and so on for every verb in VERBS
    {d_other}            for a value d_other="W", the label of that tensor's gradient
    {forward} {backward} {inference} {param}   what the subject calls them
    {penalty} {decay}    the penalty in the loss, and its gradient
    {anything else}      a value of the cause

A subject that would not say it so has its own sentence under the key of the cause.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chainrule.gradcheck.report.findings import Cause, Finding

VERBS = {"is": "are", "has": "have", "does": "do", "matches": "match", "mixes": "mix"} | {
    f"{verb}s": verb
    for verb in (
        "lack", "hold", "equal", "grow", "depend", "take", "count", "sum", "react", "come", "use",
        "change", "reach", "add", "start", "agree", "move", "ignore", "repeat",
    )
}  # fmt: skip
VERBATIM = ("said", "text", "error", "place")  # values that are somebody else's words


@dataclass(frozen=True)
class Vocabulary:
    """What a subject calls its parts."""

    forward: str = "forward"
    backward: str = "backward"
    upstream: str = "dout"  # what backward calls the upstream gradient
    param: str = "params['{name}']"
    gradient: str = "d{name}"  # of an input …
    param_gradient: str = "grads['{name}']"  # … and of a parameter
    inference: str = "with train=False"  # how a pass without training is asked for
    strength: str = "l2"  # the factor of the penalty …
    half: bool = True  # … and whether the penalty has the factor 0.5, too
    params: frozenset[str] = frozenset()  # the parameters, whose gradients stand in grads
    labels: Mapping[str, str] = field(default_factory=dict)  # where other gradients stand
    # By the key of a cause another message and hint; None leaves one as it is.
    phrases: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    # Other words for those of the sentences: {"dout": "grad_output"}.
    words: Mapping[str, str] = field(default_factory=dict)

    def label(self, name: str) -> str:
        """The gradient of the tensor `name`: "dx", or "grads['W']" for a parameter."""
        form = self.param_gradient if name in self.params else self.gradient
        return self.labels.get(name, form.format(name=name))

    def said(self, text: str) -> str:
        """A sentence, without what is filled into it, in the words of the subject."""
        for word, own in self.words.items():
            text = re.sub(rf"\b{word}\b", own, text)
        return text

    def finding(self, cause: Cause) -> Finding:
        """The cause in words."""
        name = cause.tensors[0] if cause.tensors else "out"
        labels = [self.label(one) for one in cause.tensors]
        half, twice = ("0.5 * ", "") if self.half else ("", "2 * ")
        fill = {verb: plural if len(labels) > 1 else verb for verb, plural in VERBS.items()}
        fill |= {key: str(value) for key, value in vars(self).items()} | {
            "d": listed(labels),
            "name": name,
            "param": self.param.format(name=name),
            "penalty": f"{half}{self.strength} * ΣW²",
            "decay": f"{twice}{self.strength} * {name}",
        }
        for key, value in cause.values.items():
            fill[key] = self.label(value) if key.startswith("d_") else value
            if isinstance(value, str) and key not in VERBATIM:
                fill[key] = self.said(fill[key])
        message, hint = self.phrases.get(cause.key, (None, None))
        message = cause.prefix + (message or self.said(cause.message))
        return Finding(
            cause.kind,
            name,
            message.format_map(fill),
            (hint or self.said(cause.hint)).format_map(fill),
            cause.example.format_map({**fill, "d": self.label(name)}),
            cause.evidence,
            cause.where,
            cause.line,
            cause.key,
            cause.level,
            dict(cause.values),
        )


def listed(words: Sequence[str]) -> str:
    """ "dx", "dx and dw", "dx, dw and db"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def alike(causes: Sequence[Cause]) -> list[Cause]:
    """The causes, with those that are the same for several tensors made one."""
    groups: dict[tuple[Any, ...], list[Cause]] = {}
    for cause in causes:
        told = tuple(sorted((key, str(value)) for key, value in cause.values.items()))
        groups.setdefault((cause.key, cause.kind, told), []).append(cause)
    return [
        replace(group[0], tensors=tuple(dict.fromkeys(t for one in group for t in one.tensors)))
        for group in groups.values()
    ]
