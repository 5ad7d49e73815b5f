import re

import numpy as np
import pytest

from chainrule.layers import Dropout


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.8])
def test_the_share_of_kept_entries_is_keep_and_the_mean_is_preserved(keep):
    n = 100_000
    x = np.random.default_rng(1).uniform(1, 3, n)
    out, _ = Dropout(keep, rng=0).forward(x)
    # Five standard deviations of a binomial share; E[x²] = 13/3 for the mean.
    share = (keep * (1 - keep) / n) ** 0.5
    assert np.mean(out != 0) == pytest.approx(keep, abs=5 * share)
    assert out.mean() == pytest.approx(x.mean(), abs=5 * share / keep * (13 / 3) ** 0.5)


def test_kept_entries_and_their_gradients_are_divided_by_keep_and_the_others_are_0(dtype):
    layer = Dropout(0.25, rng=0)
    out, cache = layer.forward(np.full((20, 20), 3, dtype))
    dx, _ = layer.backward(np.full((20, 20), 5, dtype), cache)
    assert set(np.unique(out)) == {0, 12}
    np.testing.assert_array_equal(dx, np.where(out == 12, 20, 0))


def test_the_same_seed_gives_the_same_masks_in_both_dtypes_and_another_seed_others():
    x = np.ones((8, 8))
    layers = Dropout(0.5, rng=7), Dropout(0.5, rng=np.random.default_rng(7)), Dropout(0.5, rng=8)
    first, same, other = (layer.forward(x)[0] for layer in layers)
    np.testing.assert_array_equal(first, same)
    np.testing.assert_array_equal(first, Dropout(0.5, rng=7).forward(x.astype(np.float32))[0])
    assert (first != other).any()


def test_every_training_pass_draws_a_new_mask():
    layer, x = Dropout(0.5, rng=0), np.ones((8, 8))
    assert (layer.forward(x)[0] != layer.forward(x)[0]).any()


def test_two_layers_may_share_a_generator_and_then_draw_different_masks():
    rng, x = np.random.default_rng(0), np.ones((8, 8))
    assert (Dropout(0.5, rng=rng).forward(x)[0] != Dropout(0.5, rng=rng).forward(x)[0]).any()


def test_inference_is_the_identity_and_draws_nothing():
    layer, x = Dropout(0.5, rng=7), np.arange(64.0).reshape(8, 8)
    out, cache = layer.forward(x, train=False)
    dx, _ = layer.backward(-x, cache)
    np.testing.assert_array_equal(out, x)
    np.testing.assert_array_equal(dx, -x)
    np.testing.assert_array_equal(layer.forward(x)[0], Dropout(0.5, rng=7).forward(x)[0])


def test_keep_1_keeps_everything():
    layer, x = Dropout(1, rng=0), np.random.default_rng(0).standard_normal(10_000)
    out, cache = layer.forward(x)
    np.testing.assert_array_equal(out, x)
    np.testing.assert_array_equal(layer.backward(x, cache)[0], x)


@pytest.mark.parametrize("keep", [-0.1, 1.5, np.nan])
def test_a_keep_that_is_no_probability_is_refused(keep):
    message = f"Dropout: keep must be a finite number in [0, 1], got {keep}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Dropout(keep)


def test_a_keep_of_0_is_refused():
    with pytest.raises(ValueError, match=r"^Dropout: keep must be above 0, got 0, which"):
        Dropout(0)
