"""Networks in other programs: `export` writes a run as ONNX, PyTorch, NumPy or C; `from_torch`
brings weights of PyTorch into a network."""

from chainrule.training.export.exporting import Export, export
from chainrule.training.export.from_torch import from_torch

__all__ = ["Export", "export", "from_torch"]
