"""The animated picture of a circuit, its style sheet read as a browser reads it, and in one."""

import re
import shutil
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from chainrule.layers import Affine, Tanh
from chainrule.nets import FileError, Graph, circuits

SVG = "{http://www.w3.org/2000/svg}"
RULE = re.compile(
    r"@keyframes (?P<name>[\w-]+)\{(?P<frames>(?:[\d.]+%\{[^}]*\})+)\}\n"
    r"#[\w-]+ (?P<what>.*?)\{animation:(?P=name) (?P<seconds>[\d.]+)s step-end infinite\}"
)


class Played:
    """An animated SVG taken apart: `at(seconds)` is what shows then."""

    def __init__(self, svg):
        self.tree = ElementTree.fromstring(svg)
        self.style = self.tree.find(f"{SVG}style").text
        self.rules = {}
        for rule in RULE.finditer(self.style):
            frames = re.findall(r"([\d.]+)%\{([^}]*)\}", rule["frames"])
            self.rules[rule["what"]] = [(float(at) / 100, style) for at, style in frames]
            self.seconds = float(rule["seconds"])

    def told(self, what, seconds):
        """The style that a rule gives at this time, "" for none."""
        share = seconds % self.seconds / self.seconds
        return next((s for at, s in reversed(self.rules.get(what, [])) if at <= share), "")

    def visible(self, kind, seconds):
        """The texts of all elements with this kind of mark, by mark, that show at this time."""
        found = {}
        for one in self.tree.iter():
            if kind in one.attrib:
                hidden = one.get("visibility") == "hidden"
                style = self.told(f'[{kind}="{one.get(kind)}"]', seconds)
                if style != "visibility:hidden" and not (hidden and not style):
                    assert one.get(kind) not in found
                    found[one.get(kind)] = " ".join(one.itertext())
        return found

    def lit(self, seconds):
        """The marks of the gates at work, and the colour that they have."""
        found = {what: self.told(what, seconds) for what in self.rules if "data-node" in what}
        return {what: style for what, style in found.items() if style and "#f6f8fa" not in style}


CASES = {
    "sum_times": lambda: circuits.sum_times(),
    "forks": lambda: circuits.long_expression(),
    "used twice": lambda: circuits.used_twice(),
}


@pytest.mark.parametrize("case", CASES)
def test_it_shows_at_each_time_what_the_picture_shows_after_that_step(case):
    graph, inputs = CASES[case]()
    picture = graph.draw(*inputs)
    played = Played(picture.animate(seconds=2).svg)
    assert played.seconds == 2 * (picture.steps + 1 + 3)
    for step in range(picture.steps + 1):
        expected = ElementTree.fromstring(picture.at(step))
        labels = {
            one.get("data-key"): one.text for one in expected.iter() if "data-key" in one.attrib
        }
        for late in (0.01, 1.99):
            assert played.visible("data-key", 2 * step + late) == labels
            (caption,) = played.visible("data-step", 2 * step + late).values()
            assert caption == " ".join(picture._lines(picture._told(picture._moments[step].words)))
            lit = [one for one in expected.iter(f"{SVG}rect") if one.get("fill") in COLOURS]
            found = played.lit(2 * step + late)
            assert [style[5:12] for style in found.values()] == [one.get("fill") for one in lit]


COLOURS = ("#aceebb", "#ffcecb")


def test_every_number_comes_once_and_in_its_turn():
    graph, inputs = circuits.sum_times()
    played = Played(graph.draw(*inputs).animate(1).svg)
    seen = {}
    for step in range(7):
        for key, text in played.visible("data-key", step + 0.5).items():
            seen.setdefault(key, (step, text))
    # x = -2, y = 5, z = -4; q, then f; df at the turn; then what f and q send back.
    assert sorted(seen.values()) == sorted(
        [
            *[(0, "-2.00"), (0, "5.00"), (0, "-4.00"), (1, "3.00"), (2, "-12.00"), (3, "1.00")],
            *[(4, "-4.00"), (4, "3.00"), (5, "-4.00"), (5, "-4.00")],
        ]
    )


def test_then_the_finished_picture_rests_and_all_begins_again():
    graph, inputs = circuits.sum_times()
    picture = graph.draw(*inputs)
    played = Played(picture.animate(1).svg)
    everything = set(re.findall(r'data-key="(.*?)"', picture.svg))
    for time in (6.01, 8.99):
        assert set(played.visible("data-key", time)) == everything
        assert list(played.visible("data-step", time).values()) == [
            "Values in green above the wires, gradients in red below."
        ]
        assert played.lit(time) == {}
    assert played.visible("data-key", 9.01) == played.visible("data-key", 0.01)


def test_without_animations_it_is_the_finished_picture():
    graph, inputs = circuits.sum_times()
    picture = graph.draw(*inputs)
    played = Played(picture.animate().svg)
    assert "@media (prefers-reduced-motion:reduce)" in played.style
    assert "*{animation:none!important}" in played.style
    played.rules = {}
    assert set(played.visible("data-key", 0)) == set(re.findall(r'data-key="(.*?)"', picture.svg))
    assert len(played.visible("data-step", 0)) == 1
    static = [one for one in picture.svg.splitlines() if "<path" in one or "data-node" in one]
    assert [one for one in picture.animate().svg.splitlines() if one in static] == static


def test_it_holds_no_script_and_asks_for_nothing():
    graph, inputs = circuits.long_expression()
    svg = graph.draw(*inputs).animate().svg
    tags = {one.tag.removeprefix(SVG) for one in ElementTree.fromstring(svg).iter()}
    assert tags == {"svg", "style", "rect", "g", "path", "circle", "title", "text"}
    for word in ("href", "url(", "@import", "javascript", " on"):
        assert word not in svg.replace(" one", "")
    assert svg.count("http") == 1  # the name space


def test_names_of_any_kind_keep_the_document_sound():
    g = Graph()
    name = "a\"]}</style><script> & \\ é '"
    g.output(Tanh()(g.input("x")).named(name))
    svg = g.draw(1.0).animate().svg
    tree = ElementTree.fromstring(svg)
    (gate,) = [one for one in tree.iter() if one.get("data-node") == name]
    assert "<script" not in svg
    (what,) = [what for what in Played(svg).rules if "data-node" in what]
    quoted = re.fullmatch(r'\[data-node="(.*)"\] rect', what)[1]
    assert re.sub(r"\\([0-9a-f]+) ", lambda m: chr(int(m[1], 16)), quoted) == name
    assert gate.find(f"{SVG}rect") is not None


def test_two_on_one_page_do_not_meddle_with_each_other():
    pictures = [
        graph.draw(*inputs) for graph, inputs in (circuits.sum_times(), circuits.used_twice())
    ]
    names = [ElementTree.fromstring(one.animate().svg).get("id") for one in pictures]
    assert len(set(names)) == 2
    for name, one in zip(names, pictures, strict=True):
        rules = [line for line in Played(one.animate().svg).style.splitlines() if "{anim" in line]
        assert all(f"#{name} " in line for line in rules)


def test_a_notebook_shows_it_and_save_writes_it(tmp_path):
    graph, inputs = circuits.sum_times()
    animation = graph.draw(*inputs).animate()
    assert animation._repr_svg_() == animation.svg
    animation.save(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == animation.svg
    with pytest.raises(ValueError, match=r"'a.html' does not end in \.svg"):
        animation.save(tmp_path / "a.html")
    with pytest.raises(FileError):
        animation.save(tmp_path / "nowhere" / "a.svg")


@pytest.mark.parametrize("seconds", [0, -1, np.inf, np.nan])
def test_a_step_takes_some_time(seconds):
    graph, inputs = circuits.sum_times()
    with pytest.raises(ValueError, match=r"seconds is .*, expected a positive number"):
        graph.draw(*inputs).animate(seconds)


def test_the_structure_alone_has_nothing_to_play():
    graph, _ = circuits.sum_times()
    with pytest.raises(ValueError, match="draw the graph with its inputs"):
        graph.draw().animate()


def test_a_graph_of_arrays_plays_too():
    g = Graph()
    g.output(Tanh()(Affine(3, 2, rng=0)(g.input("x"))))
    played = Played(g.draw(np.ones((5, 3))).animate(1).svg)
    assert list(played.visible("data-key", 0.5).values()) == ["5×3 ‖3.87‖"]


def test_a_matrix_shows_its_entries_when_its_time_has_come():
    graph, inputs = circuits.vector_relu()
    played = Played(graph.draw(*inputs, dout=circuits.DF).animate(1).svg)
    seen = [set(played.visible("data-key", step + 0.5).values()) for step in range(4)]
    later = [new - old for old, new in pairwise(seen)]
    assert seen[0] == {"[1, -2, 3, -1]"}
    assert later == [{"[1, 0, 3, 0]"}, {"[4, -1, 5, 9]"}, {"[4, 0, 5, 0]"}]


BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)


@pytest.mark.skipif(not BROWSER, reason="Chromium is not installed")
def test_a_browser_plays_it_as_it_reads_here(tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    graph, inputs = circuits.used_twice()
    animation = graph.draw(*inputs).animate(2)
    animation.save(tmp_path / "a.svg")
    played = Played(animation.svg)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto((tmp_path / "a.svg").as_uri())
        for time in np.arange(0.5, played.seconds, 1):
            seen = page.evaluate(
                """(time) => { for (const one of document.getAnimations()) {
                     one.pause(); one.currentTime = time; }
                   return ["key", "step"].map((kind) =>
                     [...document.querySelectorAll(`[data-${kind}]`)]
                       .filter((one) => getComputedStyle(one).visibility === "visible")
                       .map((one) => one.getAttribute(`data-${kind}`)).sort()); }""",
                1000 * time,
            )
            assert seen == [
                sorted(played.visible(f"data-{kind}", time)) for kind in ("key", "step")
            ]
        page.emulate_media(reduced_motion="reduce")
        page.reload()
        assert page.evaluate("document.getAnimations().length") == 0
        browser.close()
