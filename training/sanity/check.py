"""One line of a diagnosis."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One line of the report: what was looked at, whether it is as it should be, and what was
    found beside what was expected. `cause` is what a ✗ may be the cause of, and what to do about
    it; a `fatal` one leaves nothing to look at behind it."""

    name: str
    ok: bool
    found: str
    cause: str = ""
    fatal: bool = False

    def __str__(self) -> str:
        return f"  {'✓' if self.ok else '✗'} {self.name:<15} {self.found}"
