"""The homework in a real JupyterLab, in headless Chromium: "run all" ends without an error, and a
slider moves the numbers of its circuit."""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing

import pytest

from chainrule.notebooks.sources import homeworks, source_notebook, student_notebook

nbformat = pytest.importorskip("nbformat")
for needed in ("jupyterlab", "jupytext", "ipywidgets"):
    pytest.importorskip(needed, reason=f"{needed} is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("there is no chromium", allow_module_level=True)

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SETTINGS = {  # no news, and every cell really in the page
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}
IDLE = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab of its own: its address, and the folder that it shows."""
    root, own = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("own")
    for name, content in SETTINGS.items():
        path = own / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(content))
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = {
        "JUPYTER_CONFIG_DIR": own / "config",
        "IPYTHONDIR": own / "ipython",
        "JUPYTERLAB_SETTINGS_DIR": own / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": own / "workspaces",
    }
    options = (
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root}",
        "--IdentityProvider.token=",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    )
    with open(own / "log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            stdout=log,
            stderr=log,
            env={**os.environ, **{name: str(path) for name, path in folders.items()}},
        )
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(f"{address}/api/status")
            yield address, root
        finally:
            server.terminate()
            server.wait(20)


def wait_for(address):
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


@pytest.fixture
def page(tmp_path):
    state, threads = random.getstate(), threading.active_count()  # playwright draws names
    with playwright.sync_playwright() as play:
        context = play.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=CHROMIUM,
            headless=True,
            viewport={"width": 1300, "height": 1400},
            args=[*QUIET],
        )
        yield context.pages[0]
        context.close()
    random.setstate(state)
    until = time.monotonic() + 10
    while threading.active_count() > threads and time.monotonic() < until:
        time.sleep(0.05)  # its threads end a little later


def run_all(page, lab, name):
    """Opens a notebook of the folder, runs all its cells, and saves it; returns it as saved."""
    address, root = lab
    page.goto(f"{address}/lab/tree/{name}.ipynb?reset")
    page.wait_for_function(IDLE, timeout=120_000)
    run = "async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells') }"
    page.evaluate(run)
    page.wait_for_timeout(500)
    page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save') }")
    return nbformat.read(root / f"{name}.ipynb", as_version=4)


def pictured(page, name):
    """Screenshots of the notebook, where CHAINRULE_SCREENSHOTS names a folder for them."""
    folder = os.environ.get("CHAINRULE_SCREENSHOTS")
    if folder:
        page.set_viewport_size({"width": 1300, "height": 1400})
        cells = page.locator(".jp-Notebook .jp-Cell")
        for at in range(0, cells.count(), 4):
            cells.nth(at).scroll_into_view_if_needed()
            page.wait_for_timeout(150)
            page.screenshot(path=f"{folder}/{name}-{at:03}.png")


@pytest.mark.parametrize("who", ["source", "student"])
@pytest.mark.parametrize("name", homeworks())
def test_run_all_ends_without_an_error(page, lab, name, who):
    made = source_notebook(name)
    if who == "student":
        made = nbformat.read(student_notebook(name), as_version=4)
    nbformat.write(made, lab[1] / f"{name}-{who}.ipynb")
    done = run_all(page, lab, f"{name}-{who}")
    outputs = [(cell.id, output) for cell in done.cells for output in cell.get("outputs", ())]
    assert [cell for cell, output in outputs if output.output_type == "error"] == []
    assert all(cell.execution_count for cell in done.cells if cell.cell_type == "code")
    verdicts = {
        output["metadata"]["chainrule"]["verdict"]
        for _, output in outputs
        if "chainrule" in output.get("metadata", {})
    }
    assert verdicts == {"right" if who == "source" else "unwritten"}
    pictured(page, f"{name}-{who}")


def test_a_slider_moves_the_numbers_of_its_circuit(page, lab):
    name = "2-circuits"
    nbformat.write(source_notebook(name), lab[1] / f"{name}.ipynb")  # once the exercise is right
    run_all(page, lab, name)
    circuit = page.locator(".jp-OutputArea-output.jupyter-widgets svg, .widget-html svg").first
    before = circuit.text_content()
    handle = page.locator(".widget-slider .noUi-handle").first
    handle.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('.jp-OutputArea-output.jupyter-widgets svg, "
        ".widget-html svg').textContent !== before",
        arg=before,
        timeout=20_000,
    )
