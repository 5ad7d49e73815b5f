"""Points lie where their formulas put them."""

import numpy as np
import pytest

from chainrule.data import blobs, circles, moons, spirals, xor

ALL = pytest.mark.parametrize("draw", [spirals, moons, circles, blobs, xor])


def points(drawn):
    x = np.concatenate([drawn.x_train, drawn.x_val, drawn.x_test])
    return x, np.concatenate([drawn.y_train, drawn.y_val, drawn.y_test])


@ALL
def test_classes_are_even_and_divided_60_20_20(draw):
    drawn = draw(240)
    each = 240 // drawn.num_classes
    assert np.bincount(points(drawn)[1]).tolist() == [each] * drawn.num_classes
    assert [len(drawn.x_train), len(drawn.x_val), len(drawn.x_test)] == [144, 48, 48]
    assert drawn.x_train.shape == (144, 2)


@ALL
def test_points_follow_from_the_seed(draw):
    assert np.array_equal(draw(60, seed=5).x_train, draw(60, seed=5).x_train)
    assert not np.array_equal(draw(60, seed=5).x_train, draw(60, seed=6).x_train)


@ALL
def test_more_noise_moves_points_further(draw):
    still, near, far = (points(draw(120, noise=noise))[0] for noise in (0, 0.01, 0.1))
    assert 0 < np.abs(near - still).max() < np.abs(far - still).max()


@ALL
def test_too_few_points_to_divide_are_refused(draw):
    least = 3 * draw(60).num_classes
    assert len(points(draw(least))[0]) == least
    for n in (least - 1, 0, -5):
        message = f"^{draw.__name__}: n must be at least {least}, 3 for each class, got {n}$"
        with pytest.raises(ValueError, match=message):
            draw(n)


@pytest.mark.parametrize("draw", [spirals, blobs])
def test_fewer_than_two_classes_are_refused(draw):
    with pytest.raises(ValueError, match=f"{draw.__name__}: classes must be at least 2, got 1"):
        draw(60, classes=1)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_arms_of_a_spiral_without_turns_are_rays_in_equal_angles(classes):
    x, y = points(spirals(60, classes=classes, turns=0, noise=0))
    radius = np.hypot(*x.T)
    assert 0.1 <= radius.min() < 0.3 < 0.8 < radius.max() <= 1
    north = np.exp(2j * np.pi * y / classes)  # clockwise from (0, 1), as sin and cos stand
    np.testing.assert_allclose(x / radius[:, None], np.stack([north.imag, north.real], axis=1))


def test_arms_of_a_spiral_turn_clockwise_with_their_radius():
    x, y = points(spirals(600, classes=2, turns=0.5, noise=0))
    half_way = np.abs(np.hypot(*x.T) - 0.5) < 0.01  # a quarter turn: class 0 points east
    assert np.all(np.sign(x[half_way, 0]) == np.where(y[half_way] == 0, 1, -1))


def test_moons_are_half_circles_around_two_centres():
    x, y = points(moons(100, noise=0))
    upper, lower = x[y == 0], x[y == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1)
    np.testing.assert_allclose(np.hypot(*(lower - [1, 0.5]).T), 1)
    assert upper[:, 1].min() >= 0
    assert lower[:, 1].max() <= 0.5


def test_circles_have_radius_1_and_one_half():
    x, y = points(circles(100, noise=0))
    np.testing.assert_allclose(np.hypot(*x.T), np.where(y == 0, 1, 0.5))


def test_four_blobs_lie_east_north_west_and_south():
    x, y = points(blobs(40, noise=0))
    centres = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
    np.testing.assert_allclose(x, centres[y], atol=1e-15)


def test_xor_has_opposite_corners_in_one_class():
    x, y = points(xor(200, noise=0))
    assert set(zip(*x.T.tolist(), y.tolist(), strict=True)) == {
        (1, 1, 0),
        (-1, -1, 0),
        (1, -1, 1),
        (-1, 1, 1),
    }
