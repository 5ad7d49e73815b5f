"""Errors of float32 in sums are counted as they should be."""

import json

import numpy as np
import pytest

from benchmarks import cases, rounding


def test_one_number_off_by_the_size_of_all_times_eps_is_one():
    exact = np.array([1.0, -1, 1, -1]) * 3
    found = exact.astype(np.float32)
    assert rounding.error(found, exact) == 0
    assert rounding.error(exact + 3 * 2.0**-23 * np.array([0, 0, 1, -0.5]), exact) == pytest.approx(
        1
    )


def test_the_command_prints_a_row_for_each_case(tmp_path, monkeypatch, capsys):
    some = [
        {**case, "shape": (2, *case["shape"][1:])}
        for case in rounding.chosen()
        if case["shape"][1:] in ((3, 32, 32), (64, 8, 8)) or case.get("groups") == 4
    ]
    monkeypatch.setattr(rounding, "chosen", lambda: some)
    rounding.main(["--json", str(tmp_path / "found.json")])
    records = json.loads((tmp_path / "found.json").read_text())["records"]
    out = capsys.readouterr().out
    for case, record in zip(some, records, strict=True):
        assert f"| {cases.name_of(case)} " in out
        assert 0 < max(record["errors"]["out"].values()) < 200
    assert (
        "dW" not in records[[case.get("layer") for case in some].index("global average")]["errors"]
    )
