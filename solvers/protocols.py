"""What a solver needs of the model and the data it is given."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np


class Model(Protocol):
    """Parameters, updated in place, and the loss of a batch with its gradients, key by key."""

    @property
    def params(self) -> dict[str, np.ndarray]: ...

    def loss(self, x: Any, y: Any, /) -> tuple[float, dict[str, np.ndarray]]: ...


class Rows(Protocol):
    """An array, or what gives rows as arrays when they are asked for, as `data.Pixels` does."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: Any, /) -> Any: ...
    def take(self, rows: Any, /, axis: Any = ...) -> Any: ...


class Data(Protocol):
    """Arrays with the examples along the first axis; x_val and y_val may be None. Where the rows
    differ in weight, there are also w_train (N,) and, for x_val, w_val."""

    @property
    def x_train(self) -> Rows: ...
    @property
    def y_train(self) -> np.ndarray: ...
    @property
    def x_val(self) -> np.ndarray | None: ...
    @property
    def y_val(self) -> np.ndarray | None: ...
