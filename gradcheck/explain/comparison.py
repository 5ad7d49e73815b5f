"""From wrong gradients to causes: what hypotheses see, and one cause for all that it explains; in a
network, the layer at which the gradient goes wrong."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from chainrule.gradcheck.checks import contract
from chainrule.gradcheck.checks.arrays import close
from chainrule.gradcheck.checks.calls import ignored
from chainrule.gradcheck.checks.gradients import compare, nearby
from chainrule.gradcheck.checks.linearity import powers
from chainrule.gradcheck.checks.models import has_half, strength_of
from chainrule.gradcheck.checks.outcome import Comparison, Difference, Passes, Request
from chainrule.gradcheck.derivatives.matrices import columns
from chainrule.gradcheck.explain import diagnose
from chainrule.gradcheck.explain.causes import cause
from chainrule.gradcheck.explain.contributions import Contributions
from chainrule.gradcheck.explain.places import explain_shapes
from chainrule.gradcheck.explain.repair import aim_at_gradients, aim_at_output, repair
from chainrule.gradcheck.explain.scene import Scene
from chainrule.gradcheck.report.findings import Cause
from chainrule.gradcheck.subject.layer import of_layer
from chainrule.gradcheck.subject.vocabulary import alike, listed

PATIENCE = 1.0  # seconds of this thread's own time
UNEXPLAINED = "unexplained"  # the key of a cause that explains nothing
# Those that say how it is wrong, not why: an edit of the source that makes it right says more.
VAGUE = (UNEXPLAINED, "reordered", "one-term", "nearly", "not-zero-in-part", "leak-and-lack",
         "not-turned", "lack", "leak", "one-only", "summed-too", "extra-term", "sign-in-part",
         "lacks-contribution", "moves-along", "axes-exchanged", "reshaped",
         "dout-moved", "dout-steps", "other-entries")  # fmt: skip


def explain(found: Comparison, passes: Passes, mend: bool = True) -> tuple[list[Cause], list[str]]:
    """The causes of what a comparison found wrong, one for all tensors that it explains, and notes
    on the tensors that are wrong for an unknown reason beside them. Edits of the source are tried
    where they are to `mend` it."""
    scene = make_scene(found, passes)
    causes = explain_shapes(scene, found.causes)
    if not found.wrong and not any(one.key == "shape" for one in causes):
        return causes, []
    if inner := faulty_layer(found):
        return [inner], []
    for name in found.wrong:
        unmoved = not np.nan_to_num(scene.right[name]).any()
        if unmoved and (unused := ignored(found.subject, passes, name, found.train).causes):
            return list(unused), []
    each = {name: diagnose(scene, name) for name in found.wrong}
    if passes.request.effort != "quick" and mend:
        vague = [name for name, one in each.items() if is_vague(one)]
        vague += [name for one in causes if one.key == "shape" for name in one.tensors]
        mended = repair(aim_at_gradients(found, passes, vague)) if vague else {}
        for one in alike([*each.values()]):  # what has one cause has one edit
            said = {mended[name].values["said"] if name in mended else "" for name in one.tensors}
            if "size" in one.values and (len(said) > 1 or said == {""}):
                mended = {n: edit for n, edit in mended.items() if n not in one.tensors}
        each |= {n: joined(each[n], one) for n, one in mended.items() if n in each}
        causes = [mended.get(one.tensors[0], one) for one in causes]
    told = alike([*causes, *each.values()])
    told.sort(key=lambda one: is_vague(one) and "said" not in one.values)  # what says most
    told.sort(key=lambda one: one.key == UNEXPLAINED and not one.values["part"])
    explained = [one for one in told if one.key != UNEXPLAINED]
    if all(one.level == "remark" for one in explained) or len(explained) == len(told):
        return told, []
    rest = [name for one in told if one.key == UNEXPLAINED for name in one.tensors]
    labels = [found.subject.profile.vocabulary.label(name) for name in rest]
    verb = "is" if len(rest) == 1 else "are"
    return explained, [f"{listed(labels)} {verb} wrong too; mend the above first"]


def is_vague(told: Cause) -> bool:
    """Whether a cause does not say why it is so; a factor does only by its name, or its place."""
    place, size = str(told.values.get("where", "")), told.values.get("size", " = ")
    exact = " = " in size or place.startswith("where") or "part" in told.values
    return told.key in VAGUE or not exact


def joined(told: Cause, edit: Cause) -> Cause:
    """How a gradient is wrong, and the edit that makes it right."""
    blunt = told.values.get("where") in ("", " of outputs", " of some outputs")
    if told.key in (UNEXPLAINED, "moves-along", "reordered", "other-entries") or blunt:
        return replace(edit, example=told.example, where=told.where, line=told.line)
    message = f"{told.message}, and would agree in every digit {{said}} in line {{number}}"
    return replace(told, message=message, hint=edit.hint, values={**told.values, **edit.values},
                   kind=told.kind if "size" in told.values else edit.kind)  # fmt: skip


def explain_difference(found: Difference, passes: Passes) -> list[Cause]:
    """The edit of the source that makes outputs those of the reference, where there is one."""
    told = repair(aim_at_output(found, passes)).values()
    made = [cause("forward-edit", one.evidence, **one.values) for one in told]
    return [replace(one, tensors=("out",)) for one in made[:1]]


def explain_nearby(found: Comparison, passes: Passes) -> list[Cause]:
    """Of a network on kinks: the causes of what is wrong at a point close by."""
    other = nearby(found.subject, passes, found.done, found.train)
    if not other.wrong:
        return []
    first = diagnose(make_scene(other, passes), other.wrong[0])
    return [replace(first, prefix="off the kinks, ")]


def make_scene(found: Comparison, passes: Passes) -> Scene:
    """All that hypotheses may look at."""
    subject, done = found.subject, found.done
    inputs = dict(zip(subject.names, subject.inputs, strict=True))
    at = next((at for at, d in enumerate(done.douts) if d is not None), 0)
    out, dout = done.outs[at].astype(np.float64), np.asarray(done.douts[at], np.float64)
    shapes = [inputs[name].shape for name in subject.names if name in done.gradients]
    elementwise = bool(shapes) and out.ndim > 0 and all(s == out.shape for s in shapes)
    elementwise = elementwise and len(done.outs) == 1 and is_elementwise(found, passes, out)
    key, _ = strength_of(subject)
    settings = {
        key: float(value)
        for key, value in getattr(subject.layer, "__dict__", {}).items()
        if type(value) is not bool and isinstance(value, Real) and np.isfinite(float(value))
    }
    if key and not has_half(subject, passes):
        settings[key] *= 2  # hypotheses think of 0.5 * reg * ΣW²
    return Scene(
        inputs=inputs,
        params=subject.params,
        cache={
            name: array
            for name, array in subject.profile.cached(done.cache).items()
            if name not in inputs and name not in subject.params
        },
        out=out,
        dout=dout,
        yours={name: tensor.analytic for name, tensor in found.tensors.items()},
        right={  # what agreed with slopes along directions is right in every entry
            name: tensor.numeric
            if np.isfinite(tensor.numeric).any() or not tensor.ok
            else tensor.analytic
            for name, tensor in found.tensors.items()
        },
        error={name: max(tensor.rounding, 1e-9) for name, tensor in found.tensors.items()},
        settings=settings,
        elementwise=elementwise,
        is_loss=done.is_loss and not subject.profile.is_model,
        powers=powers(subject, done, passes.rng, found.train),
        slope_at=slope_at(found),
        pairs=contributions(found, at),
        lines=subject.profile.lines(),
        kinks={
            name: tensor.kinks & (tensor.numeric != tensor.analytic)
            for name, tensor in found.tensors.items()
            if tensor.kinks is not None
        },
    )


def is_elementwise(found: Comparison, passes: Passes, out: np.ndarray) -> bool:
    """Whether each entry of the output depends on the same entries of the inputs alone."""
    for name, x in zip(found.subject.names, found.subject.inputs, strict=True):
        if name not in found.done.gradients:
            continue
        kept, half = x.copy(), passes.rng.random(x.shape) < 0.5
        x[half] += (0.1 * np.maximum(np.abs(x), 1.0) * passes.rng.uniform(-1, 1, x.shape))[half]
        try:
            moved = found.subject.values(found.train)[0]
        except Exception:  # out of its domain
            return False
        finally:
            x[...] = kept
        if moved.shape != out.shape or not np.array_equal(moved[~half], out[~half], True):
            return False
    return True


def slope_at(found: Comparison) -> Callable[[np.ndarray], np.ndarray | None]:
    """The slopes of an entry-by-entry subject where its input is another array."""

    def slope(z: np.ndarray) -> np.ndarray | None:
        subject, values = found.subject, []
        h = 1e-4 * np.maximum(np.abs(z), 1.0)
        try:
            for x in (z + h, z - h):
                values.append(subject.values(found.train, [x, *subject.inputs[1:]])[0])
        except Exception:
            return None
        return (values[0] - values[1]) / (2 * h) if values[0].shape == z.shape else None

    return slope


def contributions(found: Comparison, at: int) -> Callable[[str], Contributions | None]:
    """What single entries of the output `at` contribute to a gradient, None where that takes more
    than `PATIENCE` seconds, or cannot be told."""
    subject, done, out = found.subject, found.done, found.done.outs[at]

    def pairs(name: str) -> Contributions | None:
        if found.coarse or out.size < 2 or not subject.profile.apart:
            return None
        deadline, x = time.thread_time() + PATIENCE, subject.floats[name]

        def in_time() -> None:
            if time.thread_time() > deadline:
                raise TimeoutError

        def forward() -> np.ndarray:
            in_time()
            return subject.values(found.train)[at].astype(np.float64)

        yours = np.empty((x.size, out.size))
        douts: list[Any] = [None if d is None else np.zeros(np.shape(d)) for d in done.douts]
        subject.mode = found.train
        try:
            for one in range(out.size):
                in_time()
                douts[at].flat[one] = 1.0
                yours[:, one] = np.ravel(subject.backward(douts, copy.deepcopy(done.cache))[name])
                douts[at].flat[one] = 0.0
            right = columns(forward, x, "central", out.size).T
        except Exception:
            return None
        return Contributions(yours, right, x.shape, out.shape)

    return pairs


def faulty_layer(found: Comparison) -> Cause | None:
    """The layer of a network at which the gradient goes wrong; the rest follows from it."""
    inner = getattr(found.subject.layer, "layers", None)
    if not isinstance(inner, (dict, list, tuple)) or not inner:
        return None
    watched = found.subject.at(list(found.subject.inputs))
    held = watched.layer.layers
    if isinstance(held, dict):
        items = list(held.items())
    else:
        names = getattr(watched.layer, "names", [f"layers[{at}]" for at in range(len(held))])
        items = list(zip(names, held, strict=False))
    if len({id(sub) for _, sub in items}) < len(items):
        return None  # a layer stands twice: whose call is whose cannot be told from outside
    calls: list[tuple[str, Any, tuple, Any, Any]] = []
    for name, sub in items:
        watch(sub, name, calls)
    watched.origin = type(watched.origin)(watched.layer, [*watched.params.values()])
    _, cache = watched.forward(found.train)
    forwards = {name: call for name, *call in calls}
    calls.clear()
    watched.backward(found.done.douts, cache)
    return first_wrong(found, forwards, calls)


def first_wrong(found: Comparison, forwards: dict[str, Any], calls: list) -> Cause | None:
    """The first layer, from behind, that gets another dout than it should, or is wrong itself."""
    previous, order, dout = None, list(forwards), found.done.douts[0]
    for name, sub, given, _, result in calls:
        if name not in forwards:
            continue
        upstream = np.asarray(given[0])
        behind = order[order.index(name) + 1 :][:1]
        chained = behind and readers(name, forwards) == behind
        if chained and previous is not None and not close(upstream, np.asarray(previous)):
            whose = "the network's own dout" if close(upstream, dout) else "another dout"
            first = next((f"{name}.{key}" for key in sub.params), found.subject.names[0])
            broken = cause("broken-chain", None, layer=name, whose=whose)
            return replace(broken, tensors=(first,))
        previous = result[0] if isinstance(result, tuple) else None
        if isinstance(previous, tuple):  # of a layer with several inputs
            previous = None
        if inner := cause_in(sub, forwards[name][1], upstream, found.train):
            tensors = tuple(f"{name}.{t}" if t in sub.params else t for t in inner.tensors)
            words = of_layer(unwatched(sub), forwards[name][1]).profile.vocabulary.finding(inner)
            said = "layer {layer}: {said}; what lies before it follows from this"
            values = {**inner.values, "layer": name, "said": words.message}
            outer = replace(inner, tensors=tensors, message=said, values=values)
            return replace(outer, hint=words.hint, example=words.example)
    return None


def cause_in(sub: Any, inputs: tuple[Any, ...], upstream: np.ndarray, train: bool) -> Cause | None:
    """What is wrong with one layer in the call that the network made of it."""
    part, rng = of_layer(unwatched(sub), inputs), np.random.default_rng(0)
    outcomes, done = contract.run(part, Request(dout=upstream), rng)
    if causes := [one for outcome in outcomes.values() for one in outcome.causes]:
        return causes[0]
    if done is None:
        return None
    passes = Passes(Request(), rng, done)
    found = compare(part, passes, done, train)
    return next(iter(explain(found, passes)[0]), None) if not found.is_right else None


def readers(name: str, forwards: dict[str, Any]) -> list[str]:
    """The layers that take what the layer `name` gave: one in a chain, several at a fork."""
    out = np.asarray(forwards[name][3][0])
    return [
        other
        for other, (_, given, _, _) in forwards.items()
        if other != name and any(close(np.asarray(x), out) for x in given)
    ]


def watch(sub: Any, name: str, calls: list) -> None:
    """Let a layer of a copied network note its calls: (name, layer, arguments, options, result)."""
    for method in ("forward", "backward"):
        original = getattr(sub, method)

        def noted(*given: Any, original: Any = original, **options: Any) -> Any:
            kept = tuple(np.array(g) if isinstance(g, np.ndarray) else g for g in given)
            result = original(*given, **options)
            calls.append((name, sub, kept, options, result))
            return result

        setattr(sub, method, noted)


def unwatched(sub: Any) -> Any:
    plain = copy.copy(sub)
    for method in ("forward", "backward"):
        vars(plain).pop(method, None)
    return plain
