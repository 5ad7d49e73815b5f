"""The site: it is built without a warning, all its links lead somewhere, and it asks for nothing
from outside."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from chainrule import layers

pytestmark = pytest.mark.slow  # the site is built, for a minute

ROOT = Path(__file__).parents[2]
LOADED = {("img", "src"), ("script", "src"), ("link", "href"), ("iframe", "src"), ("use", "href")}


class Page(HTMLParser):
    """The anchors of a page, and all that it points to, as (tag, attribute, address)."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.twice, self.points = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id":
                self.twice += [value] if value in self.anchors else []
                self.anchors.add(value)
            if name in ("href", "src", "xlink:href", "action") and value is not None:
                self.points.append((tag, name.removeprefix("xlink:"), value))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("sphinx", reason='the site is built by: pip install -e ".[docs]"')
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", out / "doctrees", "docs/site", out / "html"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = {path.resolve(): Page(path) for path in (out / "html").rglob("*.html")}
    assert len(pages) > 50
    return out / "html", pages


def test_every_link_anchor_and_picture_is_there(site):
    _, pages = site
    missing = []
    for path, page in pages.items():
        for _, _, address in page.points:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not there.is_file() or (
                anchor and there in pages and anchor not in pages[there].anchors
            ):
                missing.append(f"{path.name}: {address}")
    assert not missing


def test_no_page_has_an_anchor_twice(site):
    assert not {path.name: page.twice for path, page in site[1].items() if page.twice}


def test_a_formula_keeps_the_comma_or_full_stop_behind_it_on_its_line(site):
    out, _ = site
    texts = {path: path.read_text(encoding="utf-8") for path in out.rglob("*.html")}
    assert "</math>.</span>" in texts[out / "layer" / "GroupNorm.html"]  # of a docstring
    assert "</math>.</span> Products" in texts[out / "layers.html"]  # of a sentence
    loose = {name: re.findall(r"</math>[.,;:)]+(?![.,;:)]|</span>)", texts[name]) for name in texts}
    assert not [name for name, found in loose.items() if found]


def test_nothing_is_loaded_from_outside(site):
    out, pages = site
    for path, page in pages.items():
        for tag, name, address in page.points:
            if (tag, name) in LOADED:
                assert not urlsplit(address).netloc, f"{path.name} loads {address}"
    for path in out.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert "url(http" not in text.replace('"', "").replace("'", ""), path.name
        assert "@import" not in text, path.name


def test_every_layer_has_a_page_with_its_formula_and_its_source(site):
    out, _ = site
    for name in layers.__all__:
        thing = getattr(layers, name)
        if isinstance(thing, type) and thing not in (layers.Layer, layers.Loss):
            text = (out / "layer" / f"{name}.html").read_text(encoding="utf-8")
            assert "<math" in text, name
            assert "backward" in text, name
            assert "correct" in text, name


def test_each_layer_stands_under_a_heading_of_its_kind(site):
    out, _ = site
    text = (out / "layers.html").read_text(encoding="utf-8")
    article = text[text.index("<article") : text.index("</article>")]
    under: dict[str, list[str]] = {}
    for heading, name in re.findall(r"<h2>([^<]+)<|href=\"layer/(\w+)\.html", article):
        if heading:
            under[title := heading] = []
        else:
            under[title].append(name)
    assert under["Convolution"] == ["Conv", "ConvTranspose"]
    assert {"CrossEntropy", "Hinge", "MSE"} < {*under["Losses"]}
    assert {"Exp", "Sum"} < {*under["Gates"]}
    assert {"ReLU", "Softmax"} < {*under["Activations"]}
    assert "Other layers" not in under  # where a new one stands that has no kind yet
    exported = [one for one in map(vars(layers).get, layers.__all__) if isinstance(one, type)]
    bases = (layers.Layer, layers.Loss)
    placed = sorted(name for names in under.values() for name in names)
    assert placed == sorted(one.__name__ for one in exported if one not in bases)
