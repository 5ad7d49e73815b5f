"""Formulas as docstrings write them, and docstrings as pages show them."""

import re
from xml.etree import ElementTree

import pytest

from chainrule import layers
from docs.site.making import docstrings, formulas


def set_as(text, names=""):
    """What a formula is set as, in a short notation: fractions [a|b], powers ^{}, indices _{}."""
    (formula,) = re.findall("<math.*</math>", formulas.line(text, set(names.split())))
    return short(ElementTree.fromstring(formula))


def short(element):
    parts = [short(child) for child in element]
    if element.tag == "mfrac":
        return f"[{parts[0]}|{parts[1]}]"
    if element.tag in ("msup", "msub", "munder"):
        return f"{parts[0]}{'^' if element.tag == 'msup' else '_'}{{{parts[1]}}}"
    if element.tag == "msqrt":
        return f"√{{{''.join(parts)}}}"
    return (element.text or "") + "".join(parts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dx = dout Wᵀ", "dx=doutW^{T}"),
        ("σ(x) = 1 / (1 + e⁻ˣ)", "σ(x)=[1|1+e^{−x}]"),
        ("dx = -dout / x²", "dx=−[dout|x^{2}]"),
        ("x mask / keep + 1", "[xmask|keep]+1"),
        ("gamma / √(var + eps) · dout", "[gamma|√{var+eps}]·dout"),
        ("(a + b) (c - d) / 2", "[(a+b)(c−d)|2]"),
        ("a / b - c / d", "[a|b]−[c|d]"),
        ("Σₙ t_nj", "Σ_{n}t_{nj}"),
        ("Σ_{j ≠ y} s", "Σ_{j≠y}s"),
        ("m̂ / (√v̂ + eps)", "[m^|√{v^}+eps]"),
        ("rate^epoch", "rate^{epoch}"),
        ("log(1 + exp(-|s|))", "log(1+exp(−|s|))"),
        ("p (", "p("),
        ("s ← s + dw²", "s←s+dw^{2}"),
        ("dx = dout Φ(x)", "dx=doutΦ(x)"),
        ("H' = ⌊(H + 2 p - kh) / s⌋ + 1", "H'=⌊[H+2p−kh|s]⌋+1"),
    ],
)
def test_a_formula_is_set_as_one_writes_it_by_hand(text, expected):
    assert set_as(text, "dx dw dout x mask keep gamma var eps rate epoch") == expected


def test_words_stay_words():
    html = formulas.line("dx = dout where x > 0, else `keep`", {"dx", "dout"})
    formula = re.sub("<math.*?</math>", "∎", html)
    assert formula == '∎ where <span class="kept">∎,</span> else <code>keep</code>'


def test_a_genitive_is_a_word():
    html = formulas.line("out = b + what a layer's windows send", {"out"})
    assert "<mi>s</mi>" not in html


def test_brackets_grow_with_fractions_alone():
    assert 'stretchy="false">[' in formulas.line("out[n, j] = x", {"out"})
    assert "stretchy" not in formulas.line("(1 + 1 / x)", set())


def test_the_article_is_no_variable_and_a_variable_is():
    html = formulas.line("out = a x, with a fixed number a.", {"out"})
    assert html.count("<mi>a</mi>") == 2


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("out = x W + b.", True),
        ("training:   dx = dout", True),
        ("w ← w − lr dw", True),
        ("x (N, D), flattened to D = d1", False),
        ("Computed, with s = scores, so that", False),
        ("x and out have any shape.", False),
    ],
)
def test_a_formula_line_begins_with_one(line, is_one):
    assert formulas.is_formula(line, {"out", "dx", "dout", "lr", "dw", "scores"}) == is_one


def test_every_formula_of_every_layer_is_well_formed():
    for name in layers.__all__:
        thing = getattr(layers, name)
        if isinstance(thing, type):
            names = docstrings.names_of(thing, thing.__doc__)
            lines = [line.strip() for line in thing.__doc__.splitlines()]
            found = [line for line in lines if formulas.is_formula(line, names)]
            assert found or thing in (layers.Layer, layers.Loss), name
            for line in found:
                ElementTree.fromstring(f"<p>{formulas.line(line, names)}</p>")


def test_a_docstring_is_read_paragraph_by_paragraph():
    text = """out = x g.

    g (D,);  *not* emphasis, `g` is code.
    dx = dout g
    at least where g > 0

    lr   a rate,
         positive

        out = layer(x)

    Raises:
        ValueError: there is no x.
    """
    rst = docstrings.rst(re.sub("(?m)^ {4}", "", text), {"out", "g", "dx", "dout"})
    assert [line for line in rst if line.strip() and ":names:" not in line] == [
        ".. formula::",
        "   out = x g.",
        r"g (D,);  \*not\* emphasis, \ ``g``\  is code.",
        ".. formula::",
        "   dx = dout g at least where g > 0",
        "``lr``",
        "   a rate,",
        "   positive",
        ".. code-block:: python",
        "   out = layer(x)",
        "**Raises**",
        "``ValueError``",
        "   there is no x.",
    ]
