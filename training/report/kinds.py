"""The evidence that there is on a run, of classes or of numbers to predict."""

from typing import Any

from chainrule.training.report.evidence import Evidence, RunEvidence
from chainrule.training.report.regression import TargetEvidence


def evidence_of(title: str, model: Any, solver: Any, dataset: Any, **others: Any) -> RunEvidence:
    """The evidence on a model that a `Solver` has trained on a `Dataset`; `others` are attributes
    by name, such as `note`, `summary`, `options` and `records`."""
    kind = TargetEvidence if dataset.targets else Evidence
    return kind.of(title, model, solver, dataset, **others)
