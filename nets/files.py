"""Arrays and their description on disk: written as a whole or not at all, and never unpickled."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

FORMAT = 1  # goes up when files of this version could not be read by an older one


class FileError(ValueError):
    """A file is missing, damaged, of another kind, or cannot be written; the message is one line
    that names it."""


def write_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Replaces the file at `path`. It holds the old content or the new at any moment, whatever
    happens: `content` goes to a temporary file beside it, then to the disk, then takes its name.
    Raises FileError where that fails, and then the old file is as it was."""
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise FileError(f"{path}: cannot be written: {error.strerror}") from None
        raise
    with suppress(OSError):  # not every system opens folders, and the new name holds by now
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_arrays(
    path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray], described: Mapping[str, Any]
) -> None:
    """Writes arrays by name, and what JSON can hold of `described`, as a safetensors file with a
    checksum of all of it. Raises FileError where it cannot be written."""
    text = json.dumps({"format": FORMAT, **described})
    packed = {
        name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()
    }
    metadata = {"chainrule": text, "checksum": checksum(packed, text)}
    write_file(path, safetensors.numpy.save(packed, metadata))


def read_arrays(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the description that `write_arrays` wrote. Raises FileError where the file is
    missing, damaged, not one of ours, or of a newer format."""
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata, names = file.metadata() or {}, file.keys()
            arrays = {name: file.get_tensor(name) for name in names}
    except FileNotFoundError:
        raise FileError(f"{path}: there is no such file") from None
    except (OSError, safetensors.SafetensorError, ValueError, TypeError) as error:
        raise FileError(
            f"{path}: not a safetensors file, or damaged or cut short ({error})"
        ) from None
    if not {"chainrule", "checksum"} <= metadata.keys():
        raise FileError(f"{path}: a safetensors file, but damaged, or not one that Chainrule wrote")
    if metadata["checksum"] != checksum(arrays, metadata["chainrule"]):
        raise FileError(f"{path}: damaged: its checksum is not that of its content")
    described = json.loads(metadata["chainrule"])
    if described["format"] > FORMAT:
        raise FileError(
            f"{path}: written by a newer version of Chainrule, in format {described['format']}; "
            f"this one reads up to format {FORMAT}"
        )
    return arrays, described


def checksum(arrays: Mapping[str, np.ndarray], text: str) -> str:
    """A fingerprint of arrays, with their names, dtypes and shapes, and of a text."""
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
