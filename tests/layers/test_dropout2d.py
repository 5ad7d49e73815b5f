import re

import numpy as np
import pytest

from chainrule.layers import Dropout2D


def test_a_channel_of_an_image_is_kept_or_dropped_as_a_whole(dtype):
    layer = Dropout2D(0.25, rng=0)
    out, cache = layer.forward(np.full((8, 50, 2, 3), 3, dtype))
    dx, _ = layer.backward(np.full((8, 50, 2, 3), 5, dtype), cache)
    first = out[:, :, :1, :1]
    assert set(np.unique(out)) == {0, 12}
    np.testing.assert_array_equal(out, np.broadcast_to(first, out.shape))
    np.testing.assert_array_equal(dx, np.where(out == 12, 20, 0))


def test_the_share_of_kept_channels_is_keep():
    out, _ = Dropout2D(0.7, rng=0).forward(np.ones((100, 1000, 1, 1)))
    # Five standard deviations of a binomial share.
    assert np.mean(out != 0) == pytest.approx(0.7, abs=5 * (0.7 * 0.3 / 100_000) ** 0.5)


def test_the_images_of_a_batch_drop_different_channels_and_every_pass_others():
    layer = Dropout2D(0.5, rng=0)
    first, second = (layer.forward(np.ones((2, 64, 1, 1)))[0] for _ in range(2))
    assert (first[0] != first[1]).any()
    assert (first != second).any()


def test_the_same_seed_gives_the_same_masks_in_both_dtypes():
    x = np.ones((4, 8, 2, 2))
    first, _ = Dropout2D(0.5, rng=7).forward(x)
    np.testing.assert_array_equal(first, Dropout2D(0.5, rng=7).forward(x.astype(np.float32))[0])


def test_inference_is_the_identity_and_draws_nothing():
    layer, x = Dropout2D(0.5, rng=7), np.arange(64.0).reshape(2, 8, 2, 2)
    out, cache = layer.forward(x, train=False)
    dx, _ = layer.backward(-x, cache)
    np.testing.assert_array_equal(out, x)
    np.testing.assert_array_equal(dx, -x)
    np.testing.assert_array_equal(layer.forward(x)[0], Dropout2D(0.5, rng=7).forward(x)[0])


def test_what_is_no_image_is_refused():
    message = "Dropout2D(keep=0.5): x has shape (4, 8), expected images (N, C, H, W)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Dropout2D(0.5, rng=0).forward(np.ones((4, 8)))


def test_a_keep_of_0_is_refused_under_its_own_name():
    with pytest.raises(ValueError, match=r"^Dropout2D: keep must be above 0, got 0, which"):
        Dropout2D(0)
