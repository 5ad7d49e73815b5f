"""Loads this folder as the package `catalogue`, so that the tests in it can import that."""

import importlib.util
import sys
from pathlib import Path


def load_catalogue():
    folder = Path(__file__).parent
    spec = importlib.util.spec_from_file_location(
        "catalogue", folder / "catalogue.py", submodule_search_locations=[str(folder)]
    )
    sys.modules["catalogue"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


load_catalogue()
