import math
import subprocess
import sys

import numpy as np
import pytest

from chainrule.gradcheck.report import Report, Tensor
from chainrule.pictures.gradients import heat_map, step_size_picture, taylor_picture


def lines_of(picture):
    return {line.get_label(): line for line in picture.axes[0].lines}


def line_of(picture, start):
    return next(line for label, line in lines_of(picture).items() if label.startswith(start))


def error_at(line, h):
    return np.exp(np.interp(np.log(h), np.log(line.get_xdata()), np.log(line.get_ydata())))


def test_errors_of_differences_fall_with_their_order():
    picture = step_size_picture(np.tanh, 0.7, 1 - np.tanh(0.7) ** 2)
    for name, order, high in (("one-sided", 1, 1e-3), ("central", 2, 1e-2), ("five-point", 4, 0.1)):
        line = line_of(picture, name)
        rate = math.log10(error_at(line, high) / error_at(line, high / 10))
        assert rate == pytest.approx(order, abs=0.15), name


def test_the_best_steps_in_theory_are_marked_and_both_regimes_named():
    picture = step_size_picture(np.tanh, 0.7, 1 - np.tanh(0.7) ** 2)
    axes = picture.axes[0]
    dots = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    eps = np.finfo(float).eps
    assert dots == pytest.approx([eps ** (1 / 2), eps ** (1 / 3), eps ** (1 / 5)])
    text = " ".join(one.get_text() for one in axes.texts)
    assert "rounding" in text
    assert "truncation" in text
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_the_complex_step_is_exact_for_small_steps_and_left_out_where_it_does_not_work():
    exact = line_of(step_size_picture(np.exp, 1.0, math.e), "complex step")
    assert error_at(exact, 1e-12) < 1e-15
    for f in (math.exp, lambda x: float(np.real(x)), lambda x: np.float64(x) ** 2):
        labels = lines_of(step_size_picture(f, 1.0, 1.0))
        assert any(label.startswith("no complex step") for label in labels)


def bowl():
    rng = np.random.default_rng(0)
    x, W = rng.standard_normal((5, 4)), rng.standard_normal((4, 3))
    gradient = 2 * (np.tanh(x @ W) * (1 - np.tanh(x @ W) ** 2)) @ W.T
    return lambda x: np.sum(np.tanh(x @ W) ** 2), x, gradient


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(1, "h^2.0"), (-1, "h^1.0"), (0.9, "h^1.0"), (1 + 1e-5, "h^1.0")],
)
def test_the_rate_tells_right_gradients_from_wrong_ones(factor, verdict, seed):
    f, x, gradient = bowl()
    title = taylor_picture(f, x, factor * gradient, seed=seed).axes[0].get_title()
    assert verdict in title
    assert title.endswith("the gradient is right" if factor == 1 else "the gradient is wrong")


def test_of_a_straight_line_nothing_remains():
    x = np.arange(4.0)
    title = taylor_picture(lambda x: 3 * x.sum(), x, np.full(4, 3.0)).axes[0].get_title()
    assert title == "nothing remains but rounding: the gradient is right"


def test_the_direction_is_the_one_that_was_given():
    f, x, gradient = bowl()
    wrong = gradient.copy()
    wrong[0, 0] += 1
    along, across = np.zeros_like(x), np.zeros_like(x)
    along[0, 0] = across[1, 1] = 1
    assert "wrong" in taylor_picture(f, x, wrong, along).axes[0].get_title()
    assert "right" in taylor_picture(f, x, wrong, across).axes[0].get_title()
    with pytest.raises(ValueError, match=r"direction has shape \(4,\), expected \(5, 4\)"):
        taylor_picture(f, x, wrong, np.ones(4))


def test_both_remainders_and_both_slopes_have_labels():
    labels = set(lines_of(taylor_picture(*bowl())))
    assert {"|f(x + hv) - f(x)|", "slope 1", "slope 2"} <= labels


def halved():
    right = np.arange(12.0).reshape(4, 3) - 5
    known = np.where(right == 0, np.nan, right)
    return Tensor(right / 2, known, 0.5, 1e-12, None, False)


def test_a_heat_map_shows_yours_the_right_values_and_the_difference():
    fine = Tensor(np.ones(3), np.ones(3), 0.0, 1e-12, None, True)
    report = Report("Affine(4 → 3)", [], {"b": fine, "W": halved()})
    picture = heat_map(report)
    panels = {axes.get_title(): axes for axes in picture.axes if axes.get_title()}
    assert list(panels) == ["yours", "should be", "yours minus should be"]
    yours, right, error = (axes.images[0].get_array() for axes in panels.values())
    np.testing.assert_array_equal(yours, halved().analytic)
    assert right.mask.sum() == error.mask.sum() == 1
    np.testing.assert_array_equal(error.filled(0), -(np.arange(12.0).reshape(4, 3) - 5) / 2)
    limits = [axes.images[0].get_clim() for axes in panels.values()]
    assert limits == [(-6, 6), (-6, 6), (-3, 3)]
    assert picture.get_suptitle() == "Affine(4 → 3), gradient of W (4, 3): WRONG"
    assert heat_map(report, "b").get_suptitle() == "Affine(4 → 3), gradient of b (3,): ok"


def test_a_heat_map_of_what_was_measured_along_random_directions_shows_yours_alone():
    tensor = Tensor(np.ones((3, 2)), np.full((3, 2), np.nan), math.nan, 1e-11, None, False)
    picture = heat_map(tensor)
    picture.canvas.draw()
    images = [axes.images[0].get_array() for axes in picture.axes[:3]]
    assert [np.ma.count(image) for image in images] == [6, 0, 0]


def test_a_heat_map_of_many_axes_keeps_the_first_as_rows():
    values = np.arange(24.0).reshape(2, 3, 4)
    picture = heat_map(Tensor(values, values, 0.0, 0.0, None, True), "x")
    assert picture.axes[0].images[0].get_array().shape == (2, 12)


def test_what_cannot_be_drawn_is_said():
    report = Report("A", [], {"W": halved()})
    with pytest.raises(KeyError, match="the report has W, not V"):
        heat_map(report, "V")
    with pytest.raises(ValueError, match="holds no tensors"):
        heat_map(Report("A"))
    empty = np.ones((0, 3))
    with pytest.raises(ValueError, match="no entries"):
        heat_map(Tensor(empty, empty, 0.0, 0.0, None, True))


def test_pictures_are_saved_and_show_themselves_in_a_notebook(tmp_path):
    path = tmp_path / "map.png"
    picture = heat_map(halved(), path=path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert picture._repr_png_().startswith(b"\x89PNG")


def test_matplotlib_is_imported_when_a_picture_is_drawn_and_not_before():
    code = "import sys, chainrule.pictures.gradients; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
