"""Right layers and functions, in the conventions and habits of other people's code.

    for idiom in IDIOMS:
        report = idiom.check(np.random.default_rng(0))    # should be correct

No checker may call one of them wrong. That they are right, the tests establish without a checker.

idiom.py      Idiom: a name, a pair of functions or a layer, and its inputs
function.py   Function: an idiom as a function of its arrays of floats, for other tools
buffers.py    results written into arrays made beforehand
targets.py    labels, targets, masks and weights that are no array among the arguments
domains.py    functions defined on a part of the numbers
precision.py  float32 or float16 inside
integers.py   integers and booleans as outputs, indices as inputs
images.py     pooling and convolution
recurrent.py  steps and loops through time
sorting.py    sorts, the largest few, medians, cumulative sums and products
rows.py       rows that see each other, by directions and distances
algebra.py    solves, determinants, inverses
softmaxes.py  softmax in its many forms, attention
norms.py      normalisations
dropouts.py   random numbers from six places
columns.py    columns as examples
results.py    numbers, lists, views; loss and gradient in one call
kinks.py      inputs exactly on kinks, gradients rightly 0
scales.py     data far from 0, functions that overflow
stateful.py   layers that keep things on themselves, too
"""

from benchmarks.idioms import (
    algebra,
    buffers,
    columns,
    domains,
    dropouts,
    images,
    integers,
    kinks,
    norms,
    precision,
    recurrent,
    results,
    rows,
    scales,
    softmaxes,
    sorting,
    stateful,
    targets,
)
from benchmarks.idioms.function import Function
from benchmarks.idioms.idiom import Idiom

__all__ = ["IDIOMS", "Function", "Idiom"]

IDIOMS: list[Idiom] = [
    *buffers.IDIOMS,
    *targets.IDIOMS,
    *domains.IDIOMS,
    *precision.IDIOMS,
    *integers.IDIOMS,
    *images.IDIOMS,
    *recurrent.IDIOMS,
    *sorting.IDIOMS,
    *rows.IDIOMS,
    *algebra.IDIOMS,
    *softmaxes.IDIOMS,
    *norms.IDIOMS,
    *dropouts.IDIOMS,
    *columns.IDIOMS,
    *results.IDIOMS,
    *kinks.IDIOMS,
    *scales.IDIOMS,
    *stateful.IDIOMS,
]
