import numpy as np
import pytest

from chainrule.data import load_digits
from chainrule.nets import Classifier, VisionTransformer
from chainrule.solvers import Adam, Solver


def test_it_is_the_layers_one_by_one():
    net = VisionTransformer((3, 8, 12), 5, patch=4, features=8, heads=2, blocks=2, rng=0)
    assert net.names == [
        *("reshape1", "patchembedding1", "positionalembedding1", "transformerencoderblock1"),
        *("transformerencoderblock2", "layernorm1", "meanovertime1", "affine1"),
    ]
    assert net.params["positionalembedding1.P"].shape == (6, 8)
    x = np.random.default_rng(0).standard_normal((2, 3, 8, 12))
    images, _ = net.forward(x)
    rows, _ = net.forward(x.reshape(2, -1))
    assert images.shape == (2, 5)
    np.testing.assert_array_equal(images, rows)


@pytest.mark.slow
def test_it_learns_the_digits():
    digits = load_digits().standardised()
    net = VisionTransformer((8, 8), 10, patch=2, features=32, heads=4, blocks=1, rng=0)
    model = Classifier(net)
    Solver(model, Adam(lr=3e-3), digits, epochs=25, progress=False).train()
    assert model.score(digits.x_test, digits.y_test) > 0.8


def test_images_that_patches_do_not_fill_are_refused():
    with pytest.raises(ValueError, match="images have 28 × 30 pixels, expected multiples of 4, "):
        VisionTransformer((28, 30), 10)
