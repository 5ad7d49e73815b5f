"""What the scores of models are called, and how they are printed."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """What a score is: its name, how it is written, the score of one who knows nothing of the
    inputs, in words, and what that says instead of a prediction."""

    name: str
    form: str
    naive: str

    def text(self, score: float) -> str:
        """The score as it is printed."""
        return format(score, self.form)

    def beside(self, score: float | None) -> str:
        """The score beside a loss, with its name where it could be anything."""
        per_cent = self.form.endswith("%")
        text = "" if score is None else self.text(score)
        return f"{text:>7}" if per_cent else f"{self.name} {text}"

    def tick(self, score: float, _: object = None) -> str:
        """The score at an axis."""
        return f"{100 * score:.6g}%" if self.form.endswith("%") else f"{score:.6g}"


ACCURACY = Measure("accuracy", ".2%", "naming the most frequent class every time")
R_SQUARED = Measure("R²", ".4f", "naming the mean every time")
MEASURES = (ACCURACY, R_SQUARED)


def measure_of(targets: Sequence[str]) -> Measure:
    """The measure of models of data with these targets, none where rows have classes."""
    return R_SQUARED if targets else ACCURACY
