"""Errors in ulp are counted as they should be."""

import json

import numpy as np
import pytest

from benchmarks import exactness

DTYPES = (np.float32, np.float64)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_next_number_is_one_ulp_away_and_the_exact_one_none(dtype):
    found = np.array([1, np.nextafter(dtype(1), dtype(2)), -3, 0, 0], dtype)
    exact = np.array([1.0, 1, -3, 0, 1e-300])
    error, denormal = exactness.errors(found, exact, 0 * exact, exact)
    np.testing.assert_array_equal(error[:4], [0, 1, 0, 0])
    np.testing.assert_array_equal(denormal, [False] * 4 + [dtype is np.float32])


def test_nan_is_infinitely_wrong_and_overflow_does_not_count():
    found, exact = np.array([np.nan, np.inf], np.float32), np.array([1.0, 1e300])
    error, _ = exactness.errors(found, exact, 0 * exact, exact)
    np.testing.assert_array_equal(error, [np.inf, np.nan])


@pytest.mark.parametrize("dtype", DTYPES)
def test_inputs_have_every_magnitude_and_both_signs(dtype):
    x, _, dout = exactness.inputs("tanh", dtype, 4000)
    info = np.finfo(dtype)
    assert x.dtype == dout.dtype == dtype
    assert np.isfinite(x).all()
    assert abs(x).max() > info.max / 1e4
    assert 0 < abs(x).min() < info.tiny
    assert 0.45 < np.mean(x > 0) < 0.55


def test_the_exact_results_are_those_of_known_identities():
    mp, mpf = exactness.mp, exactness.mpf
    x = mpf("0.7")
    out, slope = exactness.exact_slopes("sigmoid", x, 0)
    assert abs(slope - out * (1 - out)) < 1e-15
    out, slope = exactness.exact_slopes("tanh", x, 0)
    assert abs(slope - (1 - out**2)) < 1e-15
    out, slope = exactness.exact_slopes("softplus", x, 0)
    assert abs(out - mp.log(1 + mp.exp(x))) < 1e-15
    out, slope = exactness.exact_slopes("selu", -x, 0)
    assert abs(out - 1.7580993408473766 * mp.expm1(-x)) < 1e-15
    assert abs(slope - out - 1.7580993408473766) < 1e-15
    for name in exactness.IN_PARTS:
        out, *parts = exactness.exact_parts(name, x)
        assert (
            abs(sum(parts) - mp.diff(lambda x, name=name: exactness.exact_parts(name, x)[0], x))
            < 1e-12
        )
    assert abs(exactness.exact_parts("gelu", x)[0] - 0.7 * mp.ncdf(0.7)) < 1e-15
    assert abs(exactness.exact_parts("mish", x)[0] - x * mp.tanh(mp.log1p(mp.exp(x)))) < 1e-15
    row = [mpf(1), mpf(3), mpf(2)]
    (loss,), dx, _ = exactness.exact_row("softmax_ce", row, 0, 2)
    p, _, _ = exactness.exact_row("softmax", row, 0, [1, 1, 1])
    assert abs(loss + mp.log(p[0])) < 1e-14
    expected = [2 * (p[0] - 1), 2 * p[1], 2 * p[2]]
    assert all(abs(a - b) < 1e-14 for a, b in zip(dx, expected, strict=True))


def test_the_command_prints_a_row_for_each_function_pass_and_dtype(tmp_path, capsys):
    exactness.main(["--points", "60", "--json", str(tmp_path / "found.json")])
    records = json.loads((tmp_path / "found.json").read_text())["records"]
    assert len(records) == 2 * 2 * len(exactness.FUNCTIONS)
    out = capsys.readouterr().out
    assert "| relu       |  forward | float32 |      0.00" in out
    assert "Misses of the aim:" in out


def test_an_error_beyond_four_ulp_and_beyond_pytorch_is_a_miss():
    def record(own, theirs):
        return {"ulp": {"Chainrule": {"normal": own}, "PyTorch": {"normal": theirs}}}

    assert [exactness.misses(record(*pair)) for pair in ((4, 1), (5, 1), (9, 10), (11, 10))] == [
        *(False, True, False, True)
    ]
    assert exactness.misses({"ulp": {"Chainrule": {"normal": 4.1}}})
