"""Features come out with mean 0 and standard deviation 1."""

import numpy as np
import pytest

from chainrule.data import Dataset, Standardiser


def test_the_statistics_of_a_small_table_are_those_worked_out_by_hand():
    fitted = Standardiser.fit(np.array([[1.0, 5.0], [3.0, 5.0], [5.0, 5.0], [7.0, 5.0]]))
    assert fitted.mean.tolist() == [4.0, 5.0]
    assert fitted.std.tolist() == [5**0.5, 0.0]


@pytest.mark.parametrize("factor", [1e-300, 1e-200, 1.0, 1e200, 1e300])
@pytest.mark.parametrize("shared", [False, True])
def test_numbers_whose_squares_leave_the_range_are_standardised_like_others(factor, shared):
    x = factor * np.array([[1.0, 5.0], [3.0, 5.0], [1.0, 9.0]])
    fitted = Standardiser.fit(x, shared=shared)
    expected = [(46 / 6) ** 0.5] * 2 if shared else [(8 / 9) ** 0.5, (32 / 9) ** 0.5]
    np.testing.assert_allclose(fitted.std / factor, expected, rtol=1e-14)
    np.testing.assert_allclose(fitted.mean / factor, [4, 4] if shared else [5 / 3, 19 / 3])
    z = fitted.transform(x)
    np.testing.assert_allclose(z.std(axis=None if shared else 0), 1)


@pytest.mark.parametrize("shape", [(3000, 7), (1025, 2, 3)])
def test_training_rows_end_with_mean_0_and_standard_deviation_1(shape):
    x = np.random.default_rng(0).normal(5, 3, shape)
    z = Standardiser.fit(x).transform(x)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-13)


@pytest.mark.parametrize("constant", [0.1, 0.0, -1e30])
def test_a_feature_that_is_constant_in_training_becomes_0_on_any_row(constant):
    # The mean of a hundred times 0.1 is not 0.1, so its deviation is not exactly 0 either.
    fitted = Standardiser.fit(np.full((100, 1), constant))
    assert fitted.std[0] == 0
    assert fitted.transform(np.array([[constant], [7.0]])).tolist() == [[0.0], [0.0]]


def test_shared_statistics_are_those_of_all_numbers_together():
    fitted = Standardiser.fit(np.array([[1.0, 5.0], [3.0, 5.0], [1.0, 9.0]]), shared=True)
    assert fitted.mean.tolist() == [4.0, 4.0]
    np.testing.assert_allclose(fitted.std, (46 / 6) ** 0.5, rtol=1e-15)  # 9 + 1 + 1 + 1 + 9 + 25


def test_float32_is_measured_in_float64_and_stays_float32():
    x = (16777216 + 2 * np.arange(4, dtype=np.float32))[:, None]  # 2²⁴: float32 loses halves
    fitted = Standardiser.fit(x)
    assert fitted.mean.dtype == fitted.std.dtype == np.float64
    assert (fitted.mean[0], fitted.std[0]) == (16777219.0, 5**0.5)
    z = fitted.transform(x)
    assert z.dtype == np.float32
    np.testing.assert_allclose(z[:, 0], np.array([-3, -1, 1, 3]) / 5**0.5, rtol=1e-6)


def test_two_saved_arrays_bring_a_standardiser_back():
    x = np.random.default_rng(0).normal(size=(10, 3))
    fitted = Standardiser.fit(x)
    again = Standardiser(fitted.mean.copy(), fitted.std.copy())
    assert np.array_equal(again.transform(x), fitted.transform(x))


def test_the_rows_given_are_not_written_to():
    x = np.random.default_rng(0).normal(size=(10, 3))
    x.flags.writeable = False
    Standardiser.fit(x).transform(x)


def test_rows_of_another_shape_are_refused():
    fitted = Standardiser.fit(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"rows of shape \(4,\), .* floats of shape \(3,\)"):
        fitted.transform(np.ones((2, 4)))


def test_integers_are_refused_since_the_result_would_be_cut_to_integers():
    fitted = Standardiser.fit(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"x has int64 rows .*, expected rows of floats"):
        fitted.transform(np.ones((2, 3), np.int64))


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match=r"x has shape \(0, 3\), expected at least one row"):
        Standardiser.fit(np.ones((0, 3)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_becomes_0_and_a_mean_of_a_million_deviations_costs_no_digits(dtype):
    x = np.full((10_000, 2), 1.7e9, dtype)
    x[:, 1] = (1e6 + np.random.default_rng(0).standard_normal(10_000)).astype(dtype)
    exact = x[:, 1].astype(np.longdouble)
    exact = (exact - exact.mean()) / exact.std()
    found = Standardiser.fit(x).transform(x)
    np.testing.assert_array_equal(found[:, 0], 0)
    np.testing.assert_allclose(found[:, 1], exact.astype(float), atol=1e-6)


def test_masked_numbers_are_refused():
    x = np.ma.array(np.eye(3), mask=np.eye(3))
    with pytest.raises(ValueError, match=r"^Standardiser.fit: x is a masked array"):
        Standardiser.fit(x)
    with pytest.raises(ValueError, match=r"^Standardiser.transform: x is a masked array"):
        Standardiser.fit(np.eye(3)).transform(x)
    with pytest.raises(ValueError, match=r"^mine: x is a masked array"):
        Dataset.from_arrays("mine", x, np.arange(3))
    with pytest.raises(ValueError, match=r"^mine: y is a masked array"):
        Dataset.from_arrays("mine", np.eye(3), np.ma.array([0, 1, 2], mask=[0, 1, 0]))
