"""The graph of an ONNX model, as it grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class Nodes:
    """The nodes and the constants of a graph, which grow."""

    def __init__(self) -> None:
        import onnx

        self.onnx, self.helper = onnx, onnx.helper
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def add(self, kind: str, *inputs: str, out: str | None = None, **settings: Any) -> str:
        """Adds a node; returns the name of its value, `out` or a new one."""
        out = out or f"_{kind.lower()}_{len(self.nodes)}"  # no step is called so
        self.nodes.append(self.helper.make_node(kind, inputs, [out], out, **settings))
        return out

    def array(self, name: str, values: Any) -> str:
        """Adds a constant as it is; returns its name."""
        self.constants[name] = self.onnx.numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def floats(self, name: str, values: Any) -> str:
        """Adds a constant in float32."""
        return self.array(name, np.asarray(values, np.float32))

    def shape(self, shape: Sequence[int]) -> str:
        """Adds the shape of a batch of examples."""
        return self.array(f"shape {(*shape,)}", np.array([-1, *shape], np.int64))

    def strings(self, name: str, texts: Sequence[str]) -> str:
        """Adds a constant of texts."""
        encoded = [text.encode(errors="replace") for text in texts]
        kind = self.onnx.TensorProto.STRING
        self.constants[name] = self.helper.make_tensor(name, kind, [len(texts)], encoded)
        return name

    def cast(self, x: str, kind: str, out: str | None = None) -> str:
        """Adds a change of dtype, "FLOAT" or "DOUBLE"."""
        return self.add("Cast", x, out=out, to=getattr(self.onnx.TensorProto, kind))

    def rename(self, names: dict[str, str], taken: set[str]) -> None:
        """Gives values other names; others that would be called like one that is `taken` give
        way."""

        def new(name: str) -> str:
            return names.get(name, f"/{name}" if name in taken else name)

        for node in self.nodes:
            node.input[:] = [*map(new, node.input)]
            node.output[:] = [*map(new, node.output)]
        for constant in self.constants.values():
            constant.name = new(constant.name)
