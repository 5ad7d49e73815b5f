"""Finished course files: everything in them is found and called without a word from anybody."""

from pathlib import Path

import pytest

from chainrule.gradcheck.command import cases, targets

COURSE = Path(__file__).parents[1] / "course"
FOUND = {
    "layers": 12,
    "rnn_layers": 11,
    "transformer_layers": 10,
    "fast_layers": 5,
    "layer_utils": 5,
    "linear_classifier": 4,
    "optim": 6,
    "nndl_layers": 6,
    "nndl_conv_layers": 3,
    "michigan": 9,
    "textbook_layers": 8,
    "textbook_time_layers": 21,
    "scratch_layers": 27,
    "columns": 5,
}
UNKNOWN = {"Activation", "L_model"}  # want an object with a gradient, and a dict of all parameters


@pytest.mark.parametrize("name", FOUND)
def test_everything_is_found_and_called(name):
    found = targets.file_targets(str(COURSE / f"{name}.py"), (), 0)
    assert len(found) == FOUND[name]
    assert {one.name for one in found if not isinstance(one, cases.Case)} <= UNKNOWN
    assert all(one.note == "" for one in found if isinstance(one, cases.Case)) or name == (
        "scratch_layers"  # a softmax of a single column fails on rows
    )
