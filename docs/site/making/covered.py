"""The page of what the course covers, made from covered.toml."""

import re
import tomllib
from pathlib import Path

from chainrule.notebooks.sources import SOLUTIONS

MARK = "<!-- all items of covered.toml -->"
HEADING = re.compile(r"^# (#{2,3}) (.+)$", re.M)
ITEMS = Path(__file__).parents[1] / "covered.toml"


def setup(app):
    """Lets Sphinx read the page."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True}


def read(app, _, source):
    """Puts the tables in the place of the mark."""
    if MARK in source[0]:
        app.env.note_dependency(str(ITEMS))
        source[0] = source[0].replace(MARK, tables(topics()))


def topics():
    """The topics of the file, with their items."""
    return tomllib.loads(ITEMS.read_text(encoding="utf-8"))["topic"]


def tables(topics):
    """A heading and a table for each topic, in Markdown."""
    return "\n\n".join(
        f"## {topic['title']}\n\n| item | homework | library and site |\n|---|---|---|\n"
        + "\n".join(row(item) for item in topic["items"])
        for topic in topics
    )


def row(item):
    """An item as a row of its table."""
    says = item["says"] + (f". {numbers(item)}" if "circuit" in item else "")
    return f"| {says} | {homework(item)} | {places(item)} |"


def homework(item):
    """Where an item is in the course: the number of the homework, and the heading."""
    if "homework" not in item:
        return ""
    number, _, beginning = item["homework"].partition(": ")
    (source,) = SOLUTIONS.glob(f"{number}-*.py")
    for _, heading in HEADING.findall(source.read_text(encoding="utf-8")):
        if heading.startswith(beginning):
            words = re.sub(r"^(Part )?\d+\. | \(\d points?\)$", "", heading)
            return f"{number}: {words}"
    raise ValueError(f"covered.toml: {source.name} has no heading that begins {beginning!r}")


def numbers(item):
    """The circuit of an item, and what it has."""
    told = [f"{name} = {value}" for name, value in item.get("values", {}).items()]
    told += [f"∂{name} = {value}" for name, value in item.get("gradients", {}).items()]
    return f"`circuits.{item['circuit']}`" + (": " + ", ".join(told) if told else "")


def places(item):
    """Where an item is in the library and on the site, as links."""
    found = [f"{{py:obj}}`~chainrule.{name}`" for name in names(item)]
    if "page" in item:
        page, _, heading = item["page"].partition("#")
        words = heading.replace("-", " ") or page.removesuffix(".md")
        found.append(f"[{words}]({item['page']})")
    return ", ".join(found)


def names(item):
    """The names in the library, below chainrule."""
    return [name for name in item.get("library", "").split(", ") if name]
