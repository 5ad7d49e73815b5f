"""PyTorch with fused=True: each optimizer one compiled kernel."""

from functools import partial

from benchmarks.contenders import pytorch

make = partial(pytorch.make, fused=True)
