import numpy as np
import pytest

from chainrule.gradcheck import hessian, jacobian, jacobian_memory
from chainrule.layers import MSE, Affine, Multiply
from chainrule.nets import Graph


def test_the_jacobian_of_the_lecture_takes_256_gib_and_its_product_two_mib():
    memory = jacobian_memory((64, 4096), (64, 4096), dtype=np.float32)
    assert memory.explicit == {"x": 2**38}
    assert memory.implicit == {"x": 2**21}
    assert str(memory).splitlines() == [
        "derivatives of out (64, 4096) in float32",
        "  with respect to  explicit Jacobian  implicit product",
        "  x (64, 4096)               256 GiB             2 MiB",
        "  1 GiB is 2³⁰ bytes, which lectures write as 1 GB",
    ]
    weights = jacobian_memory((4096, 4096), (64, 4096), dtype=np.float32)
    assert "16 TiB" in str(weights)
    assert "65 MiB" in str(weights)
    assert jacobian_memory((2,), (3,)).explicit == {"x": 48}
    assert "48 bytes" in str(jacobian_memory((2,), (3,)))
    assert "0 bytes" in str(jacobian_memory((0,), (3,)))
    assert "EiB" in str(jacobian_memory((2**40,), (2**40,)))


def test_the_memory_of_a_layer_is_told_for_every_input_and_parameter():
    layer = Affine(4, 3, rng=0, dtype=np.float32)
    memory = jacobian_memory(layer, np.ones((5, 4), np.float32))
    assert memory.explicit == {"x": 15 * 20 * 4, "W": 15 * 12 * 4, "b": 15 * 3 * 4}
    assert memory.implicit == {"x": 35 * 4, "W": 27 * 4, "b": 18 * 4}
    double = jacobian_memory(layer, np.ones((5, 4), np.float32), dtype=np.float64)
    assert double.explicit["x"] == 2 * memory.explicit["x"]


def test_whole_numbers_have_no_jacobian_but_the_parameters_beside_them_do():
    class Lookup:
        def __init__(self):
            self.params = {"a": np.array(3.0)}

        def forward(self, index):
            return self.params["a"] * np.ones(len(index)), index

        def backward(self, dout, cache):
            return None, {"a": dout.sum()}

    index = np.array([0, 1])
    assert jacobian_memory(Lookup(), index).explicit == {"a": 16}
    np.testing.assert_allclose(jacobian(Lookup(), index, wrt="a", method="central"), [1, 1])
    with pytest.raises(TypeError, match="index has dtype int64, and derivatives need floats"):
        jacobian(Lookup(), index)


@pytest.mark.parametrize(
    "shapes", [((3, 4),), ((3, 4), 3), ((3,), (-1,)), ((3,), (2.5,)), (64, 64), ([3], [4])]
)
def test_what_is_no_pair_of_shapes_is_refused(shapes):
    with pytest.raises(ValueError, match="expected the shape of x and the shape of out, such as"):
        jacobian_memory(*shapes)


def test_what_would_fill_the_memory_is_refused_before_it_is_formed():
    said = (
        r"jacobian: the array of shape \(10, 4096, 4096\) would take 1.25 GiB in float64, over the "
        r"limit of 1 GiB; vjp gives products with it without forming it, and jacobian_memory tells"
    )
    with pytest.raises(MemoryError, match=said):
        jacobian(lambda x: np.tile(x, (10, 1)), np.ones(4096))
    with pytest.raises(
        MemoryError, match=r"hessian: .* \(20000, 20000\) .* 2.98 GiB .*; hvp gives"
    ):
        hessian(lambda x: x @ x, np.ones(20_000))


def test_the_targets_of_a_loss_have_no_jacobian_and_are_left_out():
    scores, targets = np.ones((2, 3)), np.zeros((2, 3))
    assert jacobian_memory(MSE(), scores, targets).explicit == {"outputs": 8 * 6}


def test_a_graph_of_parameters_alone_has_jacobians_in_them():
    g = Graph()
    a, b = g.param("a", np.ones(3)), g.param("b", np.ones(3))
    g.output(Multiply()(a, b))
    assert jacobian_memory(g).explicit == {"a": 8 * 9, "b": 8 * 9}
