"""The other commands, on small cases: memory, growth, time to an accuracy."""

import math

import numpy as np
import pytest

from benchmarks import growth, memory, mnist98

SIZES = (12, 40, 10)


def test_a_step_takes_at_least_what_is_necessary():
    peak, necessary = memory.step_peak((200, 300, 10), 16, "adam")
    params = 4 * (200 * 300 + 300 + 300 * 10 + 10)
    assert necessary == 4 * params + 4 * 16 * 310 + 8  # 8 bytes: the number of Adam's step
    assert necessary <= peak < 2 * necessary


def test_a_convolution_takes_at_least_what_goes_in_and_comes_out():
    case = {"kind": "convolution", "shape": (4, 3, 10, 8), "filters": 5, "size": 3, "stride": 1}
    found = memory.convolution_peak({**case, "pad": 0, "groups": 1, "dtype": "float32"})
    assert found[1] == 4 * (2 * (4 * 3 * 10 * 8 + 4 * 5 * 8 * 6) + 5 * 3 * 9 + 5)
    assert found[1] <= found[0]


def test_inference_takes_a_bounded_part_of_what_all_activations_would():
    beyond, _ = memory.inference_peak((16, 200, 2), 20_000)
    assert beyond < 20_000 * 200 * 4 / 2


def test_an_epoch_is_timed_in_three_ways():
    for stored in ("float32", "uint8"):
        found = memory.epoch_seconds(SIZES, 8, 64, stored, 1)
        assert len(found) == 3
        assert min(found) > 0


def test_rows_of_bytes_and_of_floats_are_the_same_rows():
    x = np.array([[0, 51, 255]], np.uint8)
    np.testing.assert_allclose(memory.scaled(x), [[0, 0.2, 1]], rtol=1e-6)
    assert memory.scaled(memory.scaled(x)).dtype == np.float32


@pytest.mark.parametrize("kind", memory.HEADERS)
def test_every_table_of_memory_has_a_cell_for_each_column(kind):
    pairs = dict.fromkeys(("steps", "convolutions", "inference"), (4e6, 2e6))
    found = {**pairs, "epochs": (2.0, 1.0, 1.0)}[kind]
    what = {kind: words for kind, words, _, _ in memory.measurements(True)}[kind]
    assert len(memory.cells(kind, what, found)) == len(memory.HEADERS[kind])


def test_growth_varies_one_thing_at_a_time():
    assert growth.case()["sizes"] == (784, 256, 256, 10)
    assert growth.case(width=8)["sizes"] == (784, 8, 8, 10)
    assert growth.case(depth=3)["sizes"] == (784, 256, 256, 256, 10)
    assert growth.case(batch=5)["batch"] == 5


def test_growth_is_measured_printed_and_drawn(tmp_path):
    found = growth.measure({"batch": (2, 4, 8)}, threads=1, rounds=1, seconds=0.001)
    assert "ours ÷ products" in growth.lines(found)[0]
    assert len(found["batch"]["ours"]["times"]) == 3
    growth.picture(found).save(tmp_path / "growth.png")
    assert (tmp_path / "growth.png").stat().st_size > 0


def test_the_table_of_mnist_has_medians_and_ratios():
    runs = {
        "ours": [[(2.0, 0.97), (2.0, 0.981)], [(2.0, 0.98)], [(4.0, 0.9), (4.0, 0.99)]],
        "pytorch": [[(8.0, 0.99)], [(8.0, 0.98)], [(8.0, 0.985)]],
    }
    ours, torch = mnist98.rows_of(runs)
    assert ours == ["Chainrule", "2", "4.0", "2.00", "1.00"]
    assert torch == ["PyTorch", "1", "8.0", "8.00", "0.50"]


def test_a_run_that_does_not_get_there_has_no_time():
    assert mnist98.reached([(1.0, 0.9)]) == (math.inf, math.inf)
    assert mnist98.reached([(1.0, 0.9), (2.0, 0.98)]) == (2, 3.0)
