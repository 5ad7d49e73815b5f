"""A finished picture."""

from os import PathLike
from pathlib import Path

from chainrule.nets.files import write_file


class Drawing:
    """A picture that a notebook shows; `svg` is its source."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the picture to a file, `.svg`. Raises ValueError for another ending, FileError
        where the file cannot be written."""
        path = Path(path)
        if path.suffix != ".svg":
            raise ValueError(f"Picture: {path.name!r} does not end in .svg")
        write_file(path, self.svg.encode())
