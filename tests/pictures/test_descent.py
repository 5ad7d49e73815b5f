import numpy as np
import pytest

from chainrule.pictures import descend, loss_surface
from chainrule.solvers import SGD, Adam, AdamW, RMSProp


def bowl(w):
    """½ (w₀² + 10 w₁²)."""
    return 0.5 * (w[0] ** 2 + 10 * w[1] ** 2), [w[0], 10 * w[1]]


def test_steps_of_sgd_are_those_worked_out_by_hand():
    # w ← w − 0.1 (w₀, 10 w₁): w₀ shrinks by 0.9, w₁ lands on 0.
    path = descend(bowl, (2.0, 1.0), SGD(0.1), 3)
    np.testing.assert_allclose(path, [[2, 1], [1.8, 0], [1.62, 0], [1.458, 0]], atol=1e-15)


def test_steps_with_momentum_are_those_worked_out_by_hand():
    # On w₀ alone, lr 0.1 and μ ½: v = −0.2, then −0.1 − 0.18 = −0.28, then −0.14 − 0.152.
    path = descend(bowl, (2.0, 0.0), SGD(0.1, momentum=0.5), 3)
    np.testing.assert_allclose(path[:, 0], [2, 1.8, 1.52, 1.228])


def test_the_first_step_of_adam_is_the_learning_rate_in_each_direction():
    np.testing.assert_allclose(descend(bowl, (2, -3), Adam(0.1), 1)[1], [1.9, -2.9])


def test_weights_decay_as_those_of_a_network():
    def slope(w):
        return w[0] + w[1], [0, 0]

    path = descend(slope, (2, 4), AdamW(0.1, weight_decay=0.5), 1)
    np.testing.assert_allclose(path[1], [1.9, 3.8])


def test_the_paths_are_drawn_from_the_start_and_the_rules_stay_as_they_are():
    rules = {"SGD": SGD(0.1), "momentum": SGD(0.05, momentum=0.9), "Adam": Adam(0.2)}
    surface, losses = loss_surface(bowl, (2, 1), rules, steps=20).figure().axes
    for name, rule in rules.items():
        (line,) = [one for one in surface.lines if one.get_label() == name]
        path = descend(bowl, (2, 1), rule, 20)
        np.testing.assert_array_equal(line.get_xydata(), path)
        (line,) = [one for one in losses.lines if one.get_label().startswith(f"{name}: ")]
        np.testing.assert_allclose(line.get_ydata(), 0.5 * path[:, 0] ** 2 + 5 * path[:, 1] ** 2)
    (start,) = [one for one in surface.lines if one.get_label() == "start"]
    assert start.get_xydata().tolist() == [[2, 1]]
    assert rules["momentum"].state == {}
    assert rules["Adam"].state["t"] == 0


def test_the_level_lines_are_those_of_the_function_and_equally_far_apart_in_a_round_bowl():
    def round_bowl(w):
        return w @ w, 2 * w

    axes, _ = (
        loss_surface(round_bowl, (1, 1), {"SGD": SGD(0.1)}, span=((-2, 2), (-2, 2))).figure().axes
    )
    assert (axes.get_xlim(), axes.get_ylim()) == ((-2, 2), (-2, 2))
    _, lines = axes.collections
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        radius = np.hypot(*path.vertices[np.isfinite(path.vertices).all(axis=1)].T)
        np.testing.assert_allclose(radius, np.sqrt(level), atol=0.02)
    inner = np.sqrt(lines.levels[lines.levels < 3])
    assert np.diff(inner).std() < 0.1 * np.diff(inner).mean()


def test_a_path_that_goes_wild_ends_where_numbers_do_and_leaves_the_others_in_view():
    wild = descend(bowl, (2, 1), SGD(1.0), 1000)
    assert 10 < len(wild) < 1000
    assert np.isfinite(wild).all()
    rules = {"wild": SGD(1.0), "calm": SGD(0.01)}
    axes, losses = loss_surface(bowl, (2, 1), rules, steps=100).figure().axes
    assert 2 < axes.get_xlim()[1] < 3
    assert 1 < axes.get_ylim()[1] < 2
    assert losses.get_ylim()[1] <= 100 * 7


def test_a_function_with_a_hole_is_drawn_where_it_has_values():
    def log(w):
        with np.errstate(all="ignore"):
            return -np.log(w[0]) + w[1] ** 2, [-1 / w[0], 2 * w[1]]

    axes, _ = loss_surface(log, (1, 1), {"SGD": SGD(0.1)}, span=((-1, 2), (-1, 2))).figure().axes
    reached = np.concatenate([path.vertices for path in axes.collections[1].get_paths()])
    assert reached[:, 0].min() >= 0


def test_a_plain_is_drawn_without_lines():
    picture = loss_surface(lambda w: (1.0, 0 * w), (1, 1), {"SGD": SGD(0.1)})
    assert not picture.figure().axes[0].collections


def test_a_loss_below_zero_has_no_log_scale():
    def low(w):
        return bowl(w)[0] - 5, bowl(w)[1]

    assert loss_surface(low, (1, 1), {"SGD": SGD(0.1)}).figure().axes[1].get_yscale() == "linear"
    assert loss_surface(bowl, (1, 1), {"SGD": SGD(0.1)}).figure().axes[1].get_yscale() == "log"


def test_a_function_that_writes_into_its_argument_changes_nothing():
    def careless(w):
        found = bowl(w.copy())
        w += 100
        return found

    path = descend(careless, (2, 1), SGD(0.1), 3)
    np.testing.assert_array_equal(path, descend(bowl, (2, 1), SGD(0.1), 3))


RULES = {"SGD": SGD(0.1)}


@pytest.mark.parametrize(
    ("error", "said", "call"),
    [
        (ValueError, "start is .* expected two finite", lambda: loss_surface(bowl, (1,), RULES)),
        (
            ValueError,
            "start is .* expected two finite",
            lambda: loss_surface(bowl, (1, np.inf), RULES),
        ),
        (
            ValueError,
            "the gradient is 3, expected two",
            lambda: loss_surface(lambda w: (w[0], 3), (1, 1), RULES),
        ),
        (ValueError, "rules has 0 entries", lambda: loss_surface(bowl, (1, 1), {})),
        (
            ValueError,
            "rules has 9 entries, expected 1 to 8",
            lambda: loss_surface(bowl, (1, 1), {str(k): RMSProp(0.1) for k in range(9)}),
        ),
        (TypeError, "found 'adam'", lambda: loss_surface(bowl, (1, 1), {"Adam": "adam"})),
        (TypeError, "expected an update rule", lambda: descend(bowl, (1, 1), SGD, 3)),
        (ValueError, "steps is 0", lambda: loss_surface(bowl, (1, 1), RULES, steps=0)),
        (
            ValueError,
            r"span is .*, expected \(\(left",
            lambda: loss_surface(bowl, (1, 1), RULES, span=((1, 1), (0, 1))),
        ),
        (
            ValueError,
            r"span is .*, expected \(\(left",
            lambda: loss_surface(bowl, (1, 1), RULES, span=(0, 1)),
        ),
    ],
)
def test_what_makes_no_sense_is_refused(error, said, call):
    with pytest.raises(error, match=said):
        call()
