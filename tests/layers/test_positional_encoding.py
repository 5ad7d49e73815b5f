import numpy as np
import pytest

from chainrule.layers import PositionalEncoding


def test_it_adds_the_sines_of_the_course():
    """EECS 498-007, A5, Transformers.ipynb, cell 75, whose second pair has frequency 1 / 100."""
    out, _ = PositionalEncoding().forward(np.zeros((1, 4, 2)))
    sines = [
        [0, 1],
        [0.841470985, 0.540302306],
        [0.909297427, -0.416146837],
        [0.141120008, -0.989992497],
    ]
    np.testing.assert_allclose(out[0], sines, atol=1e-9)


def test_frequencies_fall_from_1_and_an_odd_feature_is_a_sine():
    out, cache = PositionalEncoding().forward(np.ones((2, 3, 3)))
    turn = 2 * 10000 ** (-2 / 3)
    np.testing.assert_allclose(out[1, 2], 1 + np.array([np.sin(2), np.cos(2), np.sin(turn)]))
    dout = np.arange(18.0).reshape(2, 3, 3)
    np.testing.assert_array_equal(PositionalEncoding().backward(dout, cache)[0], dout)


def test_rows_without_time_are_refused():
    with pytest.raises(ValueError, match=r"x has shape \(2, 3\), expected \(N, T, D\)"):
        PositionalEncoding().forward(np.ones((2, 3)))
