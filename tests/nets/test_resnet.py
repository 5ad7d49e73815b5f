import numpy as np
import pytest

from chainrule import nets
from chainrule.layers import BatchNorm, Tanh
from chainrule.nets import ResNet


def count(net):
    return sum(array.size for array in net.params.values())


def test_it_has_the_layers_of_the_paper():
    net = ResNet((3, 32, 32), 10, blocks=3, rng=0)  # 20 layers
    W = [name for name, array in net.params.items() if array.ndim > 1 and "shortcut" not in name]
    assert len(W) == 20
    convs = 3 * 16 + 6 * 16 * 16 + 16 * 32 + 5 * 32 * 32 + 32 * 64 + 5 * 64 * 64
    norms = 2 * (7 * 16 + 6 * 32 + 6 * 64)
    shortcuts = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert count(net) == 9 * convs + norms + shortcuts + 650 == 272_474  # the paper: 0.27 million


def test_each_stage_but_the_first_halves_the_image_and_the_end_averages_it():
    net = ResNet((1, 28, 28), 10, channels=(4, 6, 8), blocks=2, rng=0)
    x = np.random.default_rng(0).standard_normal((2, 784))
    sides = []
    for layer in net.layers:
        x, _ = layer.forward(x)
        sides.append(x.shape[1:])
    assert list(dict.fromkeys(sides)) == [
        (1, 28, 28),
        (4, 28, 28),
        (6, 14, 14),
        (8, 7, 7),
        (8,),
        (10,),
    ]


def test_shortcuts_stand_where_the_shape_changes_alone():
    net = ResNet((3, 8, 8), 4, channels=(4, 4, 6), blocks=2, rng=0)
    assert [name for name in net.params if "shortcut.conv" in name] == [
        "residual3.shortcut.conv1.W",
        "residual5.shortcut.conv1.W",
    ]
    assert not [name for name in net.params if name.endswith("conv1.b")]


def test_without_a_norm_convolutions_have_a_bias_and_the_shortcut_is_one_layer():
    net = ResNet((3, 8, 8), 4, channels=(4, 6), norm=None, activation=Tanh(), rng=0)
    assert [name for name in net.params if "shortcut" in name] == [
        "residual2.shortcut.W",
        "residual2.shortcut.b",
    ]
    assert "conv1.b" in net.params


def test_a_file_and_a_summary_under_the_names_of_the_parameters(tmp_path):
    net = ResNet((3, 8, 8), 4, channels=(4, 6), rng=0, dtype=np.float32)
    lines = [line.split() for line in net.summary().splitlines()]
    names = [words[0] for words in lines]
    assert {name.rpartition(".")[0] for name in net.params} <= {*names}
    assert lines[names.index("residual2")][1:3] == ["inner(x)", "+"]
    assert lines[names.index("residual2.shortcut.conv1")][-5:] == ["(N,", "6,", "4,", "4)", "24"]
    assert lines[-1] == ["total", f"{count(net):,}"]

    x = np.random.default_rng(0).standard_normal((5, 192)).astype(np.float32)
    net.forward(x)
    net.save(tmp_path / "net.safetensors")
    again = nets.load(tmp_path / "net.safetensors")
    assert repr(again.layers) == repr(net.layers)
    assert again.state.keys() == net.state.keys()
    np.testing.assert_array_equal(again.forward(x, train=False)[0], net.forward(x, train=False)[0])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"channels": ()}, "channels is empty"),
        ({"blocks": 0}, r"blocks must be positive integers in a row, got \(0,\)"),
        ({"channels": 16}, "channels must be positive integers in a row, got 16"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(given, message):
    with pytest.raises(ValueError, match=f"ResNet: {message}"):
        ResNet((8, 8), 3, **given)


def test_a_norm_that_is_none_is_refused():
    with pytest.raises(TypeError, match="ResNet: norm is"):
        ResNet((8, 8), 3, norm=BatchNorm(3))
