"""The saved page in a browser, with the network off."""

import re
import shutil

import numpy as np
import pytest

from chainrule.layers import Affine, Tanh
from chainrule.nets import Graph, circuits, log
from chainrule.nets.trace import brief

playwright = pytest.importorskip("playwright.sync_api")
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
pytestmark = pytest.mark.skipif(not BROWSER, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", *QUIET])
        yield running
        running.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Opens the page of a picture; nothing may go wrong in it, and nothing leave it."""
    context = browser.new_context(offline=True, viewport={"width": 1200, "height": 700})
    said, asked = [], []

    def visit(picture):
        picture.save(tmp_path / "page.html")
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((tmp_path / "page.html").as_uri())
        return page

    yield visit
    context.close()
    assert said == []
    assert {url.partition(":")[0] for url in asked} == {"file"}
    assert len(asked) == 1


def labels(page):
    """The labels that can be seen, by key."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("[data-key]")]
             .filter((label) => getComputedStyle(label).visibility === "visible")
             .map((label) => [label.dataset.key, label.textContent]))"""
    )


def slide(page, name, value):
    page.get_by_label(name, exact=True).evaluate(
        """(range, value) => { range.value = value;
             range.dispatchEvent(new Event("input", { bubbles: true })); }""",
        value,
    )


def press(page, name):
    page.get_by_role("button", name=name).click()


def test_sliders_move_every_number_as_the_graph_would(visit):
    graph, inputs = circuits.long_expression()
    page = visit(graph.draw(*inputs))
    assert labels(page) == dict(re.findall(r'data-key="(.*?)".*?>(.*?)<', graph.draw(*inputs).svg))
    for x, y in ((1.25, -0.5), (-4.0, 5.0), (0.0, 0.0)):
        slide(page, "x", x)
        slide(page, "y", y)
        assert sorted(labels(page).items()) == sorted(
            (key, text) for key, text in graph.draw(x, y).texts.items() if key in labels(page)
        )
        trace = graph.trace(x, y)
        shown = labels(page).values()
        for name in ("x", "y", "num", "den", "f"):
            assert brief(trace[name].value) in shown
            assert brief(trace[name].gradient) in shown


def test_parameters_have_sliders_too_and_stay_as_they_are_in_python(visit):
    g = Graph()
    w = np.array(2.0)
    g.output((g.input("x") * g.param("w", w)).named("f"))
    page = visit(g.draw(3.0))
    slide(page, "w", -1.5)
    assert sorted(labels(page).values()) == sorted(
        ["3.00", "-1.50", "-1.50", "3.00", "-4.50", "1.00"]
    )
    assert w == 2


def test_step_shows_one_thing_after_another(visit):
    graph, inputs = circuits.sum_times()
    page = visit(graph.draw(*inputs))
    everything = labels(page)
    press(page, "Reset")
    assert sorted(labels(page).values()) == ["-2.00", "-4.00", "5.00"]
    press(page, "Step")
    assert sorted(labels(page).values()) == ["-2.00", "-4.00", "3.00", "5.00"]
    assert page.locator("#caption").inner_text() == "q = x + y = 3.00"
    assert page.locator("g.forward").get_attribute("data-node") == "q"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.locator("g.backward").get_attribute("data-node") == "f"
    assert "1.00 × -4.00 = -4.00 to q" in page.locator("#caption").inner_text()
    slide(page, "z", 2.0)  # the sentence follows
    assert "1.00 × 2.00 = 2.00 to q" in page.locator("#caption").inner_text()
    press(page, "Back")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#count").inner_text() == "2 / 6"
    press(page, "Reset")
    for _ in range(6):
        press(page, "Step")
    assert labels(page) == everything
    press(page, "Step")  # after the last comes the first
    assert page.locator("#count").inner_text() == "0 / 6"
    press(page, "Back")
    assert page.locator("#count").inner_text() == "0 / 6"


def test_arrow_keys_on_a_slider_move_the_slider(visit):
    graph, inputs = circuits.sum_times()
    page = visit(graph.draw(*inputs))
    page.get_by_label("x", exact=True).press("ArrowRight")
    assert page.locator("#count").inner_text() == "6 / 6"
    assert "-2.00" not in labels(page).values()


def test_play_goes_through_and_stops_at_the_end(visit):
    graph, inputs = circuits.sum_times()
    page = visit(graph.draw(*inputs))
    page.clock.install()
    press(page, "Play")
    assert page.locator("#count").inner_text() == "0 / 6"
    page.clock.run_for(2500)
    assert page.locator("#count").inner_text() == "2 / 6"
    press(page, "Pause")
    page.clock.run_for(5000)
    assert page.locator("#count").inner_text() == "2 / 6"
    press(page, "Play")
    page.clock.run_for(20000)
    assert page.locator("#count").inner_text() == "6 / 6"
    assert page.locator("#play").inner_text() == "Play"


def test_outside_a_domain_the_page_says_so_and_goes_on(visit):
    g = Graph()
    x, y = g.input("x"), g.input("y")
    page = visit(g.output((log(x) + 1 / y).named("f")).draw(1.0, 2.0))
    slide(page, "x", -2.0)
    assert page.locator("#notice").inner_text() == "log has no value at -2.00."
    shown = labels(page)
    assert set(shown.values()) == {"-2.00", "2.00", "0.50", "1.00", "—"}
    slide(page, "x", 1.0)
    slide(page, "y", 0.0)
    assert page.locator("#notice").inner_text() == "1/x has no value at 0.00."
    slide(page, "y", 4.0)
    assert page.locator("#notice").inner_text() == ""
    assert "—" not in labels(page).values()


def test_a_graph_of_arrays_steps_without_sliders(visit):
    g = Graph()
    g.output(Tanh()(Affine(3, 2, rng=0)(g.input("</script><b>"))))
    picture = g.draw(np.ones((7, 3)))
    page = visit(picture)
    assert page.locator("input").count() == 0
    press(page, "Reset")
    assert list(labels(page).values()) == ["7×3 ‖4.58‖"]
    press(page, "Step")
    assert (
        page.locator("#caption").inner_text().startswith("affine1 = Affine(</script><b>) = 7×2 ‖")
    )


def test_matrices_step_with_their_entries_a_row_on_a_line(visit):
    graph, inputs = circuits.matrix_product()
    page = visit(graph.draw(*inputs, dout=circuits.DY))
    assert len(labels(page)) == 6
    press(page, "Reset")
    assert set(labels(page)) == {"v0", "v1"}
    rows = page.locator("[data-key=v0] tspan").all_text_contents()
    assert [row.replace("\N{NO-BREAK SPACE}", " ") for row in rows] == [
        "[ 2, 1, -3]",
        "[-3, 4,  2]",
    ]
    press(page, "Step")
    caption = page.locator("#caption").inner_text()
    assert caption == "Y = X @ W = [[-1, -1, 2, 6], [5, 2, 11, 7]]"


def test_a_constant_has_no_slider(visit):
    graph, inputs = circuits.clipped_output()
    page = visit(graph.draw(*inputs))
    assert page.locator("input").count() == 1
    slide(page, "z", 0.25)
    assert sorted(labels(page).values()) == ["0.25"] * 3 + ["1.00"] * 3
    slide(page, "z", 3.0)
    assert sorted(labels(page).values()) == ["0.00"] + ["1.00"] * 4 + ["3.00"]


@pytest.mark.parametrize(
    ("x", "dout", "first"),
    [
        (1.0, np.nan, "1.00"),
        (1.0, np.inf, "1.00"),
        (np.nan, 1.0, "nan"),
        (-np.inf, 1.0, "-inf"),
        (1e308, 1.0, "1.0e+308"),
    ],
)
def test_numbers_without_end_step_without_sliders(visit, x, dout, first):
    g = Graph()
    with np.errstate(all="ignore"):
        picture = g.output((g.input("x") * 0.5 + 1).named("f")).draw(x, dout=dout)
    page = visit(picture)
    assert page.locator("input").count() == 0
    assert labels(page) == {k: text for k, text in picture.texts.items() if k in labels(page)}
    assert len(labels(page)) == len(re.findall("data-key", picture.svg))
    press(page, "Reset")
    assert list(labels(page).values()) == [first]
    press(page, "Step")
    assert page.locator("#caption").inner_text().startswith("0.5 × x = ")


def test_the_largest_number_with_a_slider_moves(visit):
    g = Graph()
    page = visit(g.output(g.input("x") * 2).draw(1e300))
    assert "2.0e+300" in labels(page).values()
    slide(page, "x", -1e300)
    assert "-2.0e+300" in labels(page).values()


def test_texts_are_no_wider_than_the_room_they_have(visit):
    graph, inputs = circuits.long_expression()
    page = visit(graph.draw(*inputs))
    slide(page, "x", 5.0)
    widths = page.evaluate(
        """() => [...document.querySelectorAll("svg text")]
             .map((text) => [text.textContent.length * parseFloat(getComputedStyle(text).fontSize),
                             text.getBBox().width])"""
    )
    assert all(wide <= 0.615 * room + 1 for room, wide in widths)  # slanted letters lean out


def test_on_a_phone_the_picture_scrolls_and_the_page_does_not(visit):
    graph, inputs = circuits.long_expression()
    page = visit(graph.draw(*inputs))
    page.set_viewport_size({"width": 390, "height": 700})
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
    assert page.evaluate("find('picture').scrollWidth > find('picture').clientWidth")
