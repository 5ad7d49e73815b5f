"""How files with data are opened: regular ones alone, which may unpack to so many bytes."""

from __future__ import annotations

import errno
import gzip
import os
import stat
from os import PathLike
from typing import Any, BinaryIO, cast

#: Bytes that any file may unpack to, and how many for each of its own: deflate comes to 1,032, a
#: table of numbers to some tens.
ANY, EACH = 2**25, 300


def open_file(path: str | PathLike[str]) -> BinaryIO:
    """Open a file to be read as bytes; unpacked, if its name ends in `.gz`.

    Raises what `open_regular` does; and, while it is read, ValueError where it unpacks to more
    than `unpacked_limit` bytes.
    """
    file = open_regular(path)
    return unpacked(file) if os.fspath(path).lower().endswith(".gz") else file


def open_regular(path: str | PathLike[str]) -> BinaryIO:
    """Open a file to be read as bytes, as they are.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it cannot be read, or is a pipe or a device: whoever opens a pipe waits, and a
            device may have no end.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "It is a pipe, a socket or a device", os.fspath(path))
    return open(path, "rb")


def unpacked(file: BinaryIO) -> BinaryIO:
    """What a gzipped file holds, as a file."""
    return cast(BinaryIO, Unpacked(file))


def unpacked_limit(packed: int) -> int:
    """The bytes that a file of so many may unpack to: 32 MB or 300 times its size, the larger."""
    return max(ANY, EACH * packed)


def too_large(name: str, limit: int) -> ValueError:
    """What is to be said of a file that unpacks to more."""
    return ValueError(
        f"{name}: unpacks to more than {limit:,} bytes, over {EACH} times its size; if that is "
        f"right, unpack it first"
    )


class Unpacked(gzip.GzipFile):
    """A gzipped file that is read up to a limit."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(fileobj=file, mode="rb")
        self._file = file
        self._limit = unpacked_limit(os.fstat(file.fileno()).st_size)
        self._count = 0

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = self._limit + 1
        return self._counted(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        return self._counted(super().read1(size))

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        self._counted(b"", count)
        return count

    def close(self) -> None:
        super().close()
        self._file.close()

    def _counted(self, found: bytes, count: int = 0) -> bytes:
        self._count += len(found) + count
        if self._count > self._limit:
            raise too_large(str(self._file.name), self._limit)
        return found
