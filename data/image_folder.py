"""A folder of a user's own pictures: a subfolder for each class."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chainrule.data.cells import is_whole
from chainrule.data.copies import originals, shared, split_apart
from chainrule.data.dataset import Dataset
from chainrule.data.image_file import DEEP, SUFFIXES, Size, pillow, read_image
from chainrule.data.notes import REGRESSION, listed, notes_on_labels
from chainrule.data.pixels import Bytes, Pixels
from chainrule.data.splits import TRAIN_VAL_TEST
from chainrule.data.standardiser import Examples

#: What the subfolders of parts are called, and the part that each is.
PARTS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
OTHERS = (".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".heif", ".avif", ".jp2", ".ppm",
    ".pgm", ".pbm", ".tga", ".ico", ".svg", ".psd", ".raw", ".dng", ".cr2", ".nef")  # fmt: skip
SYSTEM = ("thumbs.db", "desktop.ini", "__macosx")  # what a desktop leaves behind
NAMED = 3  # files in one message
Each = Callable[[Sequence[Path]], Iterable[Path]]  # shows the progress, as tqdm does


def load_images(
    folder: str | PathLike[str],
    *,
    size: int | Size,
    gray: bool | None = None,
    seed: int = 0,
    dtype: DTypeLike = np.float32,
    progress: Each = iter,
) -> Dataset:
    """Load a folder that holds a subfolder of PNG and JPEG files for each class.

    x is (N, 3, H, W), red, green and blue, or (N, 1, H, W), grey; values 0 to 255 divided by 255.
    The classes are the names of the subfolders in order, as numbers if all of them are. A picture
    of another shape is stretched, so that nothing of it is cut off; it is turned as its EXIF data
    say, and put on white where it is transparent (`chainrule.data.image_file.read_image` says all
    of it). The pictures are divided as by `Dataset.from_arrays`: 60 % of each class are trained on,
    20 % validate, 20 % test, and copies of a picture stay in one part.

    A folder with subfolders `train` and `test`, `train` and `val`, or all three, each with a
    subfolder for each class, is divided already. For the part that is missing, 20 % of the
    training pictures are taken, class by class.

    Every picture is used or the folder is refused. Files whose names begin with a point, those that
    desktops leave behind, and files that are no pictures by their names are left out, the latter
    with a line in the dataset's `notes`. Links are followed. Needs Pillow.

    Args:
        folder: the folder.
        size: H and W, or one number for both.
        gray: makes all pictures grey; False makes all of them red, green and blue; None makes them
            grey if none of the files has colours.
        seed: decides which picture goes to which part.
        dtype: of x, float32 or float64.
        progress: passes the paths on, one by one, as tqdm does.

    Raises:
        ImportError: Pillow is not installed.
        OSError: the folder or a file cannot be read.
        ValueError: pictures that cannot be read, those of other kinds, folders within a class, a
            class without pictures, fewer than two classes, or too few pictures to be divided; the
            message names what is wrong.
    """
    pillow()
    name, size = str(folder), checked(size)
    aside: list[Path] = []
    parts = {
        part: classes_in(home, aside, fewest=2 if part == "train" else 1)
        for part, home in homes(Path(folder), aside).items()
    }
    notes = left_out(aside)
    classes = in_order(parts["train"])
    for part, found in parts.items():
        if unknown := [one for one in found if one not in classes]:
            raise ValueError(
                f"{name}: {part} has the class {unknown[0]!r}, which the training part lacks"
            )
        if missing := [one for one in classes if one not in found]:
            notes.append(f"{part} has no pictures of {listed(missing)}")
    number = {one: c for c, one in enumerate(classes)}
    table = [  # part, class and path of each picture
        (part, number[one], path)
        for part, found in parts.items()
        for one in in_order(found)
        for path in found[one]
    ]
    paths, labels = [path for *_, path in table], np.array([c for _, c, _ in table])
    values, deep = read_all(name, paths, size, gray, progress)
    if deep:
        notes.append(
            f"{deep:,} of the {len(paths):,} pictures have 16 bits a pixel and are brought to 8: "
            f"levels that differ by less than 257 may become one"
        )
    marks, called = fingerprints(values), np.array(classes)[labels]
    notes += twice(paths, marks, labels)
    notes += [note for note in notes_on_labels(called) if REGRESSION not in note]
    given = {part: np.flatnonzero([one == part for one, *_ in table]) for part in parts}
    rows, told = divided(name, marks, called, given, seed)
    x = {part: Pixels(values, dtype, rows=rows[part]) for part in rows}
    return Dataset(
        name,
        x["train"],
        labels[rows["train"]],
        np.asarray(x["val"]),
        labels[rows["val"]],
        np.asarray(x["test"]),
        labels[rows["test"]],
        tuple(classes),
        values.shape[1:],
        notes=(*notes, *told),
    )


def checked(size: int | Size) -> Size:
    """Return H and W. Raises ValueError where they are no sizes of pictures."""
    pair = (size, size) if isinstance(size, int | np.integer) else tuple(size)
    if len(pair) != 2 or not all(isinstance(n, int | np.integer) and n > 0 for n in pair):
        raise ValueError(f"size is {size!r}, expected H and W, or one number for both, at least 1")
    return int(pair[0]), int(pair[1])


def entries(folder: Path) -> Iterator[Path]:
    """Yield what a folder holds by name, hidden files and those of desktops left out."""
    for path in sorted(folder.iterdir()):
        if not path.name.startswith(".") and path.name.lower() not in SYSTEM:
            yield path


def homes(folder: Path, aside: list[Path]) -> dict[str, Path]:
    """Return the folders that hold the classes, by the part that they are: "train" alone where the
    folder is not divided. Raises ValueError where it is only half so."""
    held = [path for path in entries(folder) if path.is_dir()]
    found = [(PARTS[path.name.lower()], path) for path in held if path.name.lower() in PARTS]
    parts = dict(found)
    if "train" not in parts or len(parts) < 2:
        return {"train": folder}
    if len(found) < len(held) or len(parts) < len(found):
        raise ValueError(
            f"{folder}: holds {listed([path.name for path in held])}: expected train, val and test "
            f"alone, one folder each, or a folder for each class"
        )
    aside += others_in(folder)
    return {part: parts[part] for part in ("train", "val", "test") if part in parts}


def classes_in(folder: Path, aside: list[Path], fewest: int) -> dict[str, list[Path]]:
    """Return the pictures of each class by its name; `aside` gets the files that are left out.
    Raises ValueError where these are pictures, or there are too few classes."""
    homes = [path for path in entries(folder) if path.is_dir()]
    aside += others_in(folder)
    if len(homes) < fewest:
        alone = f"{homes[0].name!r} alone" if homes else "none"
        raise ValueError(
            f"{folder}: expected {'two folders or more' if fewest == 2 else 'folders'}, one for "
            f"each class, with its pictures in it; found {alone}"
        )
    found = {}
    for home in homes:
        if not home.name.isprintable():
            raise ValueError(
                f"{folder}: the folder {home.name!r} has a name that cannot be printed"
            )
        found[home.name] = pictures_in(home, aside)
    return found


def pictures_in(folder: Path, aside: list[Path]) -> list[Path]:
    """Return the pictures that a folder holds, by name; `aside` gets the other files. Raises
    ValueError where it holds none, or pictures of other kinds, or folders."""
    inside = [*entries(folder)]
    if nested := [path.name for path in inside if path.is_dir()]:
        raise ValueError(
            f"{folder}: holds a folder, {nested[0]!r}, expected pictures alone: move those in it"
        )
    pictures = [path for path in inside if is_picture(path)]
    others = [path for path in inside if not is_picture(path)]
    if wrong := [path for path in others if path.suffix.lower() in OTHERS]:
        raise ValueError(
            f"{names_of(wrong)}: expected PNG or JPEG (.png, .jpg, .jpeg); convert such pictures"
        )
    aside += others
    if not pictures:
        raise ValueError(f"{folder}: holds no pictures, expected PNG or JPEG files")
    return pictures


def others_in(folder: Path) -> list[Path]:
    """Return the files that stand beside the folders of classes. Raises ValueError for pictures."""
    files = [path for path in entries(folder) if not path.is_dir()]
    if dangling := [path for path in files if not path.exists()]:
        raise ValueError(f"{dangling[0]}: a link to what is not there")
    if wrong := [path for path in files if is_picture(path) or path.suffix.lower() in OTHERS]:
        raise ValueError(
            f"{folder}: holds pictures that are in no folder of a class, such as "
            f"{wrong[0].name!r}; expected a folder for each class, with its pictures in it"
        )
    return files


def left_out(files: Sequence[Path]) -> list[str]:
    """Return what is to be said of files that are not used."""
    if not files:
        return []
    return [f"left out, since they are no pictures by their names: {names_of(files)}"]


def is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def names_of(paths: Sequence[Path]) -> str:
    """Return the first few paths, and how many more there are."""
    more = f" and {len(paths) - NAMED:,} more" if len(paths) > NAMED else ""
    return ", ".join(map(str, paths[:NAMED])) + more


def in_order(names: Iterable[str]) -> list[str]:
    """Return names of classes in order: of numbers where all are integers, else of letters."""
    known = [*names]
    return sorted(known, key=int) if all(map(is_whole, known)) else sorted(known)


def read_all(
    name: str, paths: Sequence[Path], size: Size, gray: bool | None, progress: Each = iter
) -> tuple[Bytes, int]:
    """Return the pictures (N, 3, H, W), or (N, 1, H, W) where they are grey, and how many of them
    have 16 bits. Raises ValueError, which names them, where some cannot be read."""
    try:
        values = np.empty((len(paths), 1 if gray else 3, *size), np.uint8)
    except MemoryError as error:
        raise ValueError(f"{name}: {error}; take a smaller size of pictures") from None
    colours, deep, bad = bool(gray is False), 0, []
    for row, path in enumerate(progress(paths)):
        try:
            pixels, mode = read_image(path, size, gray=bool(gray))
        except OSError as error:
            bad.append(f"{path} cannot be opened ({error.strerror})")
            continue
        except ValueError as error:
            bad.append(f"{path} {error}")
            continue
        values[row] = pixels  # a grey one three times, where there are three
        colours, deep = colours or len(pixels) == 3, deep + (mode in DEEP)
    if bad:
        more = f"; and {len(bad) - NAMED:,} more" if len(bad) > NAMED else ""
        raise ValueError(
            f"{name}: {len(bad):,} of the {len(paths):,} pictures cannot be read: "
            f"{'; '.join(bad[:NAMED])}{more}"
        )
    return (values if colours or gray else values[:, :1].copy()), deep


def fingerprints(values: Bytes) -> Examples:
    """Return 16 numbers for each picture, the same for the same pixels."""
    found = [hashlib.blake2b(np.ascontiguousarray(one).data, digest_size=16) for one in values]
    return np.array([[*one.digest()] for one in found], np.float32)


def twice(paths: Sequence[Path], marks: Examples, labels: NDArray[np.integer]) -> list[str]:
    """Return what is to be said of pictures that are the same and in two classes."""
    first = originals(marks)
    rows = np.flatnonzero(labels != labels[first])
    if not len(rows):
        return []
    return [
        f"{len(rows):,} of the {len(labels):,} pictures are in two classes, such as "
        f"{paths[first[rows[0]]]} and {paths[rows[0]]}: no network can get both right"
    ]


def divided(
    name: str,
    marks: Examples,
    y: NDArray[np.str_],
    rows: dict[str, NDArray[np.intp]],
    seed: int,
) -> tuple[dict[str, NDArray[np.intp]], list[str]]:
    """Return the rows of the three parts, and what is to be said of copies; `rows` are those of the
    parts that are there, "train" among them, and `marks` (N, 16) tell pictures apart."""
    train, told = rows["train"], []
    for part in ("val", "test"):
        if part in rows:
            told.append(shared(part, marks[rows[part]], "train", marks[train]))
    missing = [part for part in ("val", "test") if part not in rows]
    if missing:
        sizes = TRAIN_VAL_TEST if len(missing) == 2 else (0.8, 0.2)
        split, copies = split_apart(name, marks[train], y[train], sizes, seed)
        rows = rows | {part: train[at] for part, at in zip(("train", *missing), split, strict=True)}
        told.append(copies)
        if len(missing) == 1:
            told.append(f"20 % of the pictures in train are the {missing[0]} part")
    return rows, [*filter(None, told)]


def read_images(
    places: Sequence[str | PathLike[str]], shape: tuple[int, ...], *, progress: Each = iter
) -> tuple[Bytes, list[Path], NDArray[np.str_] | None, list[str]]:
    """Read pictures for a trained network to judge.

    Args:
        places: PNG and JPEG files; folders of them; or folders with a subfolder for each class.
        shape: (3, H, W), (1, H, W) or (H, W), that of the pictures the network was trained on,
            which these are brought to as `load_images` does.
        progress: as in `load_images`.

    Returns:
        The pictures (N, *shape), uint8; their paths; their labels (N,), if all are in folders of
        classes, else None; and what is to be said of files that were left out.

    Raises:
        ImportError, OSError, ValueError: as `load_images` does.
    """
    pillow()
    paths, labels, aside = list[Path](), list[str | None](), list[Path]()
    for place in map(Path, places):
        found: dict[Any, list[Path]]
        if not place.is_dir():
            found = {None: [place]}
        elif any(path.is_dir() for path in entries(place)):
            found = classes_in(place, aside, fewest=1)
        else:
            found = {None: pictures_in(place, aside)}
        for label, inside in found.items():
            paths += inside
            labels += [label] * len(inside)
    *channels, H, W = shape
    values, _ = read_all(listed([*map(str, places)]), paths, (H, W), channels != [3], progress)
    named = None if None in labels else np.array(labels, np.str_)
    return values.reshape(-1, *shape), paths, named, left_out(aside)
