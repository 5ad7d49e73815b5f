import json

import numpy as np
import pytest

from chainrule.gradcheck.report import Finding, GradientError, Probe, Report, Tensor


def tensor(shape=(4, 3), ok=True, error=3e-13, **changes):
    right = np.random.default_rng(0).standard_normal(shape)
    fields = {"analytic": right if ok else right / 5, "numeric": right, "error": error}
    return Tensor(**fields | {"rounding": 1e-11, "kinks": None, "ok": ok} | changes)


def mean_of_b():
    return Report(
        "Affine(4 → 3)",
        [
            Finding(
                "scale",
                "b",
                "grads['b'] is too small by a factor 5 = N in every entry.",
                "The loss already averages over the batch: sum over axis 0, do not take the mean.",
                "grads['b'][0] = 0.2471, should be 1.2355",
                1e-12,
                (np.array([0, 2]),),
                "        line 7: db = dout.mean(axis=0)",
            )
        ],
        {"x": tensor((5, 4)), "W": tensor(error=2e-13), "b": tensor((3,), ok=False, error=0.8)},
        {"mutation": Probe("passed"), "state": Probe("not applicable", "it has no state")},
        forwards=62,
        seconds=0.009,
    )


def monster():
    findings = [
        Finding("sign", f"W{at}", "has the wrong sign " * 20, "look " * 90, "dx[0] =\n1 " * 30)
        for at in range(9)
    ]
    tensors = {f"layers[{at}].W": tensor((2, 2), ok=at % 3 > 0) for at in range(30)}
    probes = {f"probe {at}": Probe("failed", "why " * 50) for at in range(40)}
    return Report("MLP(" + "Affine, " * 90, findings, tensors, probes, ["note " * 60] * 8, 1000, 99)


def test_a_report_on_a_mistake_tells_verdict_tensors_message_hint_and_example():
    assert str(mean_of_b()) == (
        "Affine(4 → 3): 1 mistake   (62 forward calls, 9 ms)\n"
        "  x ok (3e-13)   W ok (2e-13)   b WRONG\n"
        "  grads['b'] is too small by a factor 5 = N in every entry.\n"
        "  The loss already averages over the batch: sum over axis 0, do not take the mean.\n"
        "      grads['b'][0] = 0.2471, should be 1.2355\n"
        "      in line 7: db = dout.mean(axis=0)"
    )
    assert repr(mean_of_b()) == "<Report Affine(4 → 3): 1 mistake>"


def test_a_correct_report_counts_passes_and_probes():
    report = Report(
        "BatchNorm(features=4)",
        tensors={"x": tensor((5, 4)), "x (inference)": tensor((5, 4), error=4e-13)},
        probes={"order": Probe("passed"), "dtype": Probe("passed"), "images": Probe("skipped")},
        forwards=1,
        seconds=2.34,
    )
    assert str(report) == (
        "BatchNorm(features=4): correct (training and inference, 2 probes)   "
        "(1 forward call, 2.3 s)\n"
        "  x ok (4e-13)"
    )
    assert report


def test_a_note_joins_the_verdict_where_it_fits_and_has_its_own_line_otherwise():
    note = "3 inputs are exactly 0, where any slope in [0, 1] is right"
    assert str(Report("ReLU()", notes=[note])).startswith(f"ReLU(): correct; {note}")
    assert str(Report("ReLU()", notes=[note, "two"])).splitlines()[1:] == [
        f"  note: {note}",
        "  note: two",
    ]
    assert "\n  note: word word" in str(Report("ReLU()", notes=["word " * 30]))


def test_a_tensor_that_is_wrong_in_inference_alone_is_named_apart():
    tensors = {"x": tensor(), "x (inference)": tensor(ok=False)}
    assert "x ok (3e-13)   x (inference) WRONG" in str(Report("A", [], tensors))


def test_text_stays_within_12_lines_of_100_columns_whatever_is_in_the_report():
    for report in (monster(), Report(""), Report("many\nlines\n" * 9)):
        lines = str(report).splitlines()
        assert len(lines) <= 12
        assert max(map(len, lines)) <= 100


def test_findings_that_do_not_fit_are_counted_and_the_first_keeps_its_example():
    report = mean_of_b()
    report.findings += [Finding("sign", f"W{at}", f"message {at}", "hint") for at in range(9)]
    lines = str(report).splitlines()
    assert "      grads['b'][0] = 0.2471, should be 1.2355" in lines
    assert lines[6] == "  message 0"
    assert lines[-1].startswith("  and 4 more: W5 (sign), W6 (sign)")


def test_failed_probes_are_named_and_the_others_counted():
    report = mean_of_b()
    report.probes["order"] = Probe("failed", "reads self.x")
    assert "probes: 1 passed, 1 failed, 1 not applicable (failed: order)" in str(report)


def test_no_text_ever_holds_an_array():
    report = mean_of_b()
    for part in (report, *report.findings, *report.tensors.values()):
        assert "array" not in repr(part)
        assert "\n" not in repr(part)
        assert "array" not in str(report)


def test_as_dict_is_strict_json_with_null_for_what_is_not_finite():
    report = mean_of_b()
    report.tensors["W"] = tensor(error=np.float64(np.nan), ok=np.False_)
    report.findings.append(
        Finding("unknown", "W", "?", evidence=np.inf, where=np.nonzero(np.ones((20, 20))))
    )
    found = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert found["subject"] == "Affine(4 → 3)"
    assert found["correct"] is False
    assert found["findings"][0]["where"] == [[0], [2]]
    assert found["findings"][0]["kind"] == "scale"
    assert found["findings"][1]["evidence"] is None
    assert len(found["findings"][1]["where"]) == 100
    assert found["findings"][1]["where"][21] == [1, 1]
    assert found["tensors"]["W"] == {"ok": False, "error": None, "rounding": 1e-11, "kinks": 0}
    assert found["probes"]["state"] == {"outcome": "not applicable", "why": "it has no state"}
    assert (found["forwards"], found["seconds"], found["seed"]) == (62, 0.009, 0)


def test_a_gradient_error_carries_the_text_of_the_report():
    with pytest.raises(AssertionError, match="1 mistake"):
        raise GradientError(mean_of_b())


def test_a_long_message_leaves_room_for_hint_and_example():
    finding = Finding("sign", "W", "word " * 200, "hint " * 90, "dW[0] = 1, should be -1")
    lines = str(Report("Affine", [finding] * 2)).splitlines()
    assert [line.strip()[:4] for line in lines[1:8]] == [*["word"] * 3, *["hint"] * 3, "dW[0"]
    assert lines[3].endswith("…")


def test_code_is_not_broken_over_lines():
    message = f"dx would agree {'in every digit ' * 5}with `np.tanh(new) + 1` for `new` in line 9"
    lines = str(Report("Affine", [Finding("sign", "W", message)])).splitlines()
    assert any("`np.tanh(new) + 1`" in line for line in lines)
    assert lines[1].endswith("with")


def remark(at=1, hint="Subtract the maximum first."):
    message = f"for inputs {10**at} times as large, the output is nan or inf"
    return Finding("stability", "out", message, hint, level="remark")


def test_a_correct_report_with_remarks_is_true_and_says_how_many_there_are():
    report = Report(
        "Exp()",
        tensors={"x": tensor()},
        probes={"order": Probe("passed"), "times 1000": Probe("remark", "nan")},
        remarks=[remark(3)],
    )
    assert report
    assert str(report) == (
        "Exp(): correct, 1 remark (1 probe)   (0 forward calls, 0 ms)\n"
        "  x ok (3e-13)\n"
        "  remark: for inputs 1000 times as large, the output is nan or inf. Subtract the "
        "maximum first."
    )
    assert repr(report) == "<Report Exp(): correct, 1 remark>"


def test_remarks_beside_a_mistake_stand_last_and_are_counted():
    report = mean_of_b()
    report.remarks = [remark(1, ""), remark(2, "")]
    assert not report
    lines = str(report).splitlines()
    assert lines[0].startswith("Affine(4 → 3): 1 mistake, 2 remarks   (")
    assert [line[:20] for line in lines[-2:]] == ["  remark: for inputs "[:20]] * 2


def test_remarks_take_three_lines_at_most_and_the_rest_is_counted():
    report = Report("A", remarks=[remark(at) for at in range(4)])
    assert str(report).splitlines()[1:] == [
        "  remark: for inputs 1 times as large, the output is nan or inf",
        "  remark: for inputs 10 times as large, the output is nan or inf",
        "  and 2 more remarks",
    ]


def test_remarks_leave_their_room_to_mistakes_but_for_one_line():
    report = monster()
    report.remarks = [remark(at) for at in range(4)]
    lines = str(report).splitlines()
    assert len(lines) == 12
    assert lines[-1] == "  4 remarks"
    report.remarks = report.remarks[:1]
    assert str(report).splitlines()[-1].startswith("  remark: for inputs 1 times")


def test_as_dict_has_the_remarks():
    found = Report("A", remarks=[remark()]).as_dict()
    assert found["correct"] is True
    assert found["findings"] == []
    assert [(one["level"], one["kind"]) for one in found["remarks"]] == [("remark", "stability")]
