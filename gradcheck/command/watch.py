"""Checking again whenever a file changes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from chainrule.gradcheck.command.module import BESIDE, UsageError, read
from chainrule.gradcheck.report.report import clip

EVERY = 0.5  # seconds from one look at the files to the next


def watch(run: Callable[[], object], files: Iterable[str]) -> NoReturn:
    """Run at once, and again whenever one of the files changes, or one beside them that they
    import; for ever, that is, until interrupted. Raises UsageError where one cannot be read."""
    for file in files:
        read(file)
    paths = {Path(file).resolve() for file in files}
    while True:
        known = times(paths | BESIDE.files())  # as they were when the run began
        if sys.stdout.isatty():
            sys.stdout.write("\x1b[2J\x1b[H")  # the screen cleared
        try:
            run()
        except UsageError as error:  # such as a file that is being written
            complain(error)
        print("\nwatching, until Ctrl-C", flush=True)
        known = times(paths | BESIDE.files()) | known
        while times(known) == known:
            time.sleep(EVERY)


def times(files: Iterable[Path]) -> dict[Path, int]:
    """When each file was changed last; 0 for one that is not there."""
    return {file: file.stat().st_mtime_ns if file.exists() else 0 for file in files}


def complain(error: UsageError) -> None:
    """Say in one line on stderr what makes no sense."""
    print(f"chainrule: {clip(str(error), 500)}", file=sys.stderr)
