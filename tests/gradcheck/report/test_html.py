import re

import numpy as np
import pytest

from chainrule.gradcheck.report import Finding, Probe, Report, Tensor
from chainrule.gradcheck.report.html import heat_map


def wrong(name="b"):
    """A report on one wrong gradient, with characters that HTML has to escape."""
    tensor = Tensor(np.ones(3), np.full(3, 5.0), 0.8, 1e-11, None, False)
    return Report(
        "Affine<script>",
        [Finding("scale", name, f"grads['{name}'] is too small", "", "dx[0] =\n1", line="b < 1")],
        {name: tensor, "x": Tensor(np.ones(3), np.ones(3), 0.0, 1e-11, None, True)},
        {"order": Probe("failed", "reads <self.x>"), "state": Probe("passed")},
        ["a & b"],
        remarks=[Finding("stability", "out", "a < b", "Subtract <max> first.")],
    )


def test_html_is_escaped_and_names_every_tensor_and_probe():
    page = wrong()._repr_html_()
    assert "<script>" not in page
    assert "Affine&lt;script&gt;" in page
    assert "a &amp; b" in page
    assert "reads &lt;self.x&gt;" in page
    assert "<details" in page
    assert "grads[&#x27;b&#x27;] is too small" in page
    assert page.count("<svg") == 1  # of b alone
    assert page.count("<rect") == 3


def test_html_opens_and_closes_the_same_tags():
    page = wrong()._repr_html_() + Report("")._repr_html_()
    for tag in ("div", "table", "tr", "td", "svg", "rect", "title", "span", "ol", "li", "details"):
        assert len(re.findall(f"<{tag}[ >]", page)) == page.count(f"</{tag}>"), tag


def test_a_heat_map_says_yours_and_the_right_value_of_a_cell():
    page = heat_map("W", np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 2.5], [3.0, np.nan]]))
    assert "<title>W[0, 1]: yours 2, should be 2.5</title>" in page
    assert "<title>W[1, 1]: not measured</title>" in page
    assert 'fill="#f7f7f7"' in page  # right
    assert 'fill="#2166ac"' in page  # as low as it gets
    assert 'fill="#a8a8a8"' in page  # not measured


def test_a_heat_map_of_a_large_tensor_shows_the_worst_entry_of_each_block():
    right = np.zeros((300, 50))
    yours = right.copy()
    yours[123, 45] = -7
    page = heat_map("W", yours, right)
    assert page.count("<rect") == 24 * 24
    assert "W[123, 45]: yours -7, should be 0" in page
    assert "a block of up to 13 x 3 entries" in page


@pytest.mark.parametrize(("shape", "cells"), [((), 1), ((7,), 7), ((2, 3, 2), 12), ((0, 4), 0)])
def test_a_heat_map_takes_any_number_of_axes(shape, cells):
    assert heat_map("x", np.ones(shape), np.zeros(shape)).count("<rect") == cells


def test_a_heat_map_shows_gradients_that_are_not_finite():
    page = heat_map("x", np.array([np.nan, np.inf, 1.0]), np.ones(3))
    assert page.count('fill="#4a148c"') == 2
    assert "yours nan, should be 1" in page


def test_no_map_is_drawn_where_nothing_was_measured_or_shapes_differ():
    assert "random directions" in heat_map("x", np.ones(3), np.full(3, np.nan))
    assert "should have the shape (1, 3)" in heat_map("x", np.ones(3), np.ones((1, 3)))


def test_remarks_are_items_with_hint_and_badge():
    report = wrong()
    page = report._repr_html_()
    assert ">remark</span> <b>a &lt; b</b><br>Subtract &lt;max&gt; first.</li></ul>" in page
    assert "1 mistake, 1 remark" in page


def test_a_gradient_that_was_measured_along_random_directions_is_told_without_a_map():
    report = wrong()
    report.tensors["b"].numeric[...] = np.nan
    report.tensors["b"].error = float("nan")
    page = report._repr_html_()
    assert "random directions" in page
    assert "<svg" not in page
    assert ">nan<" in page
    report.tensors["b"].ok = True
    assert ">nan<" not in report._repr_html_()
