"""Docstrings of the library, plain text with formulas and tables laid out by hand, as RST.

The docstrings stay as they are, since people read them in the source; here each paragraph is
recognised by its shape: formulas, a table, code, a list, a section such as Raises, or prose.
"""

import ast
import inspect
import re
import textwrap

from docs.site.making import formulas

SECTION = re.compile(r"(Args|Attributes|Raises|Returns):")
TERM = re.compile(r"(?P<term>[\w, ]*[\w,])(?: {2,})(?P<text>\S.*)")
ENTRY = re.compile(r"(?P<term>[\w, .]+):(?: |$)(?P<text>.*)")


def setup(app):
    """Lets autodoc show docstrings as this module reads them."""
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True}


def process(_app, _what, _name, thing, _options, lines):
    """Puts RST in the place of the lines of a docstring."""
    lines[:] = rst("\n".join(lines), names_of(thing, "\n".join(lines)))


def names_of(thing, text):
    """The names that formulas in the docstring of `thing` may use: those of its arguments and
    variables, those that the docstring itself defines, and the gradients of all these."""
    names = set(re.findall(r"(\w+)(?:\([^()]*\))?\s*(?:=|←)", text))
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    except (OSError, TypeError, SyntaxError):
        tree = ast.Module(body=[], type_ignores=[])
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            names.add(str(node.slice.value))  # params["gamma"]
    return names | {f"d{name}" for name in names}


def rst(text, names):
    """A whole docstring as lines of RST."""
    out = []
    for paragraph in paragraphs(text):
        out += [*block(paragraph, names), ""]
    return out


def paragraphs(text):
    """The docstring cut at empty lines; code keeps those between its own."""
    merged: list[str] = []
    for part in re.split(r"\n\s*\n", text.strip("\n")):
        if merged and part.startswith(" ") and merged[-1].startswith(" "):
            merged[-1] += "\n\n" + part
        elif part.strip():
            merged.append(part)
    return merged


def block(paragraph, names):
    """A paragraph as lines of RST."""
    whole = re.sub(r"`[^`]*`", lambda code: re.sub(r"\s*\n\s*", " ", code[0]), paragraph)
    lines = whole.splitlines()
    if paragraph.startswith(" "):
        return indented(textwrap.dedent(paragraph), names)
    if section := SECTION.fullmatch(lines[0]):
        entries = textwrap.dedent("\n".join(lines[1:])).splitlines()
        return [f"**{section[1]}**", "", *definitions(entries, ENTRY)]
    if lines[0].startswith("- "):
        return [escaped(line) for line in lines]
    if TERM.fullmatch(lines[0]) and not formulas.is_formula(lines[0], names):
        return definitions(lines, TERM)
    return mixed(lines, names)


def indented(text, names):
    """Code, or formulas that are set apart."""
    try:
        ast.parse(text)
        language = "python"
    except SyntaxError:
        language = "text"
    if language == "text" and formulas.is_formula(text.splitlines()[0], names):
        return directive("formula", text.splitlines(), f":names: {' '.join(sorted(names))}")
    return directive(f"code-block:: {language}", text.splitlines())


def directive(name, lines, *options):
    """A directive around lines."""
    head = f".. {name}" if "::" in name else f".. {name}::"
    return ["", head, *(f"   {option}" for option in options), "", *(f"   {x}" for x in lines), ""]


def definitions(lines, pattern):
    """Lines `term  text`, with what hangs below them, as a definition list."""
    out: list[str] = []
    for line in lines:
        match = None if line.startswith(" ") else pattern.fullmatch(line)
        if match:
            out += [f"``{match['term'].strip()}``", f"   {escaped(match['text'])}".rstrip()]
        else:
            out.append(f"   {escaped(line.strip())}" if out else escaped(line.strip()))
    return out


def mixed(lines, names):
    """Prose, and the formulas that stand on lines of their own in it."""
    out: list[str] = []
    gathered: list[str] = []
    for line in lines:
        if formulas.is_formula(line, names):
            line, _, rest = re.sub(r"\. (?=[A-Z])", ".\n", line).partition("\n")
            gathered.append(line)
        elif gathered and goes_on(gathered[-1], line):
            gathered[-1] += " " + line
            rest = ""
        else:
            rest = line
        if rest:
            out += [*formula(gathered, names), escaped(rest)]
            gathered = []
    return out + formula(gathered, names)


def goes_on(formula_line, line):
    """Whether a line ends the sentence that a formula began."""
    return line[:1].islower() and not formula_line.endswith(".") and not line.endswith(":")


def formula(lines, names):
    """Lines of formulas as a directive; nothing for none."""
    return directive("formula", lines, f":names: {' '.join(sorted(names))}") if lines else []


def escaped(text):
    """Prose as RST: what is in backticks as code, and every other sign as itself."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(
        f"\\ `{part}`\\ " if part.startswith("`") else re.sub(r"([*|_\\<])", r"\\\1", part)
        for part in parts
    )
