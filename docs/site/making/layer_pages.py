"""A page for each layer of the library, made anew with the site from the layer itself.

A page has the docstring, the curve where the layer has one, the layer as a circuit, the checker's
verdict, and the source of both passes. A new layer has a page as soon as `layers` exports it.
"""

import inspect
import sys
import textwrap
from pathlib import Path

import numpy as np

from chainrule import layers
from chainrule.gradcheck import check
from chainrule.nets import Graph
from docs.site.making import drawing
from docs.site.making.parts import TAKEN_APART

SPANS = ((-4, 4), (0.05, 4))  # of the curves; the second for what takes positive numbers alone
NUMBERS = (3.0, -4.0)  # that gates are drawn with, where a layer takes plain numbers
KINDS = {  # with those of which neither the class nor a curve tells the kind
    "Affine layers": "Affine Linear Maxout",
    "Convolution": "Conv ConvTranspose",
    "Pooling": "AveragePool GlobalAveragePool MaxPool",
    "Layers that change the shape": "Concatenate Flatten Pad Reshape Upsample",
    "Normalisation": "BatchNorm GroupNorm InstanceNorm LayerNorm RMSNorm",
    "Recurrence": "GRU GRUStep LSTM LSTMStep RNN RNNStep Last MeanOverTime",
    "Attention": "Attention Embedding MultiHeadAttention PatchEmbedding PositionalEmbedding "
    "PositionalEncoding RotaryEncoding",
    "Dropout": "Dropout Dropout2D",
    "Activations": "Softmax",
    "Losses": "",
    "Gates": "",
    "Other layers": "",
}


def setup(app):
    """Writes the pages before Sphinx looks for sources."""
    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir) / "layer"))
    return {"parallel_read_safe": True}


def classes():
    """The layers that the library exports, in the order of their names."""
    exported = (getattr(layers, name) for name in sorted(layers.__all__, key=str.lower))
    bases = (layers.Layer, layers.Loss)
    return [one for one in exported if isinstance(one, type) and one not in bases]


def write_pages(folder):
    """Brings the folder up to date; a page that stays the same is not touched."""
    pages = {f"{one.__name__}.rst": page(one) for one in classes()}
    pages["overview.md"] = overview()
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def overview():
    """All layers by kind, with what each is in a few words."""
    parts = []
    for title in KINDS:
        members = [one for one in classes() if kind_of(one) == title]
        if not members:
            continue
        rows = [f"| [`{one.__name__}`](/layer/{one.__name__}) | {about(one)} |" for one in members]
        toctree = "\n".join(f"/layer/{one.__name__}" for one in members)
        parts.append(
            f"## {title}\n\n| layer | what it is |\n|---|---|\n" + "\n".join(rows) + "\n\n"
            f"```{{toctree}}\n:hidden:\n\n{toctree}\n```\n"
        )
    return "\n".join(parts)


def kind_of(one):
    """The kind of a layer, one of KINDS."""
    for title, names in KINDS.items():
        if one.__name__ in names.split():
            return title
    if issubclass(one, layers.Loss):
        return "Losses"
    if "gate" in about(one):
        return "Gates"
    return "Activations" if curve(one) else "Other layers"


def about(one):
    """The first line of the layer's file."""
    return sys.modules[one.__module__].__doc__.splitlines()[0]


def page(one):
    """The page of a layer as RST."""
    name = one.__name__
    parts = [f"{name}\n{'=' * len(name)}", about(one), f".. autoclass:: chainrule.layers.{name}"]
    if drawn := curve(one):
        parts += [heading("Curve"), raw(drawn), CURVE]
    _, layer, *inputs = examples(one)[0]
    if not isinstance(layer.forward(*inputs)[0], tuple):  # a circuit has one value at each gate
        parts += [heading("As a circuit"), *circuit(one), CIRCUIT]
    parts += [heading("Forward and backward"), code(methods(one), "python")]
    parts += [heading("What the checker says"), CHECKED, code(verdict(one), "text")]
    return "\n\n".join(parts) + "\n"


CURVE = (
    "The line is what the layer makes of a number, the dashed line its derivative, both as its own "
    "two passes compute them; in the grey part, if there is one, it is flat."
)
CIRCUIT = (
    "Values stand in green above the wires, gradients in red below, for an upstream gradient of 1, "
    "of the first output if there are several that would cancel; vectors and matrices of up to 12 "
    "entries are shown with these, other arrays by their shape and norm."
)
CHECKED = "The first line of the report of ``gradcheck.check`` on each of the layer's examples:"


def heading(text):
    """A heading of a section."""
    return f"{text}\n{'-' * len(text)}"


def raw(html):
    """HTML that goes into the page as it is."""
    return ".. raw:: html\n\n" + textwrap.indent(html, "   ")


def code(text, language):
    """A block of code, or of output."""
    return f".. code-block:: {language}\n\n" + textwrap.indent(text, "   ")


def examples(one):
    """The layer's own examples, (name, layer, *inputs), always the same."""
    return list(one.examples(np.random.default_rng(0)))


def curve(one):
    """The curve of a layer that maps each number on its own, the same way in both modes; or ""."""
    _, layer, *inputs = examples(one)[0]
    if len(inputs) > 1 or hasattr(layer, "rng"):
        return ""
    if layer.forward(inputs[0])[0].shape != inputs[0].shape:
        return ""
    for span in SPANS:
        try:
            return drawing.curves([layer], span)
        except ValueError:  # it has no value somewhere, or mixes its inputs
            continue
    return ""


def circuit(one):
    """The layer taken apart into gates, with a sentence; or as one gate, at plain numbers if it
    takes them, else at its first example."""
    if taken_apart := TAKEN_APART.get(one.__name__):
        graph, inputs, dout, _ = taken_apart()
        return [inspect.getdoc(taken_apart), raw(drawing.circuit(graph, inputs, dout))]
    _, layer, *inputs = examples(one)[0]
    names = list(inspect.signature(one.forward).parameters)[1 : len(inputs) + 1]
    try:
        return [raw(drawn(layer, names, NUMBERS[: len(inputs)]))]
    except (TypeError, ValueError):  # it asks for a matrix or labels
        return [raw(drawn(layer, names, inputs))]


def drawn(layer, names, inputs):
    """The circuit of one layer with inputs of these names."""
    graph = Graph()
    graph.output(graph.add("out", layer, *map(graph.input, names)))
    return drawing.circuit(graph, inputs)


def methods(one):
    """The source of the layer's own methods, from the constructor to its last pass."""
    own = [getattr(one, name) for name in vars(one) if name not in ("examples", "__repr__")]
    return "\n".join(
        textwrap.dedent(inspect.getsource(method))
        for method in own
        if inspect.isroutine(method) and method.__module__ == one.__module__
    )


def verdict(one):
    """The first line of the checker's report for each example, without its time."""
    lines = []
    for name, layer, *inputs in examples(one):
        first = str(check(layer, *inputs, strict=True)).splitlines()[0]
        lines.append(f"{name}: {first.partition('   (')[0]}")
    return "\n".join(lines)
