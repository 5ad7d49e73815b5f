import numpy as np
import pytest

from chainrule import nets
from chainrule.layers import AveragePool, BatchNorm, MaxPool, Tanh
from chainrule.nets import LeNet5


def test_it_has_the_layers_of_the_paper_and_61706_parameters():
    net = LeNet5(rng=0)
    assert [type(layer).__name__ for layer in net.layers] == [
        "Reshape",
        *("Conv", "ReLU", "MaxPool"),
        *("Conv", "ReLU", "MaxPool"),
        "Flatten",
        *("Affine", "ReLU"),
        *("Affine", "ReLU"),
        "Affine",
    ]
    sizes = {name: array.size for name, array in net.params.items()}
    assert sizes == {
        "conv1.W": 6 * 25,
        "conv1.b": 6,  # 156, the trainable parameters of C1
        "conv2.W": 16 * 6 * 25,
        "conv2.b": 16,
        "affine1.W": 120 * 400,
        "affine1.b": 120,  # 48,120, as C5 of the paper
        "affine2.W": 84 * 120,
        "affine2.b": 84,  # 10,164, as F6 of the paper
        "affine3.W": 840,
        "affine3.b": 10,
    }
    assert sum(sizes.values()) == 61_706


@pytest.mark.parametrize(
    ("shape", "features"),
    [((28, 28), 400), ((1, 32, 32), 400), ((3, 32, 32), 400), ((12, 14), 16), ((31, 40), 16 * 40)],
)
def test_images_of_other_sizes(shape, features):
    net = LeNet5(shape, 4, rng=0)
    assert net.params["affine1.W"].shape == (features, 120)
    x = np.random.default_rng(0).standard_normal((2, *shape))
    assert net.forward(x)[0].shape == (2, 4)


def test_images_that_are_too_small_are_refused():
    with pytest.raises(ValueError, match=r"LeNet5: images of 8 × 8 are .* at least 12 × 12"):
        LeNet5((8, 8))
    with pytest.raises(ValueError, match="images of 11 × 28"):
        LeNet5((11, 28))


def test_the_older_form_and_the_newer_parts(tmp_path):
    old = LeNet5(activation=Tanh(), pool=AveragePool, rng=0)
    kinds = [type(layer).__name__ for layer in old.layers]
    assert (kinds.count("Tanh"), kinds.count("AveragePool"), kinds.count("MaxPool")) == (4, 2, 0)
    new = LeNet5(pool=MaxPool, norm=BatchNorm, keep=0.5, rng=0, dtype=np.float32)
    kinds = [type(layer).__name__ for layer in new.layers]
    assert (kinds.count("BatchNorm"), kinds.count("Dropout")) == (4, 3)
    x = np.random.default_rng(0).standard_normal((3, 784)).astype(np.float32)
    new.forward(x)
    new.save(tmp_path / "net.safetensors")
    again = nets.load(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(again.forward(x, train=False)[0], new.forward(x, train=False)[0])
