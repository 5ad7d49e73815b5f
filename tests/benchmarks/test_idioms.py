"""Every idiom is right: its gradients are what differences in float64 say, without a checker."""

import numpy as np
import pytest

from benchmarks.idioms import IDIOMS, Function, Idiom

H = 1e-4
SIXTH_ORDER = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}  # f(x + kh) - f(x - kh), by its weight

each = pytest.mark.parametrize("seed", [0, 1, 2])
smooth = pytest.mark.parametrize(
    "idiom", [idiom for idiom in IDIOMS if not idiom.on_kinks], ids=lambda idiom: idiom.name
)
on_kinks = pytest.mark.parametrize(
    "idiom", [idiom for idiom in IDIOMS if idiom.on_kinks], ids=lambda idiom: idiom.name
)


def made(idiom, seed):
    return Function(idiom, np.random.default_rng(seed))


def in_double(arrays):
    return [array.astype(np.float64) for array in arrays]


def slope(f, arrays, direction, h):
    """The derivative of every output along a direction, by central differences of sixth order."""

    def at(step):
        moved = zip(arrays, direction, strict=True)
        return f.exact(*(array + step * h * along for array, along in moved))

    return sum(c * (at(k) - at(-k)) for k, c in SIXTH_ORDER.items()) / h


def numeric_gradients(f, arrays, dout):
    found = in_double(map(np.zeros_like, arrays))
    for at, array in enumerate(arrays):
        for index in np.ndindex(array.shape):
            direction = [np.zeros_like(other) for other in arrays]
            direction[at][index] = 1
            found[at][index] = np.sum(dout * slope(f, arrays, direction, H))
    return found


def agree_with_differences(f, precision=np.float64):
    """Up to the rounding of `precision`, each tensor, relative to the largest gradient."""
    out, gradients = f(*f.arrays)
    dout = np.random.default_rng(7).normal(size=out.shape)
    analytic = gradients(dout.astype(out.dtype))
    numeric = numeric_gradients(f, in_double(f.arrays), dout)
    largest = max(np.abs(array).max() for array in numeric)
    # A million is known to 1e-10, which the step of 1e-4 makes 1e-6.
    far = max(1, *(np.abs(array).max() for array in f.arrays))
    tolerance = max(1e-9 * far**0.5, 16 * np.finfo(precision).eps)
    return all(
        one.shape == other.shape and np.abs(one - other).max() <= tolerance * largest
        for one, other in zip(analytic, numeric, strict=True)
    )


@each
@smooth
def test_gradients_are_what_differences_say(idiom, seed):
    assert agree_with_differences(made(idiom, seed), idiom.precision)


@each
@smooth
def test_the_output_is_that_of_the_exact_formula(idiom, seed):
    f = made(idiom, seed)
    out, _ = f(*f.arrays)
    exact = f.exact(*in_double(f.arrays))
    assert np.allclose(
        out, exact, rtol=0, atol=8 * np.finfo(idiom.precision).eps * abs(exact).max()
    )


def lie_between_nearby_slopes(f, t=1e-4):
    """Along every axis, along all axes of an array at once and along some random directions each
    output changes, by its gradient, at a rate between the least and the largest of those at points
    nearby: ahead, behind, and all around.

    At a kink any mixture of the gradients nearby is right (the generalised gradient), and this is
    what holds for all of them. Ahead and behind are the slopes on the two sides.
    """
    rng = np.random.default_rng(5)
    out, gradients = f(*f.arrays)
    rows = []  # of the Jacobian, one for each output
    for index in np.ndindex(out.shape):
        dout = np.zeros_like(out)
        dout[index] = 1
        rows.append(np.concatenate([np.ravel(array) for array in gradients(dout)]))
    sizes = [array.size for array in f.arrays]
    wholes = np.repeat(np.eye(len(sizes)), sizes, axis=1)
    directions = [*np.eye(sum(sizes)), *wholes, *rng.normal(size=(10, sum(sizes)))]

    def shaped(flat):
        parts = np.split(flat, np.cumsum(sizes)[:-1])
        return [part.reshape(x.shape) for part, x in zip(parts, f.arrays, strict=True)]

    around = rng.normal(size=(40, sum(sizes)))
    for direction in directions:
        ways = [*(sign * direction + 0.01 * way for sign in (1, -1) for way in around[:3]), *around]
        slopes = []
        for way in ways:
            nearby = [x + t * step for x, step in zip(f.arrays, shaped(way), strict=True)]
            slopes.append(np.ravel(slope(f, nearby, shaped(direction), 1e-5 * t)))
        ours = np.array([row @ direction for row in rows])
        slack = 1e-3 * np.abs(slopes).max()
        low, high = np.min(slopes, axis=0) - slack, np.max(slopes, axis=0) + slack
        if not np.all((low <= ours) & (ours <= high)):
            return False
    return True


@each
@on_kinks
def test_on_kinks_gradients_lie_between_the_slopes_nearby(idiom, seed):
    assert lie_between_nearby_slopes(made(idiom, seed))


def with_backward(idiom, backward):
    return Idiom(idiom.name, idiom.inputs, idiom.forward, backward, exact=idiom.exact)


@smooth
def test_a_wrong_gradient_would_be_seen(idiom):
    """Such as one that is too large by a thousandth, or, of what is rounded, by a fifth."""
    f = made(idiom, 0)
    rounded = idiom.precision is not np.float64
    call = f.__class__.__call__

    class Wrong(Function):
        def __call__(self, *arrays):
            out, gradients = call(self, *arrays)
            scale = 1.2 if rounded else 1.001
            return out, lambda dout: [scale * gradient for gradient in gradients(dout)]

    wrong = Wrong(idiom, np.random.default_rng(0))
    out, gradients = f(*f.arrays)
    if any(np.any(gradient) for gradient in gradients(np.ones_like(out))):
        assert not agree_with_differences(wrong, idiom.precision)


def every_tie(dout, cache):
    return dout[:, None] * (cache == cache.max(axis=1, keepdims=True))


def named(name):
    (found,) = (idiom for idiom in IDIOMS if idiom.name == name)
    return found


@pytest.mark.parametrize(
    ("name", "backward"),
    [
        ("row maxima, shared", every_tie),
        ("relu of zeros, slope 1", lambda dout, x: dout * np.where(x == 0, 1.1, x > 0)),
        ("abs of zeros", lambda dout, x: dout * np.where(x == 0, -1.5, np.sign(x))),
        ("a stable sort of equal entries", lambda dout, _: dout),
        ("the larger of equal ones", lambda dout, first: (dout * first, dout)),
    ],
)
def test_a_wrong_gradient_on_a_kink_would_be_seen(name, backward):
    assert not lie_between_nearby_slopes(made(with_backward(named(name), backward), 0))


def test_inputs_that_are_said_to_sit_on_kinks_do():
    """A step ahead and a step behind change the output at different rates, or nothing is tied."""
    for idiom in IDIOMS:
        if idiom.on_kinks and idiom.name != "a Huber loss at its bends":
            f = made(idiom, 0)
            here = f.exact(*f.arrays)
            bent = 0
            for at, array in enumerate(f.arrays):
                for index in np.ndindex(array.shape):
                    step = np.zeros_like(array)
                    step[index] = 1e-6
                    ahead, behind = (
                        f.exact(*(x + s * step if k == at else x for k, x in enumerate(f.arrays)))
                        for s in (1, -1)
                    )
                    bent += np.abs(ahead + behind - 2 * here).max() > 1e-8
            assert bent > 0, idiom.name


def test_there_are_many_and_each_has_a_name_of_its_own():
    assert len(IDIOMS) >= 150
    assert len({idiom.name for idiom in IDIOMS}) == len(IDIOMS)
    assert {idiom.how for idiom in IDIOMS} == {"functions", "layer"}
