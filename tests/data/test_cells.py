"""One rule says what a number, a missing value and a label is."""

import math

import pytest

from chainrule.data.cells import (
    alike,
    is_missing,
    is_number,
    is_rounded,
    is_whole,
    number,
    numbered,
    plain,
)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("12", 12), (" -0.5 ", -0.5), ("+.5", 0.5), ("5.", 5), ("1e-3", 0.001), ("007", 7)],
)
def test_numbers_are_written_with_the_digits_0_to_9(cell, value):
    assert number(cell) == value
    assert is_number(cell)


@pytest.mark.parametrize(
    "cell", ["1_000", "٣", "３", "1,5", "0x1f", "inf", "-Infinity", "nan", "", "1 2", "1e999", "²"]
)
def test_all_else_is_no_number(cell):
    assert not is_number(cell)
    assert not math.isfinite(number(cell))


@pytest.mark.parametrize(
    "cell",
    ["", " ", "NA", "na", "n/a", "NaN", "nan", "NULL", "None", "nil", "?", ".", "<NA>", "NaT"],
)
def test_missing_values_are_those_that_programs_write(cell):
    assert is_missing(cell)


@pytest.mark.parametrize("cell", ["Na", "no", "0", "-", "none at all", "-999", "N"])
def test_all_else_is_not_missing(cell):
    assert not is_missing(cell)


def test_whole_numbers_are_in_their_usual_spelling():
    assert all(map(is_whole, ["0", "7", "-12", " 3 "]))
    assert not any(map(is_whole, ["007", "+7", "-0", "7.0", "1_1", "٣", ""]))


def test_integers_that_a_float_cannot_hold_are_known():
    assert is_rounded("9007199254740993")  # 2**53 + 1
    assert is_rounded("-4611686018427387905")
    assert not is_rounded("9007199254740992")
    assert not is_rounded("4611686018427387904")  # 2**62
    assert not is_rounded("0.1")
    assert not is_rounded("1" + "0" * 20)  # 5**20 < 2**53


def test_labels_in_several_spellings_are_found():
    labels = [
        "1",
        "1.0",
        "01",
        "ja",
        "Ja",
        "no",
        "٣",
        "3",
        "1_1",
        "11",
        "a  b",
        "a b",
        "é",
        "e\u0301",
    ]
    assert alike(labels) == [
        ("1", "1.0", "01"),
        ("ja", "Ja"),
        ("٣", "3"),
        ("a  b", "a b"),
        ("é", "e\u0301"),
    ]


def test_a_number_stands_for_the_one_class_that_is_the_same_number():
    assert plain("01") == plain("1.0") == "1"
    assert plain("1_1") == "1_1"
    assert numbered(["1", "2"])[plain("02.0")] == 1
    found = numbered(["7", "007", "8"])
    assert (found["7"], found["007"], found["8"]) == (0, 1, 2)
    assert "7.0" not in found
