"""What the pages draw: formulas, circuits and curves, as part of the page and in its colours.

- {formula}`dx = dout Wᵀ`: a formula in a sentence; `formula` as a directive sets lines
- {circuit} sum_times: a circuit of `nets.circuits`, with its numbers
- {network} 3 4 2: an `MLP` of these sizes
- {curves} ReLU() Tanh(): activations with their derivatives
"""

import re
from html import escape
from typing import ClassVar

from docutils import nodes
from sphinx.util.docutils import SphinxDirective, SphinxRole

from chainrule import layers
from chainrule.nets import MLP, circuits
from chainrule.pictures import activations
from docs.site.making import formulas


def setup(app):
    """Adds the role and the directives."""
    app.add_role("formula", Formula())
    app.connect("doctree-read", keep_punctuation)
    app.add_directive("formula", Formulas)
    app.add_directive("circuit", Circuit)
    app.add_directive("network", Network)
    app.add_directive("curves", Curves)
    return {"parallel_read_safe": True}


SMALLEST = 0.6  # to which a circuit shrinks on a narrow page, before it has to be moved


def html(text):
    """Nodes that stand for a piece of HTML."""
    return [nodes.raw("", text, format="html")]


class Formula(SphinxRole):
    """A formula in a sentence, in which every word is a name."""

    def run(self):
        made = formulas.line(self.text, formulas.names_in(self.text))
        return html(made.replace(' displaystyle="true"', "")), []


def keep_punctuation(_app, doctree):
    """Puts what stands behind a formula in a sentence on the line of the formula."""
    for made in list(doctree.findall(nodes.raw)):
        after = made.next_node(descend=False, siblings=True)
        before, tag, formula = made.astext().rpartition("<math")
        if not formula.endswith("</math>") or not isinstance(after, nodes.Text):
            continue
        if sign := re.match(formulas.PUNCTUATION, after):
            made.replace_self(html(before + formulas.kept(tag + formula, sign[0])))
            after.parent.replace(after, nodes.Text(after[sign.end() :]))


class Formulas(SphinxDirective):
    """Lines of formulas and words; the option `names` has the words that are names, and without it
    all are."""

    has_content = True
    option_spec: ClassVar = {"names": str.split}

    def run(self):
        names = self.options.get("names") or formulas.names_in("\n".join(self.content))
        lines = (f"<div>{formulas.line(line, set(names))}</div>" for line in self.content)
        return html(f'<div class="formula">{"".join(lines)}</div>')


class Circuit(SphinxDirective):
    """The picture of a circuit of `nets.circuits`."""

    required_arguments = 1

    def run(self):
        name = self.arguments[0]
        graph, inputs = circuits.GALLERY[name]()
        return html(circuit(graph, inputs, circuits.UPSTREAM.get(name)))


class Network(SphinxDirective):
    """The picture of an `MLP`, of which the sizes are given."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        net = MLP(map(int, self.arguments[0].split()), rng=0)
        return html(framed(net.draw().svg, f"the network {net!r}, with its units"))


class Curves(SphinxDirective):
    """The curves of layers that map each number on its own, written as in Python."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        written = re.findall(r"(\w+)\(([^)]*)\)", self.arguments[0])
        some = [getattr(layers, name)(*map(float, numbers.split())) for name, numbers in written]
        return html(curves(some))


def circuit(graph, inputs, dout=None):
    """A graph at some inputs as HTML, for an upstream gradient of ones or another."""
    alt = f"the circuit {graph!r}, with its values and gradients"
    return framed(graph.draw(*inputs, dout=dout).svg, alt)


def framed(svg, alt):
    """A picture as HTML, which says what it shows and can be moved on a narrow page."""
    width = SMALLEST * float(re.search(r'width="([\d.]+)"', svg)[1])
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)
    svg = svg.replace('style="', f'style="min-width:{width:.0f}px;', 1)
    return f'<div class="circuit">{svg}</div>'


def curves(some, span=(-4, 4)):
    """Activations and their derivatives as HTML, a panel each."""
    svgs = "".join(activations(some, span).svgs())
    return f'<div class="curves">{svgs}</div>'
