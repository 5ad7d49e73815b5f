"""What the scores of models are called, and how they are printed."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """What a score is.

    Attributes:
        name: what it is called.
        form: how it is written, as in `format(score, form)`.
        naive: what predicts without looking at the inputs, in words.
    """

    name: str
    form: str
    naive: str

    @property
    def per_cent(self) -> bool:
        """Whether it is a share, written in per cent."""
        return self.form.endswith("%")

    def text(self, score: float) -> str:
        """The score as it is printed."""
        return format(score, self.form)

    def beside(self, score: float | None) -> str:
        """The score beside a loss, with its name where it could be anything."""
        text = "" if score is None else self.text(score)
        return f"{text:>7}" if self.per_cent else f"{self.name} {text}"

    def tick(self, score: float, _: object = None) -> str:
        """The score at an axis."""
        return f"{100 * score:.6g}%" if self.per_cent else f"{score:.6g}"


ACCURACY = Measure("accuracy", ".2%", "naming the most frequent class every time")
R_SQUARED = Measure("R²", ".4f", "naming the mean every time")
MEASURES = {one.name: one for one in (ACCURACY, R_SQUARED)}


def measure_of(targets: Sequence[str]) -> Measure:
    """The measure of models of data with these targets, none where rows have classes."""
    return R_SQUARED if targets else ACCURACY
