"""The checker against the mistakes: it finds them, names them, and leaves correct layers alone."""

import copy
import functools
import warnings

import numpy as np
import pytest

from benchmarks.mistakes import (
    MISTAKES,
    UNSEEN,
    example,
    hard_twins,
    instances,
    twins,
    unseen_twins,
)
from chainrule.gradcheck import check, check_update
from chainrule.gradcheck.report import KINDS


def each(mistakes):
    return pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.id)


@functools.cache  # each is looked at by several tests
def verdict(mistake, seed=0):
    layer, inputs = instances(mistake, seed)
    if mistake.shows == "five updates":
        return check_update(layer)
    if mistake.shows == "forward":  # wrong and consistent: only a reference tells
        return check(layer, *inputs, reference=example(mistake.layer, mistake.case, seed)[0])
    with warnings.catch_warnings(action="ignore"):
        return check(layer, *inputs)


@each(MISTAKES)
def test_a_mistake_is_found_and_told_shortly_with_one_concrete_entry_for_a_wrong_value(mistake):
    report = verdict(mistake)
    assert not report
    assert len(str(report).splitlines()) <= 12
    finding = report.findings[0]
    if mistake.shows == "gradient" and finding.kind not in ("forward-bug", "shape", "axis"):
        assert not finding.example or "should be" in finding.example


@each(MISTAKES + UNSEEN)
def test_every_finding_is_of_a_known_kind(mistake):
    assert {finding.kind for finding in verdict(mistake).findings} <= set(KINDS)


def test_at_least_95_percent_are_called_by_their_right_kind_in_the_right_tensor():
    def share_of(holds):
        found = [(mistake, verdict(mistake)) for mistake in MISTAKES]
        return sum(holds(m, report.findings[0]) for m, report in found if not report) / len(found)

    assert share_of(lambda m, f: f.kind in (m.kind, *m.also)) >= 0.95
    assert share_of(lambda m, f: f.tensor in m.tensors) >= 0.95


def test_at_least_97_percent_of_mistakes_it_was_not_written_for_are_found():
    assert sum(not verdict(mistake) for mistake in UNSEEN) / len(UNSEEN) >= 0.97


POINTS = {
    "as they are": lambda x: x,
    "rounded": np.round,
    "ReLU-ed": lambda x: np.maximum(x, 0),
    "near kinks": lambda x: 1e-6 * x,
    "large": lambda x: 1000 * x,
    "tiny": lambda x: 1e-3 * x,
    "float32": lambda x: x.astype(np.float32).astype(np.float64),
}


OTHER_POINTS = [pytest.param(point, marks=pytest.mark.slow) for point in [*POINTS][1:]]
CORRECT = [*twins(seed=1), *hard_twins(seed=1)]
UNSEEN_CORRECT = [
    (f"{name}, {seed}", *made) for seed in range(3) for name, *made in unseen_twins(seed)
]


@pytest.mark.no_cover  # slow enough as it is
@pytest.mark.parametrize("point", ["as they are", *OTHER_POINTS])
@pytest.mark.parametrize("twin", CORRECT, ids=lambda twin: twin[0])
def test_no_alarm_on_correct_layers_easy_and_hard(twin, point):
    _, layer, first, *rest = copy.deepcopy(twin)
    if first.dtype.kind == "f":
        first = POINTS[point](first)
    with warnings.catch_warnings(action="ignore"):
        report = check(layer, first, *rest)
    assert report, report


@pytest.mark.slow
@pytest.mark.parametrize("twin", UNSEEN_CORRECT, ids=lambda twin: twin[0])
def test_no_alarm_on_correct_layers_it_was_not_written_for(twin):
    _, layer, *inputs = copy.deepcopy(twin)
    with warnings.catch_warnings(action="ignore"):
        report = check(layer, *inputs)
    assert report, report
