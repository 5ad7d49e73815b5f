"""What a check reads in the source of a layer, and what it does where that is not to be had."""

import linecache

import numpy as np
import pytest

from chainrule.gradcheck import check

LAYER = """\
class Twice:
    def __init__(self):
        self.params, self.state = {}, {}

    def forward(self, x, *, train=True):
        out = 2 * x
        return out, x

    def backward(self, dout, cache):
        dx = 3 * dout
        return dx, {}
"""


def report(path):
    namespace = {"__name__": "somewhere"}
    exec(compile(LAYER, str(path), "exec"), namespace)
    linecache.checkcache()
    return check(namespace["Twice"](), np.array([[1.0, -2.0], [3.0, 0.5]]))


@pytest.mark.parametrize(
    "now",
    [
        "",
        "def f(:\n" * 12,
        "\n" * 3 + 'x = """never closed\n' * 9,
        "(" + "\n" * 20,
        "def other():\n    pass\n" * 10,
        "  deep\n back\n" * 9,
    ],
)
def test_a_file_that_has_changed_since_is_left_alone(tmp_path, now):
    path = tmp_path / "twice.py"
    path.write_text(now)
    (finding,) = report(path).findings
    assert "too large by a factor 1.5" in finding.message
    assert "line" not in str(report(path)).lower().replace("linear", "")


def test_the_line_of_the_gradient_is_shown_where_there_is_a_source(tmp_path):
    path = tmp_path / "twice.py"
    path.write_text(LAYER)
    found = report(path)
    assert found.findings[0].line == "line 10: dx = 3 * dout"
    assert "If line 10 read `dx = 2 * dout`, dx would be right." in str(found)
