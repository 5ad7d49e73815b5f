import numpy as np
import pytest

from chainrule.layers import Affine, BatchNorm, Conv, Dropout, Layer, MaxPool, ReLU
from chainrule.nets import MLP, Classifier, Graph, Residual, Sequential
from chainrule.pictures import feature_maps, kernels
from chainrule.pictures.convolution import maps_of
from chainrule.pictures.tiles import sheet, to_largest

RNG = np.random.default_rng(0)


class AsImages(Layer):
    """Rows (N, 32) as images (N, 2, 4, 4)."""

    def forward(self, x, *, train=True):
        return x.reshape(len(x), 2, 4, 4), None

    def backward(self, dout, cache):
        return dout.reshape(len(dout), 32), {}


def net_of(C=1, F=4):
    return Sequential(
        Conv(C, F, 3, pad="same", rng=0), ReLU(), MaxPool(2), Dropout(0.5, rng=0),
        Conv(F, 10, 2, rng=0), Affine(10, 3, rng=0),
    )  # fmt: skip


def drawn(picture):
    """What stands in the axes of a picture of sheets."""
    return [axes.images[0].get_array() for axes in picture.figure().axes]


def test_tiles_stand_row_by_row_on_a_sheet():
    tiles = [np.full((1, 2), number) for number in (1.0, 2.0, 3.0)]
    o = np.nan
    np.testing.assert_array_equal(
        sheet(tiles, 2), [[1, 1, o, 2, 2, o], [o] * 6, [3, 3, o, o, o, o], [o] * 6]
    )
    np.testing.assert_array_equal(sheet(tiles[:1], 1, gap=2), [[1, 1, o, o], [o] * 4, [o] * 4])
    colours = sheet([np.full((1, 1, 3), 0.5)], 1)
    np.testing.assert_array_equal(colours[0], [[0.5, 0.5, 0.5, 1], [0, 0, 0, 0]])


def test_a_tile_is_scaled_to_its_own_largest():
    tiles = np.array([[4.0, -2.0], [0.5, 0.0], [0.0, 0.0]])
    np.testing.assert_array_equal(to_largest(tiles), [[1, 0.25], [1, 0.5], [0.5, 0.5]])


def test_kernels_are_tiles_each_scaled_to_its_own_largest_weight():
    net = net_of()
    W = net.params["conv1.W"]
    W[...] = 0
    W[0, 0, 1, 2] = 4
    W[1, 0, 0, 0] = -0.1
    picture = kernels(net)
    (found,) = drawn(picture)
    assert found.shape == (4, 32)  # a row of 8 tiles of 3 × 3, and gaps
    np.testing.assert_array_equal(found[:3, :3], [[0.5] * 3, [0.5, 0.5, 1], [0.5] * 3])
    assert found[0, 4] == 0
    assert picture.panels[0].alt == "4 kernels of 3 × 3"
    np.testing.assert_array_equal(found, drawn(kernels(Classifier(net)))[0])


def test_kernels_of_three_channels_are_in_colour():
    net = Sequential(Conv(3, 2, 2, rng=0))
    W = net.params["conv1.W"]
    W[0] = 0
    W[0, 1, 0, 0], W[0, 2, 1, 1] = 2, -1  # green, and no blue
    (found,) = drawn(kernels(net))
    np.testing.assert_array_equal(found[0, 0], [0.5, 1, 0.5, 1])
    np.testing.assert_array_equal(found[1, 1], [0.5, 0.5, 0.25, 1])
    assert "grey is no weight" in kernels(net).reading


def test_channels_of_other_kernels_stand_side_by_side():
    net = Sequential(Conv(2, 5, 1, rng=0))
    net.params["conv1.W"][:, :, 0, 0] = [[1, 2], [3, 3], [0, -1], [1, 0], [1, 1]]
    picture = kernels(net)
    (found,) = drawn(picture)  # four kernels of two tiles each in a row
    np.testing.assert_array_equal(found[0, ::2], [0.75, 1, 1, 1, 0.5, 0, 1, 0.5])
    np.testing.assert_array_equal(found[2, :4:2], [1, 1])
    assert "The 2 input channels of a kernel stand side by side." in picture.reading
    (found,) = drawn(kernels(Sequential(Conv(12, 2, 1, rng=0))))
    assert found.shape == (4, 24)


def test_of_many_kernels_the_largest_are_shown():
    net = Sequential(Conv(1, 100, 1, rng=0))
    net.params["conv1.W"][:, 0, 0, 0] = np.arange(100)
    picture = kernels(net)
    (found,) = drawn(picture)
    assert found.shape == (16, 16)
    assert "the 64 largest of 100" in picture.reading
    assert np.count_nonzero(found == 1) == 64  # without that which is 0


def test_a_network_without_kernels_has_none_to_show():
    with pytest.raises(ValueError, match=r"kernels: found no kernels \(F, C, kh, kw\) in MLP"):
        kernels(MLP([4, 3, 2], rng=0))


def test_kernels_are_found_within_a_network_within_the_network():
    inner = Residual(Conv(2, 2, 3, pad=1, rng=0))
    assert kernels(Sequential(AsImages(), inner)).panels[0].alt == "2 kernels of 3 × 3"


def test_feature_maps_are_what_the_layers_give_out_under_their_names():
    net, x = net_of(), RNG.standard_normal((1, 1, 4, 4))
    seen, found = maps_of(net, x)
    np.testing.assert_array_equal(seen, x[0])
    assert [name for name, _ in found] == ["conv1", "relu1", "maxpool1", "conv2"]
    out = net.layers[0].forward(x)[0]
    np.testing.assert_array_equal(found[0][1], out[0])
    np.testing.assert_array_equal(found[1][1], np.maximum(out[0], 0))
    picture = feature_maps(Classifier(net), x)
    titles = [axes.get_title("left") for axes in picture.figure().axes]
    assert titles[:5] == [
        "the image", "conv1: 4 × 4 × 4", "relu1: 4 × 4 × 4", "maxpool1: 4 × 2 × 2",
        "conv2: 10 × 1 × 1 (the first 8)",
    ]  # fmt: skip


def test_a_map_is_scaled_to_its_own_largest_and_0_is_in_the_middle():
    net = Sequential(Conv(1, 2, 1, bias=False))
    net.params["conv1.W"][:, 0, 0, 0] = [1, -10]
    _, found = drawn(feature_maps(net, np.array([[[[2.0, -1.0], [0.0, 4.0]]]])))
    side = 24 // 2
    np.testing.assert_array_equal(found[::side, ::side][:2, :2], [[0.75, 0.375], [0.5, 1]])
    np.testing.assert_array_equal(found[::side, 26::side][:2, :2], [[0.25, 0.625], [0.5, 0]])


def test_a_row_that_becomes_an_image_is_shown_as_one_and_not_as_a_map():
    x = RNG.standard_normal((1, 32))
    seen, found = maps_of(Sequential(AsImages(), BatchNorm(2), Conv(2, 3, 3, rng=0)), x)
    np.testing.assert_array_equal(seen, x.reshape(2, 4, 4))
    assert [name for name, _ in found] == ["batchnorm1", "conv1"]


def test_what_a_network_draws_itself_is_no_image_given_to_it():
    net = Sequential(Affine(5, 32, rng=0), AsImages(), Conv(2, 3, 3, rng=0))
    seen, found = maps_of(net, RNG.standard_normal((1, 5)))
    assert seen is None
    assert [name for name, _ in found] == ["conv1"]
    assert len(feature_maps(net, RNG.standard_normal((1, 5))).panels) == 1


def test_of_many_layers_some_are_shown_the_first_and_the_last_among_them():
    net = Sequential(*[Conv(1, 1, 1, rng=0) for _ in range(60)])
    panels = feature_maps(net, np.ones((1, 1, 3, 3))).panels
    assert len(panels) == 25
    assert panels[1].alt == "conv1: 1 × 3 × 3"
    assert panels[-1].alt == "conv60: 1 × 3 × 3"


def test_what_has_no_maps_is_refused():
    graph = Graph()
    graph.output(graph.add("conv", Conv(1, 2, 1, rng=0), graph.input("x")))
    with pytest.raises(TypeError, match="expected a Sequential network"):
        feature_maps(graph, np.ones((1, 1, 3, 3)))
    with pytest.raises(ValueError, match=r"x has shape \(2, 1, 4, 4\), expected one image"):
        feature_maps(net_of(), np.ones((2, 1, 4, 4)))
    with pytest.raises(ValueError, match=r"no layer of MLP\(.*\) gives images"):
        feature_maps(MLP([4, 3, 2], rng=0), np.ones((1, 4)))
