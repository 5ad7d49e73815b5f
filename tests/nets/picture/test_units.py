"""The picture of layers in a row, read from the SVG itself."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from chainrule.layers import ELU, Affine, BatchNorm, Maxout, ReLU, Sigmoid, Softmax, Tanh
from chainrule.nets import MLP, FileError, Sequential

SVG = "{http://www.w3.org/2000/svg}"


class Seen:
    """What a picture shows: the columns of units as heights by x, the blocks by x, the wires as
    pairs of points, the bands, and the texts as (x, y, text)."""

    def __init__(self, svg):
        root = ElementTree.fromstring(svg)
        self.size = float(root.get("width")), float(root.get("height"))
        self.columns = {}
        for one in root.iter(f"{SVG}circle"):
            self.columns.setdefault(float(one.get("cx")), []).append(float(one.get("cy")))
        self.blocks = [float(one.get("x")) for one in [*root.iter(f"{SVG}rect")][1:]]
        paths = [one.get("d") for one in root.iter(f"{SVG}path")]
        found = [re.findall(r"M([\d.]+),([\d.]+)L([\d.]+),([\d.]+)", d) for d in paths]
        self.gaps = [[tuple(map(float, wire)) for wire in one] for one in found if len(one) > 1]
        self.bands = sum("V" in d for d in paths)
        self.arrows = sum("l-9" in d for d in paths)
        self.texts = [
            (float(e.get("x")), float(e.get("y")), e.text) for e in root.iter(f"{SVG}text")
        ]
        self.titles = [one.text for one in root.iter(f"{SVG}title")]

    def said(self):
        return [text for _, _, text in self.texts]


def test_a_small_network_shows_every_unit_and_a_wire_for_every_weight():
    seen = Seen(MLP([3, 4, 2], rng=0).draw().svg)
    assert [len(ys) for ys in seen.columns.values()] == [3, 4, 2]
    assert [len(wires) for wires in seen.gaps] == [3 * 4, 4 * 2]
    assert (seen.blocks, seen.bands, seen.arrows) == ([], 0, 0)
    for wires, ((x, ys), (to_x, to_ys)) in zip(
        seen.gaps, pairwise(seen.columns.items()), strict=True
    ):
        assert {(y, to_y) for _, y, _, to_y in wires} == {(y, to_y) for y in ys for to_y in to_ys}
        assert {wire[0] - x for wire in wires} == {8}  # from the edge of one unit
        assert {to_x - wire[2] for wire in wires} == {8}  # to that of the other


def test_shapes_stand_above_and_the_layers_below_under_the_names_of_their_parameters():
    net = MLP([3, 4, 2], activation=ELU(), norm=BatchNorm, keep=0.5, rng=0)
    seen = Seen(net.draw().svg)
    assert seen.said() == [
        *["(N, 3)", "x", "(N, 4)", "affine1", "batchnorm1", "elu1", "dropout1"],
        *["(N, 2)", "affine2"],
    ]
    assert "ELU(alpha=1.0)" in seen.titles
    units = [y for ys in seen.columns.values() for y in ys]
    for _, y, text in seen.texts:
        assert y < min(units) - 8 if text.startswith("(") else y - 12 > max(units) + 8


@pytest.mark.parametrize("size", [16, 17])
def test_more_than_sixteen_units_are_a_block(size):
    seen = Seen(MLP([2, size, 3], rng=0).draw().svg)
    drawn = [2, 16, 3] if size == 16 else [2, 3]
    assert [len(ys) for ys in seen.columns.values()] == drawn
    assert len(seen.blocks) == (size == 17)
    assert seen.bands == (2 if size == 17 else 0)
    assert ("17" in seen.said()) == (size == 17)


def test_images_and_networks_within_are_drawn_too():
    net = Sequential(MLP([12, 20, 4], rng=0), Tanh(), Affine(4, 1, rng=0), Sigmoid())
    seen = Seen(net.draw((3, 2, 2)).svg)
    assert seen.said()[:2] == ["3×2×2", "(N, 3, 2, 2)"]
    assert {"mlp1", "tanh1", "affine1", "sigmoid1"} < set(seen.said())
    assert (len(seen.blocks), seen.bands, len(seen.gaps)) == (1, 1, 1)


def test_without_weights_there_is_an_arrow():
    seen = Seen(Sequential(Tanh(), Softmax()).draw((4,)).svg)
    assert [len(ys) for ys in seen.columns.values()] == [4, 4]
    assert (seen.arrows, seen.bands, seen.gaps) == (1, 0, [])


@pytest.mark.parametrize(
    "net",
    [
        MLP([1, 1], rng=0),
        MLP([784, 256, 256, 10], activation=ELU(), norm=BatchNorm, keep=0.9, rng=0),
        MLP([16, 3, 16, 200, 1], affine=Maxout, activation=None, rng=0),
        Sequential(*[Affine(2, 2, rng=0), ReLU()] * 12),
    ],
)
def test_no_text_lies_on_another_or_sticks_out(net):
    seen = Seen(net.draw().svg)
    boxes = [(x - 3.6 * len(t), y - 10, x + 3.6 * len(t), y + 3) for x, y, t in seen.texts]
    for k, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0
        assert top >= 0
        assert right <= seen.size[0]
        assert bottom <= seen.size[1]
        for other in boxes[:k]:
            apart = right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
            assert apart, (seen.texts[k], other)


def test_a_name_of_ones_own_class_is_escaped_where_it_says_more():
    class Odd(Tanh):
        def __repr__(self):
            return "<script> & Co"

    svg = Sequential(Affine(2, 2, rng=0), Odd()).draw().svg
    assert "<script>" not in svg
    assert "<script> & Co" in Seen(svg).titles


def test_a_notebook_shows_it_and_save_writes_it(tmp_path):
    picture = MLP([3, 2], rng=0).draw()
    assert picture._repr_svg_() == picture.svg
    picture.save(tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text(encoding="utf-8") == picture.svg
    with pytest.raises(ValueError, match=r"'net.png' does not end in \.svg"):
        picture.save(tmp_path / "net.png")
    with pytest.raises(FileError):
        picture.save(tmp_path / "nowhere" / "net.svg")


def test_a_shape_that_is_not_known_is_asked_for():
    with pytest.raises(ValueError, match=r"give draw\(\) the shape of one example, such as"):
        Sequential(Tanh()).draw()
