"""A file of somebody's, run afresh as a module, with the files beside it that it imports."""

from __future__ import annotations

import ast
import contextlib
import importlib
import sys
import traceback
import types
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from chainrule.gradcheck.command.cases import described

NAME = "checked_file"  # of the module, before the path of its file


class UsageError(Exception):
    """The command or the file makes no sense; the text is one line."""


class NothingToCheck(UsageError):
    """A file holds nothing that could be checked."""


class Beside:
    """Finds the modules beside a file: those of its folder, as if the file were started itself,
    those of its package, `from .layers import *`, and those in the folder above. They are forgotten
    when the next file comes."""

    def __init__(self) -> None:
        self.folders: list[str] = []
        self.found: set[str] = set()  # the names of modules, their packages' alone
        self.seen: set[Path] = set()  # the files of all that were imported

    def place(self, path: Path, source: bytes) -> str:
        """Look beside this file from now on, and afresh; returns the name of its package."""
        importlib.invalidate_caches()
        self.seen = self.files()
        for name in [name for name in sys.modules if name.partition(".")[0] in self.found]:
            del sys.modules[name]
        parts = package_of(path, source)
        root = path.parents[len(parts)]
        self.folders = [str(one) for one in (path.parent, root, path.parent.parent)]
        self.found = set()
        return ".".join(parts)

    def files(self) -> set[Path]:
        """The files beside the checked ones that they have imported."""
        modules = [m for name, m in sys.modules.items() if name.partition(".")[0] in self.found]
        return self.seen | {Path(file) for m in modules if (file := getattr(m, "__file__", None))}

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """What Python asks of a finder."""
        spec = PathFinder.find_spec(name, self.folders) if path is None else None
        if spec is not None and spec.origin is None and PathFinder.find_spec(name) is not None:
            spec = None  # a folder without __init__.py, maybe of data, beside a library of its name
        if spec is not None:
            self.found.add(name)
        return spec


BESIDE = Beside()


def package_of(path: Path, source: bytes) -> list[str]:
    """The names of the folders that make up the package of a file: those with an __init__.py, as
    many as it goes up in `from ..layers import *`, and those from which it imports by name."""
    depth, above = 0, list(path.parents)[:-1]
    while depth < len(above) and (above[depth] / "__init__.py").exists():
        depth += 1
    with contextlib.suppress(SyntaxError, ValueError):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.level:
                depth = max(depth, min(node.level, len(above)))
            for name in imported(node):
                depth = max([depth, *(at + 1 for at, p in enumerate(above) if p.name == name)][:2])
    return [folder.name for folder in reversed(above[:depth])]


def imported(node: ast.AST) -> list[str]:
    """The packages that a statement imports from, the first part of their names alone."""
    names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
    if isinstance(node, ast.ImportFrom) and not node.level:
        names = [node.module or ""]
    return [name.partition(".")[0] for name in names if "." in name or names]


def read(path: str) -> bytes:
    """The text of a file. Raises UsageError where it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}; expected a Python file, behind which names of "
            f"its layers may stand"
        ) from None


def load(path: str) -> types.ModuleType:
    """The module in the file at `path`, run afresh. It can import what stands beside it, and in the
    folder where Python was started. Raises UsageError with file and line where it cannot be
    run."""
    source, full = read(path), Path(path).resolve()
    module = types.ModuleType(f"{NAME} {full}")
    module.__file__ = str(full)
    module.__package__ = BESIDE.place(full, source)
    if BESIDE not in sys.meta_path:
        sys.meta_path.insert(0, BESIDE)
    sys.modules[module.__name__] = module  # inspect finds the source of a class this way
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # for the next edit may be soon
    try:
        exec(compile(source, str(full), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        frames, text = traceback.extract_tb(error.__traceback__), described(error)
        line = ([one.lineno for one in frames if one.filename == str(full)] or [None])[-1]
        if isinstance(error, SyntaxError) and error.filename in (str(full), None):
            line, text = error.lineno, f"{type(error).__name__}: {error.msg}"
        raise UsageError(f"{path}:{line}: {text}" if line else f"{path}: {text}") from None
    finally:
        sys.dont_write_bytecode = writes
    return module
