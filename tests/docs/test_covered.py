"""What the page of the course's contents says is there: every heading, name, page and number."""

import importlib
import re

import numpy as np
import pytest

from chainrule.nets import circuits
from docs.site.making.covered import ITEMS, homework, names, tables, topics

KEYS = {"says", "homework", "library", "page", "circuit", "values", "gradients"}
every_item = pytest.mark.parametrize(
    "item", [pytest.param(item, id=item["says"]) for topic in topics() for item in topic["items"]]
)


def test_nothing_is_listed_twice():
    said = [item["says"] for topic in topics() for item in topic["items"]]
    assert len({*said}) == len(said)


@every_item
def test_an_item_is_somewhere(item):
    assert {*item} <= KEYS
    assert {*item} & {"homework", "library", "page", "circuit"}


@every_item
def test_its_homework_has_the_heading(item):
    told = homework(item)
    assert bool(told) == ("homework" in item)
    assert told[:1] == item.get("homework", "")[:1]


def test_a_heading_that_is_not_there_is_told():
    with pytest.raises(ValueError, match=r"3-affine\.py has no heading that begins 'Part 99'"):
        homework({"homework": "3: Part 99"})


@every_item
def test_the_library_has_its_names(item):
    for name in names(item):
        module, _, last = f"chainrule.{name}".rpartition(".")
        assert hasattr(importlib.import_module(module), last)


@every_item
def test_the_site_has_its_page_and_the_heading_there(item):
    if "page" in item:
        page, _, anchor = item["page"].partition("#")
        text = (ITEMS.parent / page).read_text(encoding="utf-8")
        for borrowed in re.findall(r"^<!-- all of (\S+) -->$", text, re.M):
            text += (ITEMS.parent / borrowed).read_text(encoding="utf-8")
        slugs = [
            re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#{1,3} (.+)$", text, re.M)
        ]
        assert not anchor or anchor in slugs


@every_item
def test_its_circuit_has_the_numbers(item):
    if "circuit" in item:
        graph, inputs = getattr(circuits, item["circuit"])()
        trace = graph.trace(*inputs)
        for name, value in item.get("values", {}).items():
            assert near(trace[name].value, value), f"{name} = {trace[name].value}"
        for name, value in item.get("gradients", {}).items():
            assert near(trace[name].gradient, value), f"∂{name} = {trace[name].gradient}"


def near(found, said):
    """Whether `found` is `said` to the digits that are written, at least two decimals."""
    said = np.asarray(said)
    digits = [len(repr(float(one)).partition(".")[2]) for one in said.ravel()]
    return found.shape == said.shape and np.allclose(
        found, said, rtol=0, atol=0.51 * 10.0 ** -max(*digits, 2)
    )


def test_the_page_has_a_row_for_each():
    rows = [line for line in tables(topics()).splitlines() if line.startswith("| ")]
    count = sum(len(topic["items"]) for topic in topics())
    assert len(rows) == count + len(topics())
    assert all(line.count(" | ") == 2 for line in rows)
