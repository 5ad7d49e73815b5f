"""The picture as an object: what a notebook shows, what it saves, what it refuses."""

import os
import subprocess
import sys
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import pytest

from chainrule.layers import ReLU, Tanh
from chainrule.nets import FileError
from chainrule.pictures import Panel, Picture, activations

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def picture():
    return activations([ReLU(), Tanh()])


def test_a_notebook_shows_a_png_in_its_size_in_inches_with_words_for_it(picture):
    png, told = picture._repr_png_()
    assert png.startswith(PNG)
    assert told["width"] == round(96 * picture.figure().get_figwidth())
    assert int.from_bytes(png[16:20]) == pytest.approx(2 * told["width"], abs=2)
    assert told["alt"] == "ReLU() and its derivative; Tanh() and its derivative"


def test_pyplot_knows_nothing_of_a_picture_so_that_it_is_shown_once(picture):
    picture._repr_png_()
    assert plt.get_fignums() == []


def test_saving_writes_png_or_svg_and_leaves_nothing_else(picture, tmp_path):
    picture.save(tmp_path / "a.png")
    picture.save(str(tmp_path / "a.svg"))
    assert (tmp_path / "a.png").read_bytes() == picture.png()
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.svg"]


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.png.gz"])
def test_another_ending_is_refused(picture, tmp_path, name):
    with pytest.raises(ValueError, match=r"ends in neither \.png nor \.svg"):
        picture.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_refused(picture, tmp_path):
    with pytest.raises(FileError):
        picture.save(tmp_path / "nowhere" / "a.png")


def test_panels_stand_side_by_side_up_to_eleven_inches():
    panels = [Panel(lambda axes: axes.plot([0, 1]), "a line")] * 4
    figure = Picture("p", "t", "r", panels, width=4.0, height=2.0).figure()
    assert figure.get_size_inches().tolist() == [8.0, 4.0]
    assert len([axes for axes in figure.axes if axes.lines]) == 4


@pytest.mark.parametrize(
    "drawing",
    [
        "from chainrule.pictures.drawing import Panel, Picture; "
        "Picture('a', 'A', 'so', [Panel(lambda axes: axes.plot([1, 2]), 'a line')]).png()",
        "from chainrule.pictures.gradients import new_figure; new_figure(1, 2, 2)[0]._repr_png_()",
    ],
    ids=["pictures", "gradients"],
)
@pytest.mark.parametrize("backend", ["module://a_notebooks.backend", "nonsense"])
def test_it_is_drawn_whatever_backend_the_environment_names(backend, drawing):
    environment = os.environ | {"MPLBACKEND": backend}
    subprocess.run([sys.executable, "-c", drawing], env=environment, check=True)
