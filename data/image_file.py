"""One picture of a user's own, PNG or JPEG, as bytes of a given size."""

from __future__ import annotations

import os
import warnings
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.opening import open_regular
from chainrule.data.pixels import Bytes

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif")
GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L")  # modes without colours
DEEP = ("I", "I;16", "I;16B", "I;16L")  # modes of 16 bits
FORMATS = ("PNG", "JPEG")
Size = tuple[int, int]


def read_image(path: str | PathLike[str], size: Size, *, gray: bool) -> tuple[Bytes, str]:
    """Return a picture as (1, H, W) or (3, H, W), uint8, and the mode it has in the file.

    It is turned as its EXIF data say, put on white where it is transparent, brought from 16 bits
    to 8, made red, green and blue or, with `gray`, one grey (ITU-R 601-2: 0.299 red + 0.587 green
    + 0.114 blue), and then stretched or squeezed to `size`, (H, W): each new pixel is a mean of
    the old ones around it, weighted by a triangle. (A JPEG of four times the size or more is
    first halved as it is decoded, up to three times, down to twice the size at least.) Of an
    animation it is the first frame; colour profiles are ignored. A picture that has no colours is
    (1, H, W) in any case.

    Raises:
        ImportError: Pillow is not installed.
        OSError: the file cannot be opened.
        ValueError: it is no whole PNG or JPEG, or is too large; the message does not name it.
    """
    Image, ImageOps = pillow()
    with open_regular(path) as file, warnings.catch_warnings():
        # Pillow warns of a picture that may be made to fill the memory, and of odd metadata.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(file, formats=FORMATS)
            mode = image.mode
            image.draft(None, (2 * max(size),) * 2)  # a large JPEG is read at half its size or less
            image = eight_bits(ImageOps.exif_transpose(image))
            if gray or mode in GREY:
                image = image.convert("L")
            elif image.mode != "RGB":
                image = image.convert("RGB")
            image = image.resize(size[::-1], Image.Resampling.BILINEAR)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise ValueError(
                f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels, the most that is read; make it "
                f"smaller"
            ) from None
        except Image.UnidentifiedImageError:
            raise ValueError(f"is no PNG or JPEG{found(path)}") from None
        except MemoryError:
            raise
        except Exception as error:  # of a dozen kinds, from within Pillow
            raise ValueError(f"is damaged ({error})") from None
    pixels = np.asarray(image)
    return (pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)), mode


def pillow() -> tuple[Any, Any]:
    """Return the two modules of Pillow that are used. Raises ImportError where it is missing."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise ImportError(
            'reading PNG and JPEG files needs Pillow: pip install "chainrule[images]"'
        ) from None
    return Image, ImageOps


def eight_bits(image: Image) -> Image:
    """Return a picture with 8 bits a pixel and no transparency."""
    Image, _ = pillow()
    if image.mode in DEEP:
        levels: NDArray[Any] = np.asarray(image)
        return Image.fromarray(np.rint(levels / 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image)
    return image


def found(path: str | PathLike[str]) -> str:
    """Return what is to be said of a file that is no picture."""
    if os.path.getsize(path) == 0:
        return ": it is empty"
    with open_regular(path) as file:
        start = file.read(16)
    kinds = {
        b"GIF8": "GIF", b"BM": "BMP", b"II*\0": "TIFF", b"MM\0*": "TIFF", b"%PDF": "PDF",
        b"<svg": "SVG", b"8BPS": "Photoshop",
    }  # fmt: skip
    for magic, kind in kinds.items():
        if start.startswith(magic):
            return f" but {kind}"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return " but WebP"
    if start[4:8] == b"ftyp":
        return " but HEIF or AVIF"
    return ""
