"""The maximum over windows: its fast form beside its plain one; and what files hold of layers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import layers
from chainrule.layers.pooling import maxima_fast, maxima_plain, windows_of
from chainrule.nets import Sequential, load


@settings(deadline=None, max_examples=100)
@given(
    size=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    more=st.tuples(st.integers(0, 7), st.integers(0, 7)),
    seed=st.integers(0, 2**32 - 1),
    strange=st.sampled_from([None, np.nan, np.inf, -np.inf]),
)
def test_both_forms_find_the_same_maxima_at_the_same_places(size, stride, more, seed, strange):
    rng = np.random.default_rng(seed)
    windows = windows_of("layer", size, stride, tuple(rng.integers(k // 2 + 1) for k in size))
    x = np.round(rng.standard_normal((2, 3, size[0] + more[0], size[1] + more[1])))
    if strange is not None:
        x[rng.random(x.shape) < 0.3] = strange
    x = x.astype(np.float32)
    plain, fast = maxima_plain(x, windows), maxima_fast(x, windows)
    for one, other in zip(plain, fast, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_the_plain_form_is_what_numpy_finds_window_by_window():
    x = np.round(np.random.default_rng(0).standard_normal((2, 3, 6, 8)), 1)
    out, winner = maxima_plain(x, windows_of("layer", (2, 3), (2, 1), 0))
    for n, c, i, j in np.ndindex(out.shape):
        window = x[n, c, 2 * i : 2 * i + 2, j : j + 3]
        assert out[n, c, i, j] == window.max()
        assert winner[n, c, i, j] == window.argmax()


@pytest.mark.parametrize("form", [maxima_plain, maxima_fast])
@pytest.mark.parametrize(("size", "dtype"), [(16, np.uint8), (17, np.uint16)])
def test_places_are_kept_in_the_smallest_integers_that_tell_them_apart(form, size, dtype):
    x = np.zeros((1, 1, size, size))
    x[0, 0, -1, -1] = 1
    _, winner = form(x, windows_of("layer", size, size, 0))
    assert winner.dtype == dtype
    assert winner.tolist() == [[[[size * size - 1]]]]


@pytest.mark.parametrize(
    "layer",
    [
        layers.MaxPool(np.int64(2), stride=(1, np.int64(2)), pad=[1, 1]),
        layers.AveragePool([3, 2], pad=np.int64(1)),
        layers.GlobalAveragePool(),
        layers.Pad(np.int64(1), value=np.float32(0.5)),
        layers.Upsample((np.int64(2), 3)),
        layers.Reshape([np.int64(4), 4]),
        layers.Flatten(),
        layers.Dropout2D(np.float64(0.5)),
    ],
    ids=str,
)
def test_a_layer_comes_back_from_a_file_however_its_numbers_were_given(layer, tmp_path):
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    net = Sequential(layer)
    net.save(tmp_path / "net.safetensors")
    loaded = load(tmp_path / "net.safetensors")
    assert repr(loaded) == repr(net)
    np.testing.assert_array_equal(loaded.forward(x, train=False)[0], net.forward(x, train=False)[0])
