"""The model of a step on many ranks, worked out by hand."""

import pytest

from benchmarks.scaling import BATCH, lines, predicted, predictions

BYTES = 4 * (785 * 2048 + 2 * 2049 * 2048 + 2049 * 10 + 2)  # all parameters, loss, signal
TOLD = {
    "strong": {1: 0.3, 2: 0.2},
    "weak": {1: 0.3, 2: 0.33},
    "ratios": {1: 1.0, 2: 1.5},
    "gradients": {1: 0.02, 64: 0.1, 128: 0.15, 256: 0.25},
    "gather": 0.01,
    "rest": 0.04,
    "messages": {8: 2e-6, 1000: 3e-6},
    "latency": 1e-6,
    "bandwidth": 1e10,
}


@pytest.mark.parametrize(
    ("ranks", "rows", "expected"),
    [
        (1, 256, 0.25 + 0.05),
        (2, 256, 0.15 + 0.05 + 2 * 1e-3 + BYTES / 1e9),
        (2, 512, 0.25 + 0.05 + 2 * 1e-3 + BYTES / 1e9),
        (4, 256, 0.1 + 0.05 + 4 * 1e-3 + 1.5 * BYTES / 1e9),
        (3, 288, (0.1 + 0.5 * 0.05) + 0.05 + 4 * 1e-3 + 4 / 3 * BYTES / 1e9),  # 96 rows
        (1024, 256, 0.02 + 0.05 + 20 * 1e-3 + 2 * 1023 / 1024 * BYTES / 1e9),
    ],
)
def test_a_step_by_the_model(ranks, rows, expected):
    found = predicted(TOLD, ranks, rows, latency=1e-3, bandwidth=1e9)
    assert found == pytest.approx(expected, rel=1e-12)


def test_without_a_cost_of_the_network_weak_scaling_is_ideal_and_strong_is_not():
    for ranks, strong, weak in predictions(TOLD, latency=0.0, bandwidth=1e30):
        assert weak == pytest.approx(ranks)
        assert strong <= 0.3 / 0.07 + 1e-9  # a row and what is not divided


def test_what_is_printed_has_the_measured_beside_the_model():
    printed = lines(TOLD, "sgd", 5e-6, 2.5e9)
    (two,) = [line for line in printed if line.startswith("| 2 ") and line.count("|") == 8]
    model = predicted(TOLD, 2, BATCH, 1e-6, 1e10)
    cells = [cell.strip() for cell in two.split("|")[1:-1]]
    assert cells[:5] == ["2", "200", f"{1e3 * model:.0f}", "1.50", "330"]
    assert cells[-1] == "1.82"  # 2 · 0.3 / 0.33
