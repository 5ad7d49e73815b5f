import time

import numpy as np
import pytest

from chainrule.layers import Affine, ReLU, Scale
from chainrule.nets import Graph, Sequential, is_weight, load
from chainrule.nets.naming import gather


@pytest.mark.parametrize(
    ("name", "expected"),
    [("affine1.W", True), ("W1", True), ("block.affine2.W", True), ("affine1.b", False),
     ("Wide.b", False), ("batchnorm1.gamma", False), ("beta2", False)],
)  # fmt: skip
def test_weights_are_told_by_the_last_part_of_their_name(name, expected):
    assert is_weight(name) is expected


def test_views_of_one_buffer_are_apart_and_overlapping_ones_are_named():
    flat = np.zeros(12)
    apart = [{"W": flat[:6]}, {"W": flat[6:]}, {"W": np.zeros(0)}, {"W": np.zeros(0)}]
    joined, _ = gather(["a", "b", "c", "d"], apart)
    assert [*joined] == ["a.W", "b.W", "c.W", "d.W"]
    assert [*gather(["even", "odd"], [{"": flat[::2]}, {"": flat[1::2]}])[0]] == ["even", "odd"]
    with pytest.raises(ValueError, match=r"d\.W and a\.W are different arrays on the same memory"):
        gather(["a", "c", "d"], [{"W": flat[4:8]}, {"W": flat[:4]}, {"W": flat[7:]}])


def test_writing_and_loading_grow_with_the_number_of_layers_and_not_faster(tmp_path):
    def seconds(n):
        start = time.process_time()
        g = Graph()
        x = g.input("x")
        for k in range(n // 4):
            x = ReLU()(Scale(2.0)(x)).named(f"part{k}")
        g.output(x).save(tmp_path / "graph")
        Sequential(*[Affine(1, 1) for _ in range(n // 2)]).save(tmp_path / "row")
        load(tmp_path / "graph"), load(tmp_path / "row")
        return time.process_time() - start

    seconds(100)
    short = min(seconds(1000) for _ in range(3))
    assert seconds(8000) < 3 * 8 * short
