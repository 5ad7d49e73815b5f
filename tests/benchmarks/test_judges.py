"""Every checker lets right code pass, calls a wrong gradient wrong, and says which."""

import os
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest

from benchmarks.idioms import IDIOMS
from benchmarks.judges import CHECKERS, Verdict

BY_NAME = {idiom.name: idiom for idiom in IDIOMS}
RIGHT = ["gradients in a list", "h, c, cache", "a layer of layers", "sums over segments"]


@pytest.fixture(autouse=True)
def surroundings():
    """Some draw from np.random, or set variables when imported, which are put back."""
    state = np.random.get_state()  # noqa: NPY002
    with mock.patch.dict(os.environ):
        yield
    np.random.set_state(state)  # noqa: NPY002


def made(name):
    make, package = CHECKERS[name]
    pytest.importorskip(package)
    return make()


@pytest.mark.parametrize("name", [name for name in CHECKERS if name != "gradcheck.check"])
@pytest.mark.parametrize("idiom", RIGHT)
def test_right_code_passes(name, idiom):
    assert made(name).on_idiom(BY_NAME[idiom], np.random.default_rng(0)) == Verdict(False)


@pytest.mark.parametrize("name", CHECKERS)
def test_a_wrong_gradient_is_called_wrong(name):
    wrong = replace(
        BY_NAME["gradients in a list"],
        backward=lambda dout, cache: [dout * cache[1], -dout * cache[0]],
    )
    try:
        verdict = made(name).on_idiom(wrong, np.random.default_rng(0))
    except (AssertionError, ValueError):  # as JAX's and autograd's say it
        return
    assert verdict.alarm
    assert verdict.tensor == "b"
    assert verdict.says
