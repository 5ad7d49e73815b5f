"""What config.json may say: each test alters one thing in that of a run, or of several."""

import copy
import json
import re

import pytest

from chainrule.__main__ import main
from chainrule.training.run.config import FORMAT, check_config, checksum

SMALL = ["train", "--dataset", "xor", "--hidden", "3", "--epochs", "1", "--no-report"]
LOST = object()  # an entry that is missing


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The config.json of a run."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main([*SMALL, "--run-dir", str(folder)]) == 0
    return json.loads((folder / "config.json").read_text())


def altered(whole, changes):
    """A copy with these values, by their path ("data.mean"), and with the right checksum."""
    config = copy.deepcopy(whole)
    for path, value in changes.items():
        *above, last = path.split(".")
        inner = config
        for name in above:
            inner = inner[name]
        if value is LOST:
            del inner[last]
        else:
            inner[last] = value
    if isinstance(config, dict) and "checksum" in config:
        config["checksum"] = checksum(config)
    return config


def refused(config, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        check_config(config)


def test_what_was_written_is_in_order(whole):
    check_config(whole)
    check_config(altered(whole, {"checksum": LOST}))  # as earlier versions wrote it


@pytest.mark.parametrize("config", [None, [], "run", 3])
def test_it_is_names_and_values(config):
    refused(config, f"it is {config!r}, expected names and values")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": LOST}, "'format' is missing"),
        ({"format": True}, "format is True, expected a number"),
        ({"format": 0}, "format is 0, expected a number"),
        ({"created": LOST}, "'created' is missing"),
        ({"created": 3}, "created is 3, expected a text"),
        ({"versions": LOST}, "'versions' is missing"),
        ({"versions": []}, "versions are [], expected names and texts"),
        ({"versions": {"numpy": 2}}, "versions are {'numpy': 2}, expected names and texts"),
        ({"spare": 1}, "it holds 'spare', which is unknown"),
        ({"kind": "grid"}, "kind is 'grid', expected seeds or search"),
        ({"kind": "seeds"}, "it is of --seeds, which is missing in its options"),
        ({"options": None}, "options are None, expected names and values"),
        ({"data": None}, "data are None, expected names and values"),
    ],
)
def test_a_wrong_entry_is_named(changes, message, whole):
    refused(altered(whole, changes), message)


def test_a_checksum_of_something_else_is_refused(whole):
    refused(whole | {"created": "later"}, "its checksum is not that of its content")


def test_of_a_newer_format_nothing_is_asked_here(whole):
    check_config(whole | {"format": FORMAT + 1, "spare": 1})  # RunFolder.open says so


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("lr", LOST, "options: 'lr' is missing"),
        ("spare", 1, "options: 'spare' is unknown"),
        ("epochs", None, "options: epochs is missing, expected a value"),
        ("no_report", 1, "options: no_report is 1, expected true or false"),
        ("norm", "other", "options: norm is 'other', expected one of none, batchnorm, layernorm"),
        ("norm", None, "options: norm is missing, expected a value"),
        ("dataset", 3, "options: dataset is 3, expected text"),
        ("dataset", ["xor"], "options: dataset is ['xor'], expected one text"),
        ("search", "lr=1..2", "options: search is 'lr=1..2', expected texts"),
        ("search", [], "options: search is [], expected text"),
        ("epochs", "3", "options: epochs is '3', expected numbers as --epochs takes them"),
        ("batch_size", True, "options: batch_size is True, expected numbers as --batch-size takes"),
        ("epochs", -1, "options: epochs is -1: expected a whole number, at least 1"),
        ("l2", 2**53 + 1, f"options: l2 is {2**53 + 1}: other numbers"),
        ("epochs", [3], "options: epochs is [3]: another number of them"),
        ("hidden", 3, "options: hidden is 3: another number of them"),
        ("hidden", [0], "options: hidden is [0]: expected a whole number, at least 1"),
        ("dropout", 1.5, "options: dropout is 1.5: expected a number from 0 to 1, got '1.5'"),
    ],
)
def test_an_option_is_what_the_command_line_could_have_given(name, value, message, whole):
    refused(altered(whole, {f"options.{name}": value}), message)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("mean", LOST, "data: 'mean' is missing"),
        ("name", 3, "data: name is 3, expected a text"),
        ("fingerprint", None, "data: fingerprint is None, expected a text"),
        ("examples", [1, 2], "data: examples are [1, 2], expected three numbers"),
        (
            "examples",
            [1, 2, -3],
            "data: examples is [1, 2, -3], expected whole numbers, at least 0",
        ),
        ("shape", [0], "data: shape is [0], expected whole numbers, at least 1"),
        ("shape", [2**40], f"data: shape is [{2**40}], expected whole numbers, at least 1"),
        ("shape", 2, "data: shape is 2, expected whole numbers, at least 1"),
        ("image_shape", [1.0], "data: image_shape is [1.0], expected whole numbers, at least 1"),
        ("classes", [], "data: classes are [], expected different names"),
        ("classes", ["a", "a"], "data: classes are ['a', 'a'], expected different names"),
        ("classes", [1, 2], "data: classes are [1, 2], expected texts"),
        ("features", "ab", "data: features are 'ab', expected texts"),
        ("features", ["a"], "data: features are 1 names, expected one a feature"),
        ("label", 3, "data: label and label_column are not a text and a whole number"),
        ("label_column", "3", "data: label and label_column are not a text and a whole number"),
        ("mean", "x", "data: mean is 'x', expected finite numbers, one or those of a row of the"),
        ("mean", [1, [2]], "data: mean is [1, [2]], expected finite numbers, one or those of a"),
        ("mean", [1, 2, 3], "data: mean is [1, 2, 3], expected finite numbers, one or those of"),
        ("mean", float("nan"), "data: mean is nan, expected finite numbers"),
        ("std", [1, -1], "data: std is [1, -1], expected finite numbers of at least 0, one or"),
    ],
)
def test_what_it_says_of_the_data_goes_together(name, value, message, whole):
    refused(altered(whole, {f"data.{name}": value}), message)
