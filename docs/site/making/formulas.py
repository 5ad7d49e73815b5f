"""Formulas as docstrings write them, `dx = gamma / √(var + eps) · dout`, as MathML.

Browsers set MathML themselves, sharp at any size and in the colour of the text, so that a page
needs neither scripts nor pictures. A line may mix formulas with words: `dx = dout where x > 0`.
"""

import re
from html import escape
from typing import NamedTuple

SUPER = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵀˣᵗˢᵏ", "0123456789−+Txtsk", strict=True))
SUB = dict(zip("₀₁₂₃₄₅₆₇₈₉ₙⱼₖᵢₓ", "0123456789njkix", strict=True))
FUNCTIONS = {"cos", "exp", "log", "max", "mean", "min", "sin", "softmax", "sum", "tanh"}
SIDES = {"kh", "kw"}  # of a window, which no constructor has by that name
CLOSING = {"(": ")", "[": "]", "{": "}", "⌊": "⌋"}
TALL = re.compile("<mfrac|<msqrt|largeop")  # what brackets grow with
PUNCTUATION = "[.,;:)]+"
HAT = "\u0302"  # combines with the letter before it
TOKEN = re.compile(
    r"(?P<code>`[^`]+`|\w+=\"\w+\"|\"\w+\"|[a-z]+'s\b)"
    rf"|(?P<up>[{''.join(SUPER)}]+)|(?P<down>[{''.join(SUB)}]+)|(?P<big>[ΣΠ])"
    rf"|(?P<name>(?:[α-ωΦµ∂∇]|[A-Za-z](?:[A-Za-z0-9]|_(?!\{{))*){HAT}?)"
    r"|(?P<number>\d+(?:\.\d+)?(?:e-?\d+)?|[½¼∞])|(?P<space>\s+)|(?P<sign>.)"
)


class Part(NamedTuple):
    """A part of a formula: an "atom", a "sign", or a "space" between two atoms. `inner` is an atom
    without the brackets around it, if it has any."""

    kind: str
    text: str
    inner: str = ""


def line(text, names):
    """A line of words and formulas as HTML; a word is part of a formula if it is in `names`."""
    parts = stretches(text, names)
    html = "".join(prose(part) if words else mathml(part) for part, words in parts)
    return re.sub(rf"(<math(?:(?!<math).)*</math>)({PUNCTUATION})", kept(r"\1", r"\2"), html)


def kept(formula, punctuation):
    """A formula with what stands behind it, which browsers would else put on a line of its own."""
    return f'<span class="kept">{formula}{punctuation}</span>'


def names_in(text):
    """The names of a text, all of its words."""
    return {match["name"] for match in TOKEN.finditer(text) if match["name"]}


def is_formula(text, names):
    """Whether a line begins with a formula: nothing but names and signs before its = or ←."""
    match = re.match(r"(?:\w[\w ]*:\s+)?([^=←`]*\S)\s*(?:=|←)(?!=)", text)
    return match is not None and not any(words for _, words in stretches(match[1], names))


def stretches(text, names):
    """The line cut into words and formulas, as (text, whether it is words); the punctuation at the
    ends of a formula goes with the words."""
    words = ""
    tokens = list(TOKEN.finditer(text))
    marks = [mark(token, names) for token in tokens]
    for at, token in enumerate(tokens):
        if token[0] == "a" and "w" in marks[at + 1 : at + 3]:  # the article
            marks[at] = "w"
    for match in re.finditer(r"[w ]+|f[f ]*", "".join(marks)):
        text = "".join(token[0] for token in tokens[match.start() : match.end()])
        core = text.strip(" .,;:") if match[0][0] == "f" else ""
        before, _, after = text.partition(core) if core else (text, "", "")
        words += before
        if core:
            yield from [(words, True), (core, False)] if words else [(core, False)]
            words = after
    if words:
        yield words, True


def mark(token, names):
    """What a token is: "w" for a word, code, or the gap between two formulas; " " for a space; "f"
    for a part of a formula."""
    if token["space"]:
        return " " if len(token[0]) == 1 else "w"
    name = (token["name"] or "").rstrip(HAT)
    base, _, index = name.partition("_")
    known = name in names | FUNCTIONS | SIDES or len(name) <= 1
    indexed = 0 < len(index) <= 2 and (base in names or len(base) == 1)
    return "f" if not token["code"] and (known or indexed) else "w"


def prose(text):
    """Words as HTML: what is in backticks as code, wide gaps kept."""
    wide = re.sub(r" {2,}", "\u2003\u2003", escape(text, quote=False))
    return re.sub(r"`([^`]+)`|(\w+=\"\w+\")", r"<code>\1\2</code>", wide)


def mathml(text):
    """A formula as a MathML element."""
    return f'<math displaystyle="true">{row(tokens_of(text))}</math>'


def tokens_of(text):
    """The tokens of a formula, as (kind, text)."""
    return [(match.lastgroup, match[0]) for match in TOKEN.finditer(text)]


def row(tokens):
    """Tokens as MathML, with what stands left and right of each / as a fraction."""
    parts = list(spaced(scripted(tokens)))
    while slashes := [at for at, part in enumerate(parts) if part.text == "/"]:
        at = slashes[0]
        signs = [-1, *(k for k, part in enumerate(parts) if part.kind == "sign"), len(parts)]
        first = signs[signs.index(at) - 1] + 1
        last = signs[signs.index(at) + 1]
        over, under = operand(parts[first:at]), operand(parts[at + 1 : last])
        parts[first:last] = [Part("atom", f"<mfrac>{over}{under}</mfrac>")]
    return "".join(map(written, parts))


def operand(parts):
    """One side of a fraction as an element; a single pair of brackets around it falls away."""
    inner = parts[0].inner if len(parts) == 1 else ""
    return f"<mrow>{inner or ''.join(map(written, parts))}</mrow>"


def written(part):
    """A part as MathML."""
    if part.kind in ("atom", "sup", "sub"):
        return part.text
    if part.kind == "space":
        return '<mspace width="0.25em"></mspace>'
    if part.text in "|‖":
        return f'<mo stretchy="false" lspace="0" rspace="0">{part.text}</mo>'
    return f"<mo>{'−' if part.text == '-' else escape(part.text)}</mo>"


def spaced(parts):
    """The parts, of whose spaces only those between two atoms are left."""
    parts = list(parts)
    for at, part in enumerate(parts):
        around = [one.kind for one in parts[max(at - 1, 0) : at + 2]]
        if part.kind != "space" or around == ["atom", "space", "atom"]:
            yield part


def scripted(tokens):
    """The parts of a formula, with roots, powers and indices put on what they belong to."""
    made: list[Part] = []
    for part in bracketed(tokens):
        before = made[-1] if made else Part("", "")
        if part.kind in ("sup", "sub") and before.kind == "atom":
            tag = "under" if "largeop" in before.text and part.kind == "sub" else part.kind
            made[-1] = Part("atom", f"<m{tag}>{before.text}<mrow>{part.text}</mrow></m{tag}>")
        elif part.kind == "atom" and before.text == "√":
            made[-1] = Part("atom", f"<msqrt>{part.inner or part.text}</msqrt>")
        elif part.kind == "atom" and before.text == "^" and len(made) > 1:
            made[-2:] = [Part("atom", f"<msup>{made[-2].text}{part.text}</msup>")]
        else:
            made.append(part)
    return made


def bracketed(tokens):
    """The tokens as parts, each pair of brackets with all that is inside as one atom."""
    at = 0
    while at < len(tokens):
        kind, text = tokens[at]
        index = tokens[at : at + 2] == [("sign", "_"), ("sign", "{")]
        end = closing(tokens, at + index)
        if end is None:
            yield simple(kind, text)
            at += 1
            continue
        inner = row(tokens[at + index + 1 : end])
        left, right = escape(text), escape(tokens[end][1])
        tag = "mo" if TALL.search(inner) else 'mo stretchy="false"'
        around = f"<mrow><{tag}>{left}</mo>{inner}<{tag}>{right}</mo></mrow>"
        yield Part("sub", inner) if index else Part("atom", around, inner if text == "(" else "")
        at = end + 1


def closing(tokens, start):
    """Where the bracket that opens at `start` closes; None where none opens, or none closes."""
    kind, opens = tokens[start]
    if kind != "sign" or opens not in CLOSING:
        return None
    depth = 0
    for at in range(start, len(tokens)):
        depth += (tokens[at][1] == opens) - (tokens[at][1] == CLOSING[opens])
        if depth == 0:
            return at
    return None


def simple(kind, text):
    """A token by itself as a part."""
    if kind in ("up", "down"):
        letters = SUPER if kind == "up" else SUB
        usual = "".join(letters[letter] for letter in text)
        return Part("sup" if kind == "up" else "sub", row(tokens_of(usual)))
    if kind in ("space", "sign"):
        return Part(kind, text)
    if kind == "number":
        return Part("atom", f"<mn>{text}</mn>")
    if kind == "big":
        return Part("atom", f'<mo largeop="true">{text}</mo>')
    return Part("atom", name(text))


def name(text):
    """A name as MathML: `p_nj` has the indices n and j, and a hat stands above its letter."""
    base, _, index = text.partition("_")
    if not 0 < len(index) <= 2:
        base, index = text, ""
    plain = base.rstrip(HAT)
    made = f"<mi>{plain}</mi>"
    if plain != base:
        made = f'<mover accent="true">{made}<mo stretchy="false">^</mo></mover>'
    letters = "".join(f"<mi>{letter}</mi>" for letter in index)
    return f"<msub>{made}<mrow>{letters}</mrow></msub>" if index else made
