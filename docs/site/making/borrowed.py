"""Pages of the repository that are pages of the site too, such as docs/scaling.md.

A line `<!-- all of FILE -->` in a page stands for the text of the file, whose links are led to
where their targets are in the site.
"""

import os
import re
from pathlib import Path

BORROWED = re.compile(r"^<!-- all of (\S+) -->$", re.M)
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
PAGES = {
    "docs/performance.md": "performance.md",
    "docs/scaling.md": "processes.md",
    "docs/studies.md": "studies.md",
    "notebooks/README.md": "course.md",
}


def setup(app):
    """Lets Sphinx read such pages."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True}


def read(app, docname, source):
    """Puts the text of files in the place of the lines that name them."""
    folder = Path(app.env.doc2path(docname)).parent

    def text_of(match):
        file = (folder / match[1]).resolve()
        app.env.note_dependency(str(file))
        text = file.read_text(encoding="utf-8").partition("\n")[2]  # the page has its own title
        return LINK.sub(lambda link: led(link, file, folder), text)

    source[0] = BORROWED.sub(text_of, source[0])


def led(link, file, folder):
    """A link of a borrowed file as the site has it."""
    shows, words, target = link.groups()
    if re.match(r"\w+:|#", target):
        return link[0]
    there = (file.parent / target).resolve()
    path = there.relative_to(folder.parents[1]).as_posix()
    if shows and there.exists():
        return f"![{words}]({os.path.relpath(there, folder)})"
    if shows:
        return f"*The picture of {words} is not in this copy: the command above draws it.*"
    if path in PAGES:
        return f"[{words}]({PAGES[path]})"
    if re.fullmatch(r"(layers|solvers)/\w+\.py", path):
        return (
            f'<a href="_modules/chainrule/{path.removesuffix(".py")}.html">{words.strip("`")}</a>'
        )
    return words if "`" in words else f"`{words}`"
