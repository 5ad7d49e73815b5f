"""A mistake is a small patch on a correct class; this module makes the wrong class of it."""

import functools
import inspect
import itertools
import linecache
import sys
import textwrap
import types
from dataclasses import dataclass

import numpy as np

number = itertools.count(1)


@dataclass(frozen=True, eq=False)
class Mistake:
    """One mistake in one correct class, its twin.

    id          a name, for us
    layer       the twin, the class that the patch applies to
    kind        what a fair judge calls the mistake, one of `gradcheck.report.KINDS`
    tensors     what is wrong: inputs, parameters, state arrays, "out", "loss" or "cache"; a right
                report names one of them
    patch       maps lines of the twin to what stands there instead, "" for nothing
    says        one sentence about what is wrong
    case        the name of the example on which it shows
    shows       how it shows, a name in `scenes.SCENES`
    also        kinds that would be fair, too
    """

    id: str
    layer: type
    kind: str
    tensors: tuple[str, ...]
    patch: dict[str, str]
    says: str
    case: str = "plain"
    shows: str = "gradient"
    also: tuple[str, ...] = ()


def patched(thing, patch, name):
    """The source of a class or a function with a patch in it, in the name of which it raises
    ValueError unless every patched line occurs once."""
    lines = textwrap.dedent(inspect.getsource(thing)).splitlines()
    stripped = [line.strip() for line in lines]
    for old, new in patch.items():
        if stripped.count(old) != 1:
            raise ValueError(f"{name}: {old!r} occurs {stripped.count(old)} times, not once")
        at = stripped.index(old)
        indent = lines[at][: len(lines[at]) - len(old)]
        lines[at] = textwrap.indent(new, indent)
    return "\n".join(line for line in lines if line.strip()) + "\n"


def module_of(text, like):
    """A module of its own with this source, and with all that the module `like` defines, too.

    It has a source, so that `inspect.getsource`, tracebacks and `pickle` work, and a name that
    gives no mistake away.
    """
    module = types.ModuleType(f"homework_{next(number)}")
    module.__dict__.update(
        {
            name: value
            for name, value in vars(sys.modules[like]).items()
            if not name.startswith("__") and name != "MISTAKES"
        }
    )
    module.__file__ = f"<{module.__name__}>"
    linecache.cache[module.__file__] = (len(text), None, text.splitlines(True), module.__file__)
    sys.modules[module.__name__] = module
    exec(compile(text, module.__file__, "exec"), module.__dict__)
    return module


def source(mistake):
    """The source of the wrong class. Raises ValueError unless every patched line occurs once."""
    return patched(mistake.layer, mistake.patch, mistake.id)


@functools.cache
def wrong_class(mistake):
    """The class with the mistake in it, under the name of its twin, in a module of its own."""
    module = module_of(source(mistake), mistake.layer.__module__)
    return getattr(module, mistake.layer.__name__)


def example(cls, case="plain", seed=0):
    """The layer and the inputs of the example `case` of `cls`, drawn with `seed`."""
    for name, layer, *inputs in cls.examples(np.random.default_rng(seed)):
        if name == case:
            return layer, tuple(inputs)
    raise KeyError(f"{cls.__name__} has no example {case!r}")


def instances(mistake, seed=0):
    """A wrong layer, and inputs on which the mistake shows.

    The same seed gives the same parameters and inputs as `example(mistake.layer, mistake.case)`.
    For an update rule the inputs are the parameters and a list with the gradients of five steps.
    """
    return example(wrong_class(mistake), mistake.case, seed)
