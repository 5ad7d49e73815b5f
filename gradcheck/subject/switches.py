"""The switches by which people tell a layer whether it trains."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import Parameter
from typing import Any

from chainrule.gradcheck.subject.layer import parameters_of

# By their names the values for training and for inference; of a word it is seen which one it has.
NAMES: dict[str, tuple[Any, Any]] = {
    **dict.fromkeys(
        ("train", "training", "is_training", "train_flg", "is_train", "train_mode", "train_flag"),
        (True, False),
    ),
    **dict.fromkeys(
        ("test", "testing", "is_test", "is_testing", "test_mode", "inference"), (False, True)
    ),
    "save_cache": (True, False),  # a forward pass of training keeps what backward needs
    "mode": ("train", "test"),
    "phase": ("train", "test"),
}
WORDS = ("train", "training", "test", "testing", "eval", "valid", "inference", "predict")


@dataclass(frozen=True)
class Switch:
    """A switch that is an argument of forward, an attribute, or a pair of methods train() and
    eval(), with its values for training and for inference."""

    name: str
    values: tuple[Any, Any]
    how: str

    @property
    def said(self) -> str:
        """How a pass without training is asked for: "with train_flg=False"."""
        if self.how == "methods":
            return "after eval()"
        return f"with {self.name}={self.values[1]!r}"

    def turn(self, thing: Any, train: bool) -> dict[str, Any]:
        """Turn it on an object, or tell the argument that turns it."""
        value = self.values[0 if train else 1]
        if self.how == "argument":
            return {self.name: value}
        if self.how == "attribute":
            setattr(thing, self.name, value)
        else:
            getattr(thing, value)()
        return {}


def switch_of(thing: Any, forward: str) -> Switch | None:
    """The switch of an object, None where it has none that is known."""
    for one in parameters_of(getattr(thing, forward)):
        if one.name in NAMES and is_of_kind(one.name, one.default):
            return Switch(one.name, NAMES[one.name], "argument")
    methods = [getattr(thing, word, None) for word in ("train", "eval")]
    if all(
        callable(m) and not any(p.default is p.empty for p in parameters_of(m)) for m in methods
    ):
        return Switch("eval", ("train", "eval"), "methods")
    for name, value in getattr(thing, "__dict__", {}).items():
        word = name.strip("_")
        if word in NAMES and value is not None and is_of_kind(word, value):
            return Switch(name, NAMES[word], "attribute")
    return None


def is_of_kind(name: str, value: Any) -> bool:
    """Whether a switch of that name may have a value: a word for a word, no "max" for a mode."""
    if isinstance(NAMES[name][0], bool):
        return isinstance(value, (bool, int, type(None))) or value is Parameter.empty
    return value in (*WORDS, None, Parameter.empty)
