"""The layers that their pages take apart into gates: the circuits compute what the layers do."""

import numpy as np
import pytest

from chainrule import layers
from docs.site.making.parts import TAKEN_APART


@pytest.mark.parametrize("name", TAKEN_APART)
def test_a_circuit_computes_what_the_layer_does(name):
    graph, inputs, dout, out = TAKEN_APART[name]()
    found, _ = graph.forward(*(np.asarray(x, np.float64) for x in inputs))
    assert hasattr(layers, name)
    np.testing.assert_allclose(np.ravel(found), np.ravel(out), rtol=1e-14)
    assert any(np.any(one != 0) for one in gradients(graph.trace(*inputs, dout=dout), graph))


def gradients(trace, graph):
    return [trace[name].gradient for name, node in graph.nodes.items() if node.op is None]
