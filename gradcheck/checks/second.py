"""The gradients of gradients: how they are asked for, and added to the report on the first."""

from __future__ import annotations

from dataclasses import replace

from chainrule.gradcheck.checks.outcome import Request
from chainrule.gradcheck.report import Probe, Report


def request_again(request: Request) -> Request:
    """The request for a function's gradients as a function of their own: their values alone."""
    return replace(request, dout=None, wrt=None, effort="quick")


def join(report: Report, second: Report, called: str = "second derivatives") -> None:
    """Add to a report what was found of the gradients of the gradients."""
    found = second.findings
    report.findings += [replace(one, message=f"{called}: {one.message}") for one in found]
    report.tensors |= {f"{name} (second)": tensor for name, tensor in second.tensors.items()}
    report.probes[called] = Probe("failed", found[0].message) if found else Probe("passed")
    report.forwards += second.forwards
    report.seconds += second.seconds
