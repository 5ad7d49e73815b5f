"""Every checker lets right code pass, calls a wrong gradient wrong, and says which."""

import json
import os
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest

from benchmarks import checkers
from benchmarks.idioms import IDIOMS
from benchmarks.judges import CHECKERS, Verdict
from benchmarks.mistakes import REAL, STUDENTS

BY_NAME = {idiom.name: idiom for idiom in IDIOMS}
BY_ID = {mistake.id: mistake for mistake in [*REAL, *STUDENTS]}
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


@pytest.mark.parametrize("name", CHECKERS)
@pytest.mark.parametrize("mistake", ["gather-repeated-ids", "rms-sign", "silu-second-term-missing"])
def test_a_wrong_pair_of_functions_is_called_wrong_and_the_right_one_is_not(name, mistake):
    checker, mistake = made(name), BY_ID[mistake]
    assert not checker.on_idiom(mistake.right, np.random.default_rng(0)).alarm
    try:
        verdict = checker.on_pair(mistake, np.random.default_rng(0))
    except (AssertionError, ValueError):
        return
    assert verdict.alarm
    assert verdict.says


def test_a_wrong_forward_pass_is_found_beside_the_right_one():
    mistake = BY_ID["sinusoid-forward-frequencies"]
    assert made("gradcheck.check").on_pair(mistake, np.random.default_rng(0)).alarm
    assert not made("CS231n recipe, 1e-6").on_pair(mistake, np.random.default_rng(0)).alarm


def test_verdicts_are_about_mistakes_that_are_there():
    verdicts = json.loads(checkers.VERDICTS.read_text())
    assert verdicts.keys() <= BY_ID.keys()
    words = {word for sentences in verdicts.values() for word in sentences.values()}
    assert words <= {"yes", "half", "no", "misleading"}
