"""What a check found, and how it is told: as text, as HTML and as data.

findings.py   Cause, what is wrong before it is put into words, and Finding, the same in words
report.py     Report, made of findings, tensors and probes
html.py       the report for a notebook
"""

from chainrule.gradcheck.report.findings import KINDS, Cause, Finding
from chainrule.gradcheck.report.report import GradientError, Probe, Report, Tensor

__all__ = ["KINDS", "Cause", "Finding", "GradientError", "Probe", "Report", "Tensor"]
