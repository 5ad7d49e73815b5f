"""The gradients of gradients: how they are asked for, and added to the report on the first."""

from __future__ import annotations

from dataclasses import replace

from chainrule.gradcheck.checks.outcome import Request
from chainrule.gradcheck.report import Probe, Report


def request_again(request: Request) -> Request:
    """The request for a function's gradients as a function of their own: their values alone."""
    return replace(request, dout=None, wrt=None, effort="quick")


def join(report: Report, second: Report) -> None:
    """Add to a report what was found of the gradients of the gradients."""
    before = "second derivatives: "
    report.findings += [replace(one, message=before + one.message) for one in second.findings]
    report.tensors |= {f"{name} (second)": tensor for name, tensor in second.tensors.items()}
    why = second.findings[0].message if second.findings else ""
    report.probes["second derivatives"] = Probe("failed" if second.findings else "passed", why)
    report.forwards += second.forwards
    report.seconds += second.seconds
