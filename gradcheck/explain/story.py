"""What is told of a subject: outcomes gathered into a report, causes first, words last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chainrule.gradcheck.checks import other_inputs
from chainrule.gradcheck.checks.gradients import compare, describe_kinks
from chainrule.gradcheck.checks.outcome import (
    BadRequest,
    Comparison,
    Outcome,
    Passes,
    Request,
    told,
)
from chainrule.gradcheck.explain.comparison import explain, explain_difference, explain_nearby
from chainrule.gradcheck.report import Cause, Probe, Report
from chainrule.gradcheck.subject.subject import Pass, Subject

Question = Callable[[Subject, Passes], Outcome]
ALWAYS = ("float32", "state")  # asked even where a mistake is known
ELSEWHERE = ("batch of 1", "ties", "exact zeros", "small inputs", "large inputs", "the dtype given")
MISSING = ("no-entry", "not-returned")


class Story:
    """What is told of a subject: it gathers outcomes into a report, causes first, words last."""

    def __init__(self, subject: Subject, request: Request) -> None:
        self.subject, self.request = subject, request
        self.words = subject.profile.vocabulary
        self.report = Report(subject=subject.profile.title, seed=request.seed)
        self.causes: list[Cause] = []

    @property
    def is_wrong(self) -> bool:
        return any(cause.level == "wrong" for cause in self.causes)

    def tell(self, outcome: Outcome) -> None:
        """Keep what an outcome tells that is not told yet."""
        known = [] if outcome.replaces else self.causes
        said = {(cause.key, cause.tensors) for cause in known}
        new = map(self.excused, outcome.causes)
        self.causes = known + [c for c in new if (c.key, c.tensors) not in said]
        self.report.notes = list(dict.fromkeys([*self.report.notes, *outcome.notes]))

    def excused(self, cause: Cause) -> Cause:
        """The cause, "meant" where the request gives a reason for it."""
        return replace(cause, level="meant") if self.reason(cause) else cause

    def reason(self, cause: Cause) -> str:
        """Why a cause is meant, by its key or the name of its tensor; "" where it is not."""
        given = self.request.on_purpose or {}
        words = (cause.key, *(cause.tensors if len(cause.tensors) == 1 else ()))
        told = [one for one in self.causes if one.level == "meant" and one.tensors == cause.tensors]
        if cause.level == "remark":  # what follows from it at other inputs is meant, too
            words += tuple(one.key for one in told)
        return next((given[word] for word in words if word in given), "")

    def add(self, name: str, outcome: Outcome) -> None:
        """Note the outcome of one question."""
        if name == "inference mode" and self.request.modes == ("inference",):
            causes = [replace(cause, level="wrong") for cause in outcome.causes]
            outcome = replace(outcome, causes=causes)  # nothing else was asked for
        outcome = replace(outcome, causes=[*map(self.excused, outcome.causes)])
        self.tell(outcome)
        state = "not applicable" if outcome.why else "passed"
        if levels := {cause.level for cause in outcome.causes} - {"meant"}:
            state = "failed" if "wrong" in levels or self.request.strict else "remark"
        why = self.words.finding(outcome.causes[-1]).message if outcome.causes else outcome.why
        self.report.probes[name] = Probe(state, why)

    def ask(self, name: str, question: Question, passes: Passes) -> None:
        """Ask one question, and explain what it found wrong."""
        try:
            outcome = question(self.subject, passes)
        except BadRequest:
            raise
        except Exception as error:  # what a stranger's code raises on unusual input is no mistake
            outcome = Outcome(why=told(self.subject, error))
        if outcome.comparison is not None:
            causes, _ = explain(outcome.comparison, passes, mend=not is_small(outcome.comparison))
            causes = [replace(c, prefix=f"{outcome.where}, ", level="remark") for c in causes[:1]]
            outcome = Outcome(causes)
        if outcome.difference is not None and self.request.effort != "quick":
            causes = explain_difference(outcome.difference, passes)
            outcome = replace(outcome, causes=causes or outcome.causes)
        self.add(name, outcome)

    def ask_all(self, questions: dict[str, Question], passes: Passes) -> None:
        """Ask all questions; most of them only while no mistake is known, since what goes wrong at
        the point itself goes wrong at the others too."""
        for name, question in questions.items():
            if self.is_wrong and name not in ALWAYS:
                self.add(name, Outcome(why="not asked: mend the mistake above first"))
            elif name in ELSEWHERE and not self.subject.profile.elsewhere:
                self.add(name, Outcome(why="the surrogate speaks of the inputs given alone"))
            else:
                self.ask(name, question, passes)

    def compare(self, passes: Passes, done: Pass, train: bool) -> None:
        """Compare the gradients of one pass with slopes, and tell the causes of what is wrong."""
        if not train and passes.train.is_like(done):  # the two are one, which has been judged
            tensors = {f"{name} (inference)": t for name, t in passes.tensors.items()}
            self.report.tensors |= tensors
            return
        found = compare(self.subject, passes, done, train)
        suffix = "" if train else " (inference)"
        self.report.tensors |= {f"{name}{suffix}": t for name, t in found.tensors.items()}
        causes, notes = found.causes, describe_kinks(found)
        if train:
            passes.tensors, passes.coarse = found.tensors, found.coarse
        if not found.is_right:
            causes = small_number(self.subject, passes) if train and is_small(found) else []
            if not causes:
                causes, more = explain(found, passes)
                notes += more
        elif self.subject.profile.is_net and found.on_kinks:
            causes = [*causes, *explain_nearby(found, passes)]
        if train:
            form = [c for c in causes if c.kind in ("shape", "dtype") or c.key in MISSING]
            self.add("shapes, dtypes and keys", Outcome(form))
        elif "train" in self.request.modes:
            causes = [replace(c, prefix="{inference} ", level="remark") for c in causes]
        self.tell(Outcome(causes, notes=notes))

    def told(self) -> Report:
        """The report in the words of the subject."""
        for cause in self.causes:
            if cause.level == "meant":
                self.excuse(cause)
                continue
            wrong = cause.level == "wrong" or self.request.strict
            kept = self.report.findings if wrong else self.report.remarks
            kept.append(self.words.finding(cause))
        found = {word for cause in self.causes for word in (cause.key, *cause.tensors)}
        for word in self.request.on_purpose or {}:
            if word not in found:
                self.report.notes.append(f"on_purpose names {word!r}, and nothing of it was found")
        return self.report

    def excuse(self, cause: Cause) -> None:
        """Keep what is meant, and why, as a note."""
        message = self.words.finding(cause).message
        self.report.notes.append(f"on purpose, {self.reason(cause)}: {message}")
        for name in cause.tensors:
            if name in self.report.tensors:
                self.report.tensors[name].meant = True


def is_small(found: Comparison) -> bool:
    """Whether gradients are wrong by very little."""
    errors = [tensor.error for tensor in found.tensors.values() if not tensor.ok]
    return bool(errors) and all(0 < error < 1e-5 for error in errors)


def small_number(subject: Subject, passes: Passes) -> list[Cause]:
    """What looks like a small error may be the small number that keeps a logarithm or a division
    finite: if large inputs or a batch of 1 show that it is, that is to be told, and no more."""
    errors = [tensor.error for tensor in passes.tensors.values() if not tensor.ok]
    for question in (other_inputs.batch_of_one, other_inputs.large):
        try:
            found = question(subject, passes).causes
        except Exception:  # such inputs are out of its domain
            continue
        grows = any((cause.evidence or 0) > 100 * max(errors) for cause in found)
        if grows or [cause.key for cause in found] == ["one-row-infinite"]:
            for tensor in passes.tensors.values():
                tensor.ok = True
            return list(found)
    return []
