"""The arithmetic of the reports."""

import numpy as np
import pytest

from benchmarks import report


def record(kind="layer", name="relu", threads=1, **medians):
    times = {who: {"median": t, "low": t, "high": t} for who, t in medians.items()}
    return {"name": name, "threads": threads, "case": {"kind": kind}, "times": times}


RECORDS = [
    record(name="a", ours=2e-6, floor=1e-6, pytorch=1e-6),
    record(name="b", ours=1e-6, floor=1e-6, pytorch=8e-6),
    record(name="c", ours=3e-6, floor=1e-6),
    record(kind="step", name="d", threads=2, ours=3e-3, pytorch=2e-3),
]


def test_the_geometric_mean_of_a_half_and_two_is_one():
    assert report.geometric_mean([0.5, 2]) == pytest.approx(1)
    assert report.geometric_mean([1, 10, 100]) == pytest.approx(10)


def test_means_are_taken_by_kind_threads_and_contender_over_the_cases_it_is_in():
    means = report.geometric_means(RECORDS)
    assert means.keys() == {("layer", 1), ("step", 2)}
    assert means["layer", 1]["pytorch"] == (pytest.approx(0.5), 2)
    assert means["layer", 1]["floor"] == (pytest.approx(6 ** (1 / 3)), 3)
    assert means["step", 2] == {"pytorch": (pytest.approx(1.5), 1)}


def test_cases_above_one_are_named_the_worst_first_and_the_floor_is_no_rival():
    found = [(name, who, ratio) for ratio, name, _, who in report.slower(RECORDS)]
    assert found == [("a", "pytorch", 2), ("d", "pytorch", pytest.approx(1.5))]


def test_ratios_of_times_that_vary_are_marked():
    steady = record(ours=3e-6, floor=1e-6, pytorch=2e-6)
    steady["times"]["pytorch"]["high"] = 4e-6
    assert report.unsteady(steady) == {"pytorch"}
    assert report.row(steady, ["floor", "pytorch"])[3:] == ["3.00", "1.50~"]
    steady["times"]["ours"]["low"] = 1e-6
    assert report.unsteady(steady) == {"floor", "pytorch"}


def test_the_exponent_of_a_power_is_found_exactly():
    sizes = np.array([2, 4, 8, 32])
    assert report.exponent(sizes, 3e-6 * sizes**1.5) == pytest.approx((1.5, 0), abs=1e-7)


def test_the_error_of_an_exponent_covers_its_noise():
    sizes, rng = 2.0 ** np.arange(40), np.random.default_rng(0)
    off = []
    for _ in range(200):
        slope, error = report.exponent(sizes, sizes**0.7 * np.exp(rng.normal(0, 0.3, 40)))
        off.append(abs(slope - 0.7) / error)
    assert 0.55 < np.mean(np.array(off) < 1) < 0.8  # 68 % of a normal distribution


def test_tables_are_markdown_with_a_cell_for_every_column():
    lines = report.markdown(RECORDS, "a machine").splitlines()
    tables = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in tables if "quartiles" in line} == {6, 5}
    assert "a machine" in lines
    assert any(line.startswith("| a ") and "2.00" in line for line in tables)
    assert any(line.startswith("| c ") and "–" in line for line in tables)


def test_short_times_have_three_digits_and_long_ones_whole_microseconds():
    assert [report.micro(t) for t in (1.2345e-6, 123.4e-6, 0.0123456)] == ["1.23", "123", "12346"]
