"""A test with the argument `dtype` is one for each of the two."""

import numpy as np
import pytest


@pytest.fixture(params=[np.float32, np.float64])
def dtype(request: pytest.FixtureRequest) -> type[np.floating]:
    return request.param
