"""What is left of a check cell after an exception, as far as it does not need what failed."""

import ast
import linecache
import warnings
from collections.abc import Iterator, Sequence
from types import FrameType


def statements(frame: FrameType, line: int) -> list[ast.stmt]:
    """The statements of the `with` block of a cell from the one at `line` on; [] where the cell's
    source is not known. `frame` is that of the cell, in which the exception came through."""
    lines = linecache.getlines(frame.f_code.co_filename)
    if frame.f_code.co_name != "<module>" or not lines:
        return []
    for node in ast.walk(ast.parse("".join(lines))):
        if isinstance(node, ast.With) and node.body[0].lineno <= line <= (node.end_lineno or 0):
            return [one for one in node.body if (one.end_lineno or 0) >= line]
    return []


def go_on(
    frame: FrameType, left: Sequence[ast.stmt]
) -> Iterator[tuple[ast.stmt, Exception | None]]:
    """Runs the statements after the first of `left`, which failed, but for those that read what
    it, or another that fails, was to define; yields (statement, exception) for those that fail,
    and (statement, None) for those that are left out."""
    lost = names(left[0], ast.Store) if left else set()
    for statement in left[1:]:
        if not names(statement, ast.Load) & lost:
            code = compile(ast.Module([statement], []), frame.f_code.co_filename, "exec")
            try:
                with warnings.catch_warnings(action="ignore"):
                    exec(code, frame.f_globals)
                continue
            except Exception as error:
                yield statement, error
        else:
            yield statement, None
        lost |= names(statement, ast.Store)


def names(node: ast.AST, way: type[ast.expr_context]) -> set[str]:
    """The names that are read (ast.Load) or written (ast.Store) within a node."""
    return {
        one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, way)
    }


def written(statement: ast.stmt | None, argument: str | int) -> str:
    """A text that a statement, if it is a call, gives: its first argument for 0, or one by keyword;
    "" where there is none."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call):
        return ""
    found = [word.value for word in call.keywords if word.arg == argument]
    found += call.args[:1] if argument == 0 else []
    given = found[0].value if found and isinstance(found[0], ast.Constant) else ""
    return given if isinstance(given, str) else ""
