"""The live page in a browser: curves are drawn, the button stops, the report is shown."""

import random
import shutil

import pytest

from chainrule.training.measures import ACCURACY
from chainrule.training.run.live import Live
from tests.training.run.test_live import Solver

driver = pytest.importorskip("playwright.sync_api")
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BROWSER, reason="there is no Chromium"),
]


@pytest.fixture
def browser():
    state = random.getstate()  # playwright draws from it
    with driver.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()
    random.setstate(state)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_curves_move_the_button_stops_and_the_report_appears(browser, scheme, tmp_path):
    stopped = []
    live = Live(0, tmp_path, ACCURACY, lambda: stopped.append(True))
    page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    live(Solver(1))
    page.goto(f"http://{live.address}/")
    page.wait_for_selector("text=epoch 1 of 3")
    for epochs in (2, 3):
        live(Solver(epochs))
    page.wait_for_selector("text=epoch 3 of 3")
    points = page.locator("svg#loss polyline.training").get_attribute("points")
    assert len(points.split()) == 3
    assert page.locator("polyline.validation").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("Tab")
    with page.expect_response("**/stop"):
        page.keyboard.press("Enter")
    page.wait_for_selector("text=stopping after the step in progress")
    assert stopped == [True]
    (tmp_path / "report.html").write_text("<p>here it is</p>")
    live.close("trained to the end")
    page.wait_for_selector("text=trained to the end")
    page.frame_locator("iframe").locator("text=here it is").wait_for()
    assert complaints == []
    page.close()
