"""The run of a check: one forward and backward pass under watch, then their values."""

from __future__ import annotations

from dataclasses import replace
from numbers import Real
from typing import Any, Literal, TypeAlias

import numpy as np

from chainrule.gradcheck.checks.linearity import dependence
from chainrule.gradcheck.checks.verdict import RELATIVE, verdict, well_formed
from chainrule.gradcheck.derivatives.numeric import own_stream
from chainrule.gradcheck.derivatives.slopes import (
    Point,
    Slopes,
    direction,
    entries,
    entry_slopes,
    measure,
    rows_are_independent,
)
from chainrule.gradcheck.explain import Scene, diagnose
from chainrule.gradcheck.explain.grouping import explain
from chainrule.gradcheck.report import Finding, Probe, Report, Tensor
from chainrule.gradcheck.subject.layer import Arrays, Subject, as_outputs, like_outputs, sublayers
from chainrule.gradcheck.subject.passes import Pass, described, gradients, same, unpack
from chainrule.gradcheck.subject.source import cache_names, gradient_lines, raising_line

Effort: TypeAlias = Literal["quick", "full", "entrywise"]

LINES = 250  # a tensor is measured entry by entry where so many lines suffice …
SAMPLE = 60  # … and on so many where they do not and a direction shows an error


class Judge:
    """Collects a Report on one layer. The arguments are those of `check`.

    subject    the copy that is computed with; `others` are copies at other points
    passes     what the training pass (True) and the inference pass (False) gave
    powers     how gradients depend on dout that are not linear in it; see `linearity`
    """

    def __init__(
        self,
        layer: Any,
        inputs: tuple[Any, ...],
        dout: Any,
        wrt: tuple[str, ...] | None,
        reference: Any,
        seed: int,
        effort: Effort,
    ) -> None:
        self.layer = layer
        self.subject = Subject(layer, inputs)
        self.dout = dout
        self.wrt = wrt
        self.reference = reference
        self.effort = effort
        self.rng = own_stream(seed)
        self.report = Report(subject=described(layer), seed=seed)
        self.is_net = bool(sublayers(layer)) or len(self.subject.params) > 2
        self.passes: dict[bool, Pass] = {}
        self.others: list[Subject] = []
        self.powers: dict[str, str] = {}

    @property
    def calls(self) -> int:
        return self.subject.calls + sum(other.calls for other in self.others)

    def say(self, kind: str, tensor: str, message: str, hint: str = "", example: str = "") -> None:
        if not any(f.kind == kind and f.tensor == tensor for f in self.report.findings):
            self.report.findings.append(Finding(kind, tensor, message, hint, example))

    def failed(self, method: str, error: Exception) -> bool:
        if isinstance(error, NotImplementedError):
            return self.unwritten(method)
        self.say(
            "unknown",
            "out" if method.startswith("forward") else "x",
            f"{method} raises {type(error).__name__}: {error}",
            raising_line(self.layer, error),
        )
        return False

    def unwritten(self, method: str) -> bool:
        self.say("unknown", "out", f"{method} is not written yet", "")
        return False

    def upstream(self, outs: Arrays) -> Arrays:
        if self.dout is not None:
            given = self.dout if isinstance(self.dout, tuple) else (self.dout,)
            douts = [np.asarray(d, np.float64) for d in given]
            if [d.shape for d in douts] != [o.shape for o in outs]:
                raise ValueError(
                    f"check: dout has shape {', '.join(str(d.shape) for d in douts)}, expected "
                    f"{', '.join(str(o.shape) for o in outs)}, the shape of the output"
                )
            return douts
        return [np.ones(()) if o.ndim == 0 else self.rng.standard_normal(o.shape) for o in outs]

    def values(self, train: bool) -> None:
        """Compare the gradients of one pass with differences, and say what is wrong."""
        if not train:
            if self.report.findings:
                return
            try:
                method = "forward(train=False)"
                out, cache = unpack(self.subject.forward(False), "forward", "out, cache")
                trained = self.passes[True]
                alike = same(as_outputs(out), trained.outs)
                douts = trained.douts if alike else self.upstream(as_outputs(out))
                method = "backward after forward(train=False)"
                dx, grads = unpack(
                    self.subject.backward(like_outputs(out, douts), cache), "backward", "dx, grads"
                )
            except Exception as error:
                self.failed(method, error)
                return
            if dx is None:
                self.unwritten("the inference pass of backward")
                return
            dxs = [np.asarray(d) for d in (dx if isinstance(dx, tuple) else (dx,))]
            self.passes[False] = Pass(out, cache, douts, dxs, grads)
            first, second = gradients(tuple(trained.dxs), trained.grads), gradients(dx, grads)
            if alike and same(list(first.values()), list(second.values())):
                tensors = self.report.tensors  # the two passes are one, and it has been judged
                self.report.tensors = tensors | {f"{n} (inference)": t for n, t in tensors.items()}
                return
        found = self.compare(self.subject, self.passes[train], train)
        if found is None:
            return
        tensors, scene, wrong = found
        self.note_form(tensors, wrong)
        suffix = "" if train else " (inference)"
        self.report.tensors |= {f"{name}{suffix}": t for name, t in tensors.items()}
        self.note_kinks(scene.inputs | scene.params, tensors)
        if wrong:
            explain(self, scene, wrong, train)
        elif self.is_net and any(t.kinks is not None for t in tensors.values()):
            self.judge_nearby(train)

    def judge_nearby(self, train: bool) -> None:
        """Judge a network on kinks at a point close by: on them, the chain rule may rightly give
        a slope that lies outside the one-sided ones."""
        moved = list(self.subject.inputs)
        floats = [at for at, x in enumerate(moved) if x.dtype.kind == "f" and x.size]
        for at in floats[: max(len(self.passes[train].dxs), 1)]:
            size = float(np.sqrt(np.mean(np.square(moved[at])))) or 1.0
            moved[at] = moved[at] + 1e-2 * size * self.rng.standard_normal(moved[at].shape)
        subject = self.subject.with_inputs(tuple(moved))
        self.others.append(subject)
        out, cache = subject.forward(train)
        douts = self.passes[train].douts
        dx, grads = subject.backward(like_outputs(out, douts), cache)
        dxs = [np.asarray(d) for d in (dx if isinstance(dx, tuple) else (dx,))]
        found = self.compare(subject, Pass(out, cache, douts, dxs, grads), train)
        if found is not None and found[2]:
            wrong = diagnose(found[1], found[2][0])
            self.report.findings.append(replace(wrong, message=f"off the kinks, {wrong.message}"))

    def owed(self, subject: Subject, done: Pass) -> list[str] | None:
        """The names of the inputs that are owed a gradient, or None after saying what lacks."""
        floats = [
            name
            for name, x in zip(subject.names, subject.inputs, strict=True)
            if x.dtype.kind == "f"
        ]
        if all(o.ndim == 0 for o in done.outs):
            floats = floats[: max(len(done.dxs), 1)]
        if len(done.dxs) != len(floats):
            self.say(
                "shape",
                floats[0] if floats else "x",
                f"backward returns {len(done.dxs)} gradients for the {len(floats)} inputs "
                f"{', '.join(floats)}",
                "Return a tuple with one gradient for each input.",
            )
            return None
        if not isinstance(done.grads, dict):
            self.say("shape", "grads", f"grads is {type(done.grads).__name__}, expected a dict")
            return None
        return floats

    def compare(
        self, subject: Subject, done: Pass, train: bool, directions: int = 2
    ) -> tuple[dict[str, Tensor], Scene, list[str]] | None:
        """The gradients of a pass beside differences: all of them, what hypotheses about them may
        look at, and the names of the wrong ones. None where their form is wrong, which is said."""
        names = self.owed(subject, done)
        if names is None:
            return None
        inputs = dict(zip(subject.names, subject.inputs, strict=True))
        arrays = {name: inputs[name] for name in names} | subject.params
        yours: dict[str, Any] = dict(zip(names, done.dxs, strict=True))
        yours |= {name: done.grads.get(name) for name in subject.params}
        if self.wrt is not None:
            if unknown := [name for name in self.wrt if name not in arrays]:
                raise ValueError(f"check: wrt names {unknown}, expected some of {list(arrays)}")
            arrays = {name: array for name, array in arrays.items() if name in self.wrt}
        point = Point(subject, train, done.outs, done.douts)
        tensors, bars = {}, {}
        for name, array in arrays.items():
            tensors[name], bars[name] = self.tensor(
                point, array, yours[name], name in names, directions
            )
        largest = max(
            (np.nanmax(np.abs(t.numeric), initial=0.0) for t in tensors.values()), default=0
        )
        # What is 100 times smaller than one rounding of the output per unit of x is not judged.
        largest = max(largest, 1e-2 * max(np.abs(d).max(initial=0.0) for d in done.douts))
        scene = self.scene(subject, done, tensors, train)
        wrong = []
        for name, tensor in tensors.items():
            if well_formed(self, name, arrays[name], yours[name], tensor, scene):
                verdict(tensor, bars[name], largest, self.is_net)
                if not tensor.ok:
                    wrong.append(name)
                    scene.error[name] = tensor.rounding
        return tensors, scene, wrong

    def tensor(
        self, point: Point, array: np.ndarray, yours: Any, is_input: bool, directions: int
    ) -> tuple[Tensor, Any]:
        subject = point.subject
        rng = self.rng
        noise = point.noise(array, rng) if array.size else 0.0
        by_row = is_input and rows_are_independent(subject, point.train, array, point.out)
        lines = array.size // max(len(array), 1) if by_row else array.size
        analytic = np.asarray(np.nan if yours is None else yours, np.float64)
        usual = analytic.shape == array.shape
        few = lines <= LINES or self.effort == "entrywise"
        by_directions = usual and array.size and (self.effort == "quick" or not few)
        if by_directions:
            everything = np.arange(array.size)
            tried = [
                self.along(point, array, analytic, noise, everything) for _ in range(directions)
            ]
            if all(agrees for agrees, _ in tried):
                numeric = np.full(array.shape, np.nan)
                return Tensor(analytic, numeric, tried[0][1], 0.0, None, True), None
        limit = lines if self.effort == "entrywise" else LINES if few else SAMPLE
        slopes = entry_slopes(point, array, noise, by_row, limit, rng)
        if by_directions and not few:
            self.locate(point, array, analytic, noise, slopes)
        return Tensor(analytic, slopes.value, np.nan, 0.0, slopes.kink, True), slopes

    def along(
        self,
        point: Point,
        array: np.ndarray,
        analytic: np.ndarray,
        noise: float,
        indices: np.ndarray,
    ) -> tuple[bool, float]:
        """Whether the gradient agrees with the slope along a random direction in the entries of
        array.flat at `indices`, and the relative error."""
        v: np.ndarray = np.zeros(array.size)
        v[indices] = self.rng.standard_normal(len(indices))
        v = v.reshape(array.shape)
        found = measure(point, direction(array, v), noise)
        gap = abs(float((analytic * v).sum()) - found.value[0])
        size = max(float(np.sqrt(np.square(analytic * v).sum())), abs(found.value[0]))
        bar = RELATIVE * size + 2 * found.error[0] + 1e-300
        return bool(gap <= bar) and not found.kink[0], gap / max(size, 1e-300)

    def locate(
        self,
        point: Point,
        array: np.ndarray,
        analytic: np.ndarray,
        noise: float,
        slopes: Slopes,
        most: int = 5,
    ) -> None:
        """Measure a few wrong entries too, found by halving, where the sample has none."""
        flat = slopes.value.reshape(-1)
        sampled = np.isfinite(flat)
        scale = np.abs(flat[sampled]).max(initial=0.0)
        if (np.abs(flat - analytic.reshape(-1))[sampled] > 1e-6 * scale).any():
            return
        left = np.nonzero(~sampled)[0]
        for _ in range(most):
            part = left
            while len(part) > 1:
                half = part[: len(part) // 2]
                right = not self.along(point, array, analytic, noise, half)[0]
                part = half if right else part[len(part) // 2 :]
            if self.along(point, array, analytic, noise, part)[0]:
                return
            found = measure(point, entries(array, part), noise)
            for whole, value in zip(
                (slopes.value, slopes.error, slopes.left, slopes.right, slopes.kink),
                (found.value, found.error, found.left, found.right, found.kink),
                strict=True,
            ):
                whole.reshape(-1)[part] = value
            left = np.setdiff1d(left, part)
            if not len(left) or self.along(point, array, analytic, noise, left)[0]:
                return

    def scene(self, subject: Subject, done: Pass, tensors: dict[str, Tensor], train: bool) -> Scene:
        inputs = dict(zip(subject.names, subject.inputs, strict=True))
        cache: dict[str, np.ndarray] = {}
        told = cache_names(self.layer)
        entries = done.cache if isinstance(done.cache, tuple) else (done.cache,)
        for at, entry in enumerate(entries):
            if isinstance(entry, np.ndarray):
                word = told[at] if len(told) == len(entries) and told[at] else f"cache[{at}]"
                if word not in inputs and word not in subject.params:
                    cache[word] = entry
        settings = {
            key: float(value)
            for key, value in getattr(subject.layer, "__dict__", {}).items()
            if type(value) is not bool and isinstance(value, Real) and np.isfinite(float(value))
        }
        out, dout = done.outs[0].astype(np.float64), done.douts[0]
        shapes = {t: a.shape for t, a in inputs.items() if a.dtype.kind == "f"}
        elementwise = bool(shapes) and out.ndim > 0 and all(s == out.shape for s in shapes.values())
        elementwise = elementwise and self.is_elementwise(subject, train, inputs, out)
        scene = Scene(
            inputs=inputs,
            params=subject.params,
            cache=cache,
            out=out,
            dout=dout,
            yours={n: t.analytic for n, t in tensors.items()},
            right={n: t.numeric for n, t in tensors.items()},
            error=dict.fromkeys(tensors, 1e-9),
            settings=settings,
            elementwise=elementwise,
            is_loss=out.ndim == 0,
            lines=gradient_lines(self.layer, subject.names, list(subject.params)),
        )
        self.linearity(scene, subject, done, train)
        return scene

    def is_elementwise(
        self, subject: Subject, train: bool, inputs: dict[str, np.ndarray], out: np.ndarray
    ) -> bool:
        for x in inputs.values():
            if x.dtype.kind != "f":
                continue
            kept = x.copy()
            half = self.rng.random(x.shape) < 0.5
            x[half] += 0.1 * np.maximum(np.abs(x[half]), 1.0)
            moved = as_outputs(subject.forward(train)[0])[0]
            x[...] = kept
            if moved.shape != out.shape or not np.array_equal(
                moved[~half], out[~half], equal_nan=True
            ):
                return False
        return True

    def linearity(self, scene: Scene, subject: Subject, done: Pass, train: bool) -> None:
        """How each gradient depends on dout: for a fixed cache it must be linear."""
        if not self.passes.get(True) or done.out is None:
            return
        _, cache = subject.forward(train)

        def powers(douts: Arrays) -> dict[str, str]:
            def at(c: float) -> dict[str, np.ndarray]:
                dx, grads = subject.backward(like_outputs(done.out, [c * d for d in douts]), cache)
                got = gradients(dx, grads)
                first = [got.pop(k) for k in list(got) if k.startswith("\0")]
                return dict(zip(subject.names, first, strict=False)) | got

            return dependence(at, max(np.abs(d).max(initial=0.0) for d in douts))

        try:
            if found := powers(done.douts):  # or a gradient that cancels to its rounding
                again = powers([self.rng.standard_normal(d.shape) for d in done.douts])
                found = {name: power for name, power in found.items() if name in again}
        except Exception:  # a backward pass that fails on another dout is judged by its values
            return
        scene.powers |= found
        if train and "linearity in dout" not in self.report.probes:
            self.report.probes["linearity in dout"] = (
                Probe("failed", ", ".join(found)) if found else Probe("passed")
            )
            self.powers = found

    def note_form(self, tensors: dict[str, Tensor], wrong: list[str]) -> None:
        """The outcome for shapes, dtypes and keys: what is not right, and not wrong in value."""
        malformed = [n for n, t in tensors.items() if not t.ok and n not in wrong]
        outcome = Probe("failed", ", ".join(malformed)) if malformed else Probe("passed")
        self.report.probes.setdefault("shapes, dtypes and keys", outcome)

    def note_kinks(self, arrays: dict[str, np.ndarray], tensors: dict[str, Tensor]) -> None:
        for name, tensor in tensors.items():
            if tensor.kinks is None or not tensor.kinks.any():
                tensor.kinks = None
                continue
            count = int(tensor.kinks.sum())
            zero = bool((arrays[name][tensor.kinks] == 0).all())
            where = "exactly 0" if zero else "on a kink"
            noun = f"entr{'y' if count == 1 else 'ies'} of {name} {'is' if count == 1 else 'are'}"
            note = f"{count} {noun} {where}: any slope between the one-sided ones is right"
            if self.is_net:
                note = f"{count} {noun} on a kink: not judged there, but at a point nearby"
            if note not in self.report.notes:
                self.report.notes.append(note)

    def ignored(self, name: str, train: bool = True) -> bool:
        """Whether the output is the same whatever the parameter `name` holds, which is said."""
        array = self.subject.params.get(name)
        if array is None:
            return False
        kept = array.copy()
        array += 0.5 * np.maximum(np.abs(kept), 1.0) * self.rng.standard_normal(array.shape)
        moved, _ = self.subject.forward(train)
        array[...] = kept
        if not same(self.passes[train].outs, as_outputs(moved)):
            return False
        self.say(
            "stale-cache",
            name,
            f"the output does not react to changes of params['{name}']",
            "params must hold the very arrays that the layers compute with, not copies.",
        )
        return True
