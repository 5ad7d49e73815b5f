"""Arrays and their description on disk: written as a whole or not at all, and never unpickled."""

import errno
import hashlib
import json
import os
import re
import stat
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

#: Bytes of a text file, at most; ours have some thousands.
LARGEST_TEXT = 2**26
#: What a file can hold: flags, whole numbers and floats, of up to 64 bits.
DTYPES = {
    np.dtype(name)
    for name in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
}
FORMAT = 1  # goes up when files of this version could not be read by an older one


class FileError(ValueError):
    """A file is missing, damaged, of another kind, or cannot be written; the message is one line
    that names it."""


def write_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Replaces the file at `path`, or the one that a symbolic link there leads to; it keeps its
    permissions. It holds the old content or the new at any moment, whatever happens: `content`
    goes to a temporary file beside it, then to the disk, then takes its name. Several threads and
    processes may write one file at once: it ends as one of them wrote it.

    Raises FileError where that fails, and then the old file is as it was; and where there is
    something at `path` that is no file, such as a folder or a pipe."""
    try:
        place, mode = regular_file(path)
        clear_leftovers(place)
        temporary = temporary_beside(place)
        try:
            with open(temporary, "wb") as file:
                if mode is not None:
                    with suppress(OSError):  # not every system has permissions
                        os.chmod(temporary, mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, place)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror}") from None
    with suppress(OSError):  # not every system opens folders, and the new name holds by now
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def regular_file(path: str | os.PathLike[str]) -> tuple[Path, int | None]:
    """Where the file at `path` is, symbolic links followed, and its permissions, None where there
    is none yet. Raises OSError for a folder, a pipe or a device: whoever opens a pipe waits, and a
    device is not to be replaced. Raises FileError for what cannot be the name of a file."""
    name, mode = os.fspath(path), None
    try:
        if not name:
            raise ValueError("it is empty")
        place = Path(os.path.realpath(name))
        with suppress(FileNotFoundError):
            mode = os.stat(place).st_mode
    except ValueError as error:
        raise FileError(f"{name!r}: cannot be the name of a file: {error}") from None
    if mode is None:
        return place, None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "It is a pipe, a socket or a device")
    return place, stat.S_IMODE(mode)


def read_file(path: str | os.PathLike[str], largest: int = LARGEST_TEXT) -> bytes:
    """What the file at `path` holds. Raises OSError where there is none, where it is no regular
    file, such as a pipe, whose reader waits, or a device without an end, or where it cannot be
    read; and FileError where it has more than `largest` bytes."""
    place, mode = regular_file(path)
    if mode is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    with open(place, "rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise FileError(f"{path}: has more than {largest:,} bytes, expected fewer")
    return content


def brief(text: object, most: int = 300) -> str:
    """A text that may come out of a file, as a line that can be printed, of `most` characters."""
    line = " ".join(str(text).encode(errors="replace").decode().split())
    return line if len(line) <= most else line[: most - 1] + "…"


def temporary_beside(place: Path) -> Path:
    """A name that no other thread or process uses, of a length that no file system refuses."""
    writer = f"{os.getpid()}-{threading.get_native_id()}"
    return place.with_name(f".{place.name[:40]}.{writer}.tmp")


def clear_leftovers(place: Path) -> None:
    """Removes the temporary files of `place` whose process is no more: it was killed while it
    wrote. Windows has no such question to ask, but does not remove a file that is in use."""
    pattern = re.compile(rf"\.{re.escape(place.name[:40])}\.(\d{{1,9}})-\d+\.tmp")
    with suppress(OSError):
        for name in os.listdir(place.parent):
            if (match := pattern.fullmatch(name)) and not is_running(int(match[1])):
                with suppress(OSError):
                    os.unlink(place.with_name(name))


def is_running(pid: int) -> bool:
    """Whether there is a process of this number, as far as the system tells."""
    if sys.platform == "win32":
        return False
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno != errno.ESRCH  # or it is somebody else's
    return True


def write_arrays(
    path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray], described: Mapping[str, Any]
) -> None:
    """Writes arrays by name, and what JSON can hold of `described`, as a safetensors file with a
    checksum of all of it. Numbers in the byte order of another machine are written in that of this
    one. Raises FileError where it cannot be written, TypeError where an array is none, or of
    something other than flags, whole numbers and floats of up to 64 bits."""
    text = json.dumps({"format": FORMAT, **described})
    packed = {name: packable(name, array) for name, array in arrays.items()}
    metadata = {"chainrule": text, "checksum": checksum(packed, text)}
    write_file(path, safetensors.numpy.save(packed, metadata))


def packable(name: str, array: Any) -> np.ndarray:
    """The array as a file can hold it: in C order, in the byte order of this machine."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} is a {type(array).__name__}, expected an array")
    native = array.dtype.newbyteorder("=")
    if native not in DTYPES or not name.isprintable():
        raise TypeError(
            f"{brief(repr(name))} is an array of {brief(array.dtype)}, which a file cannot hold; "
            f"expected bool, whole numbers or floats, of up to 64 bits, under a printable name"
        )
    return np.ascontiguousarray(array, native).reshape(array.shape)


def read_arrays(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the description that `write_arrays` wrote. Raises FileError where the file is
    missing, damaged, not one of ours, or of a newer format."""
    metadata, arrays = read_safetensors(path, with_arrays=True)
    if metadata["checksum"] != checksum(arrays, metadata["chainrule"]):
        raise FileError(f"{path}: damaged: its checksum is not that of its content")
    return arrays, description_in(path, metadata)


def read_description(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The description alone, at once however large the arrays are. Raises FileError as
    `read_arrays`, except that nothing is compared with the checksum, which is one of the arrays,
    too."""
    return description_in(path, read_safetensors(path, with_arrays=False)[0])


def read_safetensors(
    path: str | os.PathLike[str], *, with_arrays: bool
) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """The metadata of a file of ours, and its arrays or none. Raises FileError for another."""
    try:
        place, mode = regular_file(path)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None
    if mode is None:
        raise FileError(f"{path}: there is no such file")
    try:
        with safetensors.safe_open(place, framework="numpy") as file:
            metadata, names = file.metadata() or {}, [*file.keys()]
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names[:3]}
            ours = {"chainrule", "checksum"} & metadata.keys()
            wanted = names if ours and with_arrays else []
            arrays = {name: file.get_tensor(name) for name in wanted}
    except Exception as error:  # one of many, where a header makes no sense
        raise FileError(
            f"{path}: not a safetensors file, or damaged or cut short ({brief(error)})"
        ) from None
    if not ours:
        raise FileError(f"{path}: {foreign(names, shapes)}")
    if len(ours) < 2:
        raise FileError(f"{path}: damaged: its metadata lack their checksum or their description")
    return metadata, arrays


def foreign(names: Sequence[str], shapes: Mapping[str, tuple[int, ...]]) -> str:
    """What a safetensors file of somebody else is, and how it comes in where it is PyTorch's."""
    held = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    text = f"a safetensors file, but none that save() wrote: it holds {brief(held) or 'nothing'}"
    if len(names) > len(shapes):
        text += f" and {len(names) - len(shapes):,} more"
    if any(name.rpartition(".")[2] in ("weight", "bias") for name in names):
        text += (
            "; those are weights as PyTorch names them: build a network of the same layers, and "
            "chainrule.training.export.from_torch(net, path) brings them in"
        )
    return text


def description_in(path: str | os.PathLike[str], metadata: Mapping[str, str]) -> dict[str, Any]:
    """What the metadata of the file at `path` say of it. Raises FileError where that is no JSON, or
    of a newer format."""
    try:
        described = json.loads(metadata["chainrule"])
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path}: damaged: its description is no JSON: {brief(error)}") from None
    version = described.get("format") if isinstance(described, dict) else None
    if type(version) is not int or version < 1:
        raise FileError(f"{path}: damaged: its format is {version!r:.40}, expected a number")
    if version > FORMAT:
        raise FileError(
            f"{path}: written by a newer version of Chainrule, in format {brief(version, 20)}; "
            f"this one reads up to format {FORMAT}"
        )
    found: dict[str, Any] = described
    return found


def checksum(arrays: Mapping[str, np.ndarray], text: str) -> str:
    """A fingerprint of arrays, with their names, dtypes and shapes, and of a text."""
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
