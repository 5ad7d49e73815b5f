"""The checker against the mistakes: it finds them, names them, and leaves correct layers alone."""

import warnings

import numpy as np
import pytest
from catalogue import MISTAKES, UNSEEN, example, hard_twins, instances, twins, unseen_twins

from chainrule.gradcheck import check, check_update
from chainrule.gradcheck.report import KINDS


def verdict(mistake, seed=0):
    layer, inputs = instances(mistake, seed)
    if mistake.shows == "five updates":
        return check_update(layer)
    if mistake.shows == "forward":  # wrong and consistent: only a reference tells
        return check(layer, *inputs, reference=example(mistake.layer, mistake.case, seed)[0])
    with warnings.catch_warnings(action="ignore"):
        return check(layer, *inputs)


@pytest.fixture(scope="module")
def verdicts():
    return [(mistake, verdict(mistake)) for mistake in MISTAKES]


@pytest.fixture(scope="module")
def unseen_verdicts():
    return [(mistake, verdict(mistake)) for mistake in UNSEEN]


def share_of(verdicts, holds):
    right = [holds(mistake, report.findings[0]) for mistake, report in verdicts if not report]
    return sum(right) / len(verdicts)


def test_every_mistake_is_found(verdicts):
    assert [mistake.id for mistake, report in verdicts if report] == []


def test_at_least_95_percent_are_called_by_their_right_kind_in_the_right_tensor(verdicts):
    kinds = share_of(verdicts, lambda m, f: f.kind in (m.kind, *m.also))
    tensors = share_of(verdicts, lambda m, f: f.tensor in m.tensors)
    assert kinds >= 0.95
    assert tensors >= 0.95


def test_at_least_97_percent_of_mistakes_it_was_not_written_for_are_found(unseen_verdicts):
    assert sum(not report for _, report in unseen_verdicts) / len(unseen_verdicts) >= 0.97


def test_every_finding_is_of_a_known_kind(verdicts, unseen_verdicts):
    found = [f for _, report in (*verdicts, *unseen_verdicts) for f in report.findings]
    assert {f.kind for f in found} <= set(KINDS)


def test_every_report_is_short_and_gives_one_concrete_entry_for_a_wrong_value(verdicts):
    for mistake, report in verdicts:
        assert len(str(report).splitlines()) <= 12, mistake.id
        finding = report.findings[0]
        if mistake.shows == "gradient" and finding.kind not in ("forward-bug", "shape", "axis"):
            assert not finding.example or "should be" in finding.example, mistake.id


POINTS = {
    "as they are": lambda x: x,
    "rounded": np.round,
    "ReLU-ed": lambda x: np.maximum(x, 0),
    "near kinks": lambda x: 1e-6 * x,
    "large": lambda x: 1000 * x,
    "tiny": lambda x: 1e-3 * x,
    "float32": lambda x: x.astype(np.float32).astype(np.float64),
}


def correct_layers(seed):
    yield from ((name, layer, inputs) for name, layer, *inputs in twins(seed))
    yield from ((name, layer, inputs) for name, layer, *inputs in hard_twins(seed))


@pytest.mark.no_cover  # slow enough as it is
@pytest.mark.parametrize("point", POINTS)
def test_no_alarm_on_correct_layers_easy_and_hard(point):
    for name, layer, inputs in correct_layers(seed=1):
        first, *rest = inputs
        if first.dtype.kind == "f":
            first = POINTS[point](first)
        with warnings.catch_warnings(action="ignore"):
            report = check(layer, first, *rest)
        assert report, f"{name}\n{report}"


def test_no_alarm_on_correct_layers_it_was_not_written_for():
    for seed in range(3):
        for name, layer, *inputs in unseen_twins(seed):
            with warnings.catch_warnings(action="ignore"):
                report = check(layer, *inputs)
            assert report, f"{name}\n{report}"
