"""The museum: its page says what the checker says now, and where each mistake happened."""

import json
import re

import pytest

from benchmarks import museum
from benchmarks.mistakes import REAL

PAGE = museum.PAGE.read_text(encoding="utf-8")
BY_ID = {mistake.id: mistake for mistake in REAL}
EXHIBITS = [exhibit for room in museum.stories() for exhibit in room["exhibit"]]
SECTIONS = dict(re.findall(r"^### \d+\. ([^\n]+)\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))

each = pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit["id"])


def settled(text):
    """Without what differs from one machine to another: time, and the rounding of a right one."""
    text = re.sub(r"\(\S+ forward calls, [^)]*\)", "(…)", text)
    return re.sub(r"ok \(\d\S*\)", "ok (…)", text)


def shown(exhibit, caption):
    """The block with this caption in the section of an exhibit."""
    section = SECTIONS[exhibit["title"]]
    return re.search(rf"^:caption: {caption}[^\n]*\n(.*?)\n```$", section, re.M | re.S)[1]


@each
def test_the_report_is_what_the_checker_says_now(exhibit):
    report = museum.report(exhibit["id"])
    assert not report
    assert settled(shown(exhibit, "Chainrule")) == settled(str(report))


@each
def test_the_source_is_that_of_the_mistake_and_leads_to_its_issue(exhibit):
    section, source = SECTIONS[exhibit["title"]], BY_ID[exhibit["id"]].source
    repository, number = re.match(r"(\S+)#(\d+)", source).groups()
    assert f"](https://github.com/{repository}/issues/{number})" in section
    words = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", section)
    assert f" · {source}\n" in words


@each
def test_the_wrong_lines_and_the_right_ones_are_shown(exhibit):
    patch = BY_ID[exhibit["id"]].patch
    wrong = [f"- {line}" for new in patch.values() for line in new.splitlines()]
    right = [f"+ {line}" for line in patch]
    assert "\n".join([*wrong, *right, "```"]) in SECTIONS[exhibit["title"]]


def test_the_page_is_what_the_script_writes():
    assert settled(museum.page()) == settled(PAGE)


def test_there_are_twenty_each_with_a_story_and_with_an_answer_of_pytorch():
    names = [exhibit["id"] for exhibit in EXHIBITS]
    assert len(names) == len(set(names)) == len(SECTIONS) == 20
    answers = json.loads(museum.PYTORCH.read_text(encoding="utf-8"))["answers"]
    assert answers.keys() == set(names)
    assert all(20 < len(exhibit["story"].split()) < 90 for exhibit in EXHIBITS)


def test_where_readers_were_not_content_the_page_says_what_is_missing():
    verdicts = json.loads(museum.VERDICTS.read_text(encoding="utf-8"))
    for exhibit in EXHIBITS:
        first = museum.report(exhibit["id"]).findings[0].message
        named = verdicts[exhibit["id"]].get(first) == "yes"
        assert named != ("short" in exhibit), exhibit["id"]
        assert named or exhibit["short"] in SECTIONS[exhibit["title"]]
