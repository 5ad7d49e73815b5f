"""What config.json must hold: the schema by which `RunFolder.open` judges it, and its checksums."""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.data.encoding import Encoding
from chainrule.nets.files import brief
from chainrule.training.options import CLASS_LOSSES, TARGET_LOSSES, parser

FORMAT = 1
REQUIRED = ("format", "created", "options", "versions", "data")
KINDS = ("seeds", "search")  # of several runs
#: Options that `fill_in` sets, which the config.json of one run holds, that of several need not.
FILLED = ("hidden", "activation", "epochs", "batch_size", "l2", "norm", "loss")
#: Options that every run has been begun with; those that later versions have added may be missing.
ALWAYS = (
    *("dataset", "data_dir", "hidden", "activation", "norm", "dropout", "loss", "rule", "lr"),
    *("schedule", "warmup", "epochs", "batch_size", "l2", "clip_norm", "patience", "seed"),
    *("dtype", "gradcheck", "no_report"),
)
#: What does not decide the results that are there, or is changed by `resume --epochs N`.
ASIDE = {
    *("epochs", "no_report", "pictures", "gradcheck", "sanity", "resume", "jobs", "run_dir"),
    *("log", "tensorboard", "live", "scheduler"),
}


def checksum(config: Mapping[str, Any]) -> str:
    """A fingerprint of all that a config.json says, in whatever order."""
    said = {name: value for name, value in config.items() if name != "checksum"}
    return hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()


def fingerprint_of(config: Mapping[str, Any]) -> str:
    """A fingerprint of what decides the results of a run, to be kept in its other files."""
    options = {name: value for name, value in config["options"].items() if name not in ASIDE}
    return checksum({"options": options, "data": config["data"]})


def check_config(config: Any) -> None:
    """Raises ValueError, which says what is wrong, unless `config`, out of a config.json, is that
    of a run, or of several."""
    if not isinstance(config, dict):
        raise ValueError(f"it is {said(config)}, expected names and values")
    if "format" not in config:
        raise ValueError("'format' is missing")
    if type(config["format"]) is not int or config["format"] < 1:
        raise ValueError(f"format is {said(config['format'])}, expected a number")
    if config["format"] > FORMAT:
        return  # whoever opens it says so
    if "checksum" in config and config["checksum"] != checksum(config):
        raise ValueError("its checksum is not that of its content: it is not as Chainrule wrote it")
    if missing := [name for name in REQUIRED if name not in config]:
        raise ValueError(f"{missing[0]!r} is missing")
    if unknown := sorted(config.keys() - {*REQUIRED, "kind", "checksum"}):
        raise ValueError(f"it holds {said(unknown[0])}, which is unknown")
    several = "kind" in config
    if several and config["kind"] not in KINDS:
        raise ValueError(f"kind is {said(config['kind'])}, expected {' or '.join(KINDS)}")
    texts = config["versions"]
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise ValueError(f"versions are {said(texts)}, expected names and texts")
    if not isinstance(config["created"], str):
        raise ValueError(f"created is {said(config['created'])}, expected a text")
    check_options(config["options"], several)
    check_data(config["data"])
    loss = config["options"]["loss"]
    losses = TARGET_LOSSES if config["data"].get("targets") else CLASS_LOSSES
    if loss not in losses and not (several and loss is None):
        raise ValueError(f"options: loss is {said(loss)}, expected one of {', '.join(losses)}")
    if several and config["options"].get(config["kind"]) is None:
        raise ValueError(f"it is of --{config['kind']}, which is missing in its options")


def said(value: Any) -> str:
    return brief(repr(value)[:1000], 60)


@functools.cache
def known() -> dict[str, argparse.Action]:
    """The options of the command line, by name."""
    return {one.dest: one for one in parser()._actions if one.dest != "help"}


def options_of(config: Mapping[str, Any]) -> argparse.Namespace:
    """The options that a config.json tells of; those that its version did not know are as where
    they are left out."""
    left_out = {name: action.default for name, action in known().items()}
    return argparse.Namespace(**left_out | config["options"])


def check_options(options: Any, several: bool) -> None:
    """Options are what the command line makes of words, or takes where there are none."""
    if not isinstance(options, dict):
        raise ValueError(f"options are {said(options)}, expected names and values")
    actions = known()
    for name, action in actions.items():
        if name in options:
            check_option(name, action, options[name])
        elif name in ALWAYS:
            raise ValueError(f"options: {name!r} is missing")
    if unknown := sorted(options.keys() - actions.keys()):
        raise ValueError(f"options: {said(unknown[0])} is unknown")
    for name in () if several else FILLED:
        if options[name] is None:
            raise ValueError(f"options: {name} is missing, expected a value")


def check_option(name: str, action: argparse.Action, value: Any) -> None:
    """Raises ValueError unless the command line could have given the option this value."""
    complaint = f"options: {name} is {said(value)}, expected "
    if value is None and action.default is None:
        return
    if action.nargs == 0:
        if type(value) is not bool:
            raise ValueError(f"{complaint}true or false")
        return
    if action.choices is not None:
        if not isinstance(value, str) or value not in action.choices:
            raise ValueError(f"{complaint}one of {', '.join(map(str, action.choices))}")
        return
    words = value if isinstance(value, (list, tuple)) else [value]
    if action.type is None:
        if not words or not all(isinstance(word, str) for word in words):
            raise ValueError(f"{complaint}text")
        if isinstance(value, (list, tuple)) != (action.nargs == "+"):
            raise ValueError(f"{complaint}{'texts' if action.nargs == '+' else 'one text'}")
        return
    if not all(type(word) in (int, float) for word in words):
        raise ValueError(f"{complaint}numbers as --{name.replace('_', '-')} takes them")
    try:
        read: Any = action.type
        found = read(",".join(map(repr, words)))
        if isinstance(found, tuple) != isinstance(value, (list, tuple)):
            raise ValueError("another number of them")
        if [*found] != [*words] if isinstance(found, tuple) else found != value:
            raise ValueError("other numbers")
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise ValueError(f"options: {name} is {said(value)}: {brief(error, 120)}") from None


def check_data(data: Any) -> None:
    """The data: what they are called, their sizes, and how their inputs are standardised."""
    if not isinstance(data, dict):
        raise ValueError(f"data are {said(data)}, expected names and values")
    for name in ("name", "fingerprint", "examples", "shape", "classes", "mean", "std"):
        if name not in data:
            raise ValueError(f"data: {name!r} is missing")
    for name in ("name", "fingerprint"):
        if not isinstance(data[name], str):
            raise ValueError(f"data: {name} is {said(data[name])}, expected a text")
    for name, least in (("examples", 0), ("shape", 1), ("image_shape", 1)):
        value = data.get(name)
        if name == "image_shape" and value is None:
            continue
        if not is_list_of(value, int) or not all(least <= n < 2**40 for n in value or ()):
            raise ValueError(
                f"data: {name} is {said(value)}, expected whole numbers, at least {least}"
            )
    if len(data["examples"]) != 3:
        raise ValueError(f"data: examples are {said(data['examples'])}, expected three numbers")
    for name in ("classes", "features"):
        if not is_list_of(data.get(name, []), str):
            raise ValueError(f"data: {name} are {said(data[name])}, expected texts")
    targets = check_targets(data)
    if len({*data["classes"]}) < len(data["classes"]) or bool(data["classes"]) == bool(targets):
        raise ValueError(f"data: classes are {said(data['classes'])}, expected different names")
    if data.get("features") and len(data["features"]) != math.prod(data["shape"]):
        raise ValueError(
            f"data: features are {len(data['features'])} names, expected one a feature"
        )
    if not isinstance(data.get("label", ""), str) or type(data.get("label_column", -1)) is not int:
        raise ValueError("data: label and label_column are not a text and a whole number")
    if data.get("encoding") is not None:
        encoding = Encoding.from_words(data["encoding"])
        if [encoding.width + len(encoding.marked)] != [*data["shape"]]:
            raise ValueError("data: encoding is not one that makes rows of the shape")
    for name in ("mean", "std"):
        check_scale(name, data[name], tuple(data["shape"]))


def check_targets(data: dict[str, Any]) -> list[str]:
    """The names of the numbers to predict, if there are any. Raises ValueError where they are none,
    or their mean and deviation do not go with them."""
    targets: list[str] = data.get("targets", [])
    if not is_list_of(targets, str):
        raise ValueError(f"data: targets are {said(targets)}, expected texts")
    for name in ("target_mean", "target_std") if targets else ():
        values: Any = data.get(name)
        right = is_list_of(values, float) and len(values) == len(targets)
        right = right and bool(np.isfinite(values).all())
        if not right or (name == "target_std" and min(values) <= 0):
            raise ValueError(
                f"data: {name} is {said(values)}, expected {len(targets)} finite numbers"
                f"{' above 0' if name == 'target_std' else ''}"
            )
    return targets


def is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, (list, tuple)) and all(type(one) is kind for one in value)


def check_scale(name: str, value: Any, shape: tuple[int, ...]) -> None:
    """Raises ValueError unless `value` is a number or nested lists of them in the shape of a row,
    finite, and no negative deviation."""
    try:
        array = np.asarray(value)
        right = array.dtype.kind in "fiu" and array.shape in ((), shape)
        right = right and bool(np.isfinite(array).all())
        right = right and (name == "mean" or bool((array >= 0).all()))
    except (ValueError, TypeError, OverflowError):
        right = False
    if not right:
        above = "" if name == "mean" else " of at least 0"
        raise ValueError(
            f"data: {name} is {said(value)}, expected finite numbers{above}, one or those of a row "
            f"of the shape {said(shape)}"
        )
