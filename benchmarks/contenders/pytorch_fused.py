"""PyTorch with fused=True: each optimizer one compiled kernel."""

from functools import partial

from benchmarks.contenders import pytorch

VERSION = pytorch.VERSION
make = partial(pytorch.make, fused=True)
