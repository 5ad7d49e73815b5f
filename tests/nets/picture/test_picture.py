"""The picture as an object: where it shows, what it saves, what it refuses."""

import errno
import json
import re
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from chainrule.layers import Affine, Tanh
from chainrule.nets import Graph, circuits, exp, log
from chainrule.nets.files import FileError
from chainrule.nets.picture import Picture
from chainrule.nets.trace import brief


@pytest.fixture
def picture():
    graph, inputs = circuits.long_expression()
    return graph.draw(*inputs)


def test_a_notebook_shows_the_svg(picture):
    assert picture._repr_svg_() == picture.svg
    assert ElementTree.fromstring(picture.svg).tag == "{http://www.w3.org/2000/svg}svg"


def test_values_and_gradients_are_those_of_the_lecture(picture):
    # CS231n gives f = 1.5456, df/dx = 2.0596, df/dy = 1.5922.
    for number in (">1.55<", ">2.06<", ">1.59<"):
        assert number in picture.svg


def test_names_are_escaped():
    g = Graph()
    g.output(Tanh()(g.input("<x> & \"y'")).named("</svg>"))
    text = " ".join(ElementTree.fromstring(g.draw(1.0).at(1)).itertext())
    assert "<x> & \"y'" in text
    assert "</svg> = tanh(<x> & \"y') = 0.76" in text


def test_minus_zero_is_written_as_zero():
    g = Graph()
    assert "-0.00" not in g.output(g.input("x") * -1.0).draw(0.0).svg


@pytest.mark.parametrize(
    ("x", "dout"), [(800.0, 1.0), (np.nan, 1.0), (1.0, np.nan), (1.0, -np.inf)]
)
def test_numbers_without_end_are_drawn_and_saved(x, dout, tmp_path):
    g = Graph()
    e = exp(g.input("x"))
    with np.errstate(all="ignore"):
        picture = g.output((e - 2 * e).named("f")).draw(x, dout=dout)
        for step in range(picture.steps + 1):
            ElementTree.fromstring(picture.at(step))
    assert {"nan", "inf", "-inf"} & set(picture.texts.values())
    picture.save(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    story = re.search(r'<script id="story".*?>(.*?)</script>', page, re.S)[1]
    assert json.loads(story, parse_constant=pytest.fail)["texts"] == picture.texts


def test_a_graph_without_inputs_needs_none():
    g = Graph()
    assert ">4.00<" in g.output(g.param("w", np.array(2.0)) ** 2).draw().svg


def test_a_later_update_of_a_parameter_leaves_a_picture_as_it_is():
    g = Graph()
    g.output(g.param("w", np.array(2.0)) * g.input("x"))
    picture = g.draw(3.0)
    g.params["w"] -= 1
    assert ">2.00<" in picture.svg
    assert ">1.00<" in g.draw(3.0).svg


def test_an_unfinished_graph_is_refused():
    g = Graph()
    g.input("x")
    with pytest.raises(RuntimeError, match="not finished; name its outputs"):
        Picture(g)


def test_saving_writes_svg_or_a_page_and_leaves_nothing_else(picture, tmp_path):
    picture.save(tmp_path / "a.svg")
    picture.save(str(tmp_path / "a.html"))
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == picture.svg
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.svg"]


@pytest.mark.parametrize("name", ["a.png", "a", "a.svg.gz"])
def test_another_ending_is_refused(picture, tmp_path, name):
    with pytest.raises(ValueError, match=r"ends in neither \.svg nor \.html"):
        picture.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_leaves_the_old_one(picture, tmp_path, monkeypatch):
    path = tmp_path / "a.svg"
    path.write_text("old", encoding="utf-8")
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(full))
    with pytest.raises(FileError, match=r"a\.svg: cannot be written: No space left"):
        picture.save(path)
    assert path.read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]


def test_the_structure_alone_makes_no_page(tmp_path):
    graph, _ = circuits.sum_times()
    with pytest.raises(ValueError, match="draw the graph with its inputs"):
        graph.draw().save(tmp_path / "a.html")


def controls(box):
    return {control.description: control for control in box.children[:-1]}


class TestSliders:
    @pytest.fixture(autouse=True)
    def _ipywidgets(self):
        pytest.importorskip("ipywidgets")

    def test_moving_one_draws_the_picture_anew_in_the_same_geometry(self):
        graph, inputs = circuits.sum_times()
        box = graph.draw(*inputs).sliders(x=(-3, 3))
        shown = box.children[-1]
        before = shown.value
        assert ">-12.00<" in before
        controls(box)["x"].value = 1.5  # f = (1.5 + 5) · -4
        assert ">-26.00<" in shown.value
        assert ">6.50<" in shown.value
        geometry = [
            [line for line in svg.splitlines() if "path" in line] for svg in (before, shown.value)
        ]
        assert geometry[0] == geometry[1]

    def test_ranges_are_as_asked_or_reach_beyond_the_value(self):
        g = Graph()
        picture = g.output(g.input("x") + g.input("y") * g.input("z")).draw(-20.0, 1, 9.0)
        found = controls(picture.sliders(y=(0, 2), z=(0, 1)))
        limits = {name: (one.min, one.value, one.max) for name, one in found.items()}
        assert limits == {"x": (-40, -20, 40), "y": (0, 1, 2), "z": (0, 9, 9)}

    def test_round_numbers_are_on_the_way(self):
        graph, inputs = circuits.sum_times()
        for slider in controls(graph.draw(*inputs).sliders(x=(-6, 6))).values():
            steps = (slider.value - slider.min) / slider.step  # a browser rounds to whole steps
            assert steps == pytest.approx(round(steps), abs=1e-6)

    def test_inputs_move_and_arrays_and_parameters_stay(self):
        g = Graph()
        w = np.array(2.0, np.float32)
        g.output(g.input("x") * g.param("w", w) * g.input("many"))
        box = g.draw(np.float32(3), np.ones(4, np.float32)).sliders()
        assert list(controls(box)) == ["x"]
        controls(box)["x"].value = 4.0
        assert ">8.00<" in box.children[-1].value
        assert w == 2

    def test_outside_a_domain_the_picture_says_why_and_comes_back(self):
        g = Graph()
        box = g.output(log(g.input("x"))).draw(1.0).sliders()
        (slider,) = controls(box).values()
        slider.value = -2.0
        assert "Log(): x is -2.0, expected a positive number" in box.children[-1].value
        assert "data-key" not in box.children[-1].value
        slider.value = 2.0
        assert ">0.69<" in box.children[-1].value

    def test_a_graph_without_numbers_has_none(self):
        g = Graph()
        picture = g.output(Affine(3, 2, rng=0)(g.input("x"))).draw(np.ones((4, 3)))
        with pytest.raises(ValueError, match="no input is one number"):
            picture.sliders()

    @pytest.mark.parametrize("x", [np.nan, np.inf, 1e308])
    def test_a_number_without_a_sensible_range_stays(self, x):
        g = Graph()
        g.output(g.input("x") + g.input("y"))
        box = g.draw(x, 1e300).sliders()
        (slider,) = controls(box).values()
        assert (slider.description, slider.min, slider.max) == ("y", -2e300, 2e300)
        assert slider.step == pytest.approx(1e297)
        slider.value = 3.0
        assert f">{brief(x)}<" in box.children[-1].value
        with pytest.raises(ValueError, match=r"a range for 'x', expected one for y, .*±1e\+300"):
            g.draw(x, 1.0).sliders(x=(0, 1))

    @pytest.mark.parametrize("x", [np.nan, np.inf, 1e308])
    def test_without_any_number_in_reach_there_is_nothing_to_slide(self, x):
        g = Graph()
        picture = g.output(Tanh()(g.input("x"))).draw(x)
        with pytest.raises(ValueError, match=r"no input is one number within ±1e\+300; draw"):
            picture.sliders()

    @pytest.mark.parametrize(
        "limits",
        [(1, 1), (2, 1), (1, 2, 3), 3, None, "ab", (0, np.inf), (np.nan, 1), (0, 1e308), [1, [2]]],
    )
    def test_a_range_that_is_none_is_refused(self, picture, limits):
        with pytest.raises(
            ValueError, match=r"the range of x is .*, expected \(low, high\), two numbers within ±"
        ):
            picture.sliders(x=limits)

    @pytest.mark.parametrize("name", ["w", "self"])
    def test_a_range_for_nobody_is_refused(self, picture, name):
        with pytest.raises(ValueError, match=f"a range for '{name}', expected one for x, y"):
            picture.sliders(**{name: 3})


def test_without_ipywidgets_sliders_say_how_to_get_it(picture, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(ImportError, match=r'pip install "chainrule\[notebooks\]"'):
        picture.sliders()
