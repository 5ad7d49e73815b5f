"""The cases: each has a name of its own, and a function for each contender that is always there."""

import json

import pytest

from benchmarks import cases
from benchmarks.contenders import floor, ours, textbook

CASES = [case for kind in cases.KINDS.values() for case in kind()]


def test_a_name_is_that_of_one_case():
    assert len({cases.name_of(case) for case in CASES}) == len(CASES)


def test_json_keeps_the_name():
    for case in CASES:
        assert cases.name_of(json.loads(json.dumps(case))) == cases.name_of(case)


def test_the_quick_choice_has_every_kind_and_is_short():
    chosen = cases.quick(CASES)
    assert {case["kind"] for case in chosen} == {case["kind"] for case in CASES}
    assert len(chosen) < len(CASES) / 6


@pytest.mark.parametrize("contender", [ours, textbook, floor], ids=lambda c: c.__name__)
def test_small_ones_run(contender):
    seen = set()
    for case in CASES:
        kind = case["kind"], case.get("layer"), case.get("net"), case.get("rule")
        small = max(case.get("shape") or case["sizes"]) < 1000
        if len(case.get("shape", ())) == 4:
            case = {**case, "shape": (2, *case["shape"][1:])}
        if small and kind not in seen:
            seen.add(kind)
            run = contender.make(case)
            assert run is None or isinstance(run(), dict)
    assert len(seen) > 20
