"""PyTorch with foreach=True: all parameters of an optimizer in one call."""

from functools import partial

from benchmarks.contenders import pytorch

make = partial(pytorch.make, foreach=True)
