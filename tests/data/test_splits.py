"""Stratified splits are partitions, proportional, and a function of the seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import stratified_split


@st.composite
def labels_and_counts(draw, max_parts=4):
    """Labels in random order and sizes of parts that cover them."""
    number = draw(st.integers(1, max_parts))
    classes = draw(st.lists(st.integers(number, 40), min_size=1, max_size=6))
    y = np.repeat(np.arange(len(classes)), classes)
    cuts = draw(
        st.lists(st.integers(1, len(y) - 1), min_size=number - 1, max_size=number - 1, unique=True)
        if number > 1
        else st.just([])
    )
    counts = np.diff([0, *sorted(cuts), len(y)]).tolist()
    order = draw(st.randoms(use_true_random=False))
    y = y.tolist()
    order.shuffle(y)
    return np.array(y), counts


@given(labels_and_counts(), st.integers(0, 2**32))
def test_the_parts_are_disjoint_cover_every_row_and_have_the_sizes_asked_for(problem, seed):
    y, counts = problem
    parts = stratified_split(y, counts, seed)
    assert [len(part) for part in parts] == counts
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(y)))


@given(labels_and_counts(max_parts=2))
def test_a_class_in_one_of_two_parts_is_less_than_a_row_from_its_exact_share(problem):
    y, counts = problem
    for part, size in zip(stratified_split(y, counts, 0), counts, strict=True):
        exact = np.bincount(y) * size / len(y)
        assert np.all(np.abs(np.bincount(y[part], minlength=len(exact)) - exact) < 1)


@given(labels_and_counts(max_parts=3))
def test_a_class_in_one_of_three_parts_is_less_than_two_rows_from_its_exact_share(problem):
    y, counts = problem
    for part, size in zip(stratified_split(y, counts, 0), counts, strict=True):
        exact = np.bincount(y) * size / len(y)
        assert np.all(np.abs(np.bincount(y[part], minlength=len(exact)) - exact) < 2)


@given(labels_and_counts(), st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_rows_in_the_same_order(problem, seed):
    y, counts = problem
    first, second = (stratified_split(y, counts, seed) for _ in range(2))
    assert [part.tolist() for part in first] == [part.tolist() for part in second]


def test_fractions_that_divide_every_class_evenly_are_met_exactly():
    y = np.repeat([0, 1], [50, 10])
    parts = stratified_split(y, (0.6, 0.2, 0.2), 0)
    assert [np.bincount(y[part]).tolist() for part in parts] == [[30, 6], [10, 2], [10, 2]]


def test_rows_left_over_by_fractions_go_to_the_largest_remainders():
    sizes = [len(part) for part in stratified_split(np.zeros(1797), (0.6, 0.2, 0.2), 0)]
    assert sizes == [1078, 360, 359]


def test_another_seed_gives_other_rows():
    y = np.repeat([0, 1], 50)
    assert set(stratified_split(y, (50, 50), 0)[0]) != set(stratified_split(y, (50, 50), 1)[0])


def test_rows_sorted_by_class_come_back_mixed():
    y = np.repeat([0, 1], 50)
    train, _ = stratified_split(y, (80, 20), 0)
    assert 0 < y[train[:40]].mean() < 1


def test_labels_may_be_words():
    y = np.array(["cat", "dog"] * 4)
    for part in stratified_split(y, (4, 4), 0):
        assert sorted(y[part]) == ["cat", "cat", "dog", "dog"]


def test_a_generator_may_stand_for_the_seed():
    y = np.repeat([0, 1], 5)
    by_seed = stratified_split(y, (6, 4), 7)
    by_generator = stratified_split(y, (6, 4), np.random.default_rng(7))
    assert np.array_equal(by_seed[0], by_generator[0])


@pytest.mark.parametrize(
    ("y", "parts", "message"),
    [
        ([], (1,), r"y has shape \(0,\), expected \(N,\) with N ≥ 1"),
        ([[0, 1]], (1,), r"y has shape \(1, 2\)"),
        ([0, 1], (0.5, 0.6), r"parts \(0.5, 0.6\) are not fractions that sum to 1"),
        ([0, 0, 0], (1, 1), r"parts \(1, 1\) are not counts that sum to the 3 rows"),
        ([0, 0, 0], (4, -1), r"would hold \(4, -1\) rows, expected at least one in each"),
        ([0, 0, 0], (0.9, 0.1), r"would hold \(3, 0\) rows, expected at least one in each"),
        (["a", "b", "a"], (2, 1), "class 'b' has 1 of the 3 rows, .* each of the 2 parts"),
    ],
)
def test_what_cannot_be_divided_is_refused_with_the_reason(y, parts, message):
    with pytest.raises(ValueError, match=message):
        stratified_split(y, parts, 0)
