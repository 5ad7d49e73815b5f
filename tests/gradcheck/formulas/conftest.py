"""A layer that only has a name, an output and its arrays, and the formula that is beside it."""

import numpy as np
import pytest

from chainrule.gradcheck.formulas import REFERENCES, Call, compare, evaluated
from chainrule.gradcheck.subject.vocabulary import Vocabulary


class Fake:
    """A layer with parameters and settings, and nothing else."""

    def __init__(self, params, settings):
        self.params = params
        vars(self).update(settings)


def parted(given):
    """Inputs with their names, parameters, which end with _, and settings, which are no arrays."""
    settings = {k: v for k, v in given.items() if not isinstance(v, np.ndarray)}
    arrays = {k: v for k, v in given.items() if k not in settings}
    params = {k.removesuffix("_"): v for k, v in arrays.items() if k.endswith("_")}
    inputs = {k: v for k, v in arrays.items() if not k.endswith("_")}
    return Fake(params, settings), inputs


@pytest.fixture
def formula():
    """formula("rnn", x=…, h0=…, Wx_=…): the outputs that the formula gives."""

    def gives(name, **given):
        layer, inputs = parted(given)
        call = Call(layer, tuple(inputs.values()), True, {}, [*inputs])
        outs = evaluated(REFERENCES[name], call)
        return outs[0] if len(outs) == 1 else tuple(outs)

    return gives


@pytest.fixture
def judged():
    """judged("rnn", out, x=…, h0=…, Wx_=…): what is said of an output, as messages and notes."""

    def compared(name, out, strict=True, **given):
        layer, inputs = parted(given)
        found = compare(
            layer,
            tuple(inputs.values()),
            train=True,
            out=out,
            state_before={},
            state_after={},
            reference=REFERENCES[name],
            strict=strict,
            names=[*inputs],
        )
        return [Vocabulary().finding(cause).message for cause in found.causes], found.notes

    return compared
