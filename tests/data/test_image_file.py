"""A picture is the same numbers whatever the file holds it as; what is no picture is refused."""

import os
import sys

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

from chainrule.data.image_file import read_image  # noqa: E402

RED, GREY = (255, 0, 0), (100, 100, 100)


def left_and_right(left, right, mode="RGB", size=(8, 8)):
    """A picture (H, W) whose left half has one colour and whose right half another."""
    pixels = np.empty((*size, 3), np.uint8)
    pixels[:, : size[1] // 2], pixels[:, size[1] // 2 :] = left, right
    return Image.fromarray(pixels).convert(mode)


def read(folder, image, name="a.png", size=(8, 8), gray=False, **options):
    image.save(folder / name, **options)
    return read_image(folder / name, size, gray=gray)[0]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_are_planes_of_red_green_and_blue(mode, tmp_path):
    found = read(tmp_path, left_and_right(RED, (0, 0, 255), mode))
    assert (found.shape, found.dtype) == ((3, 8, 8), np.uint8)
    assert found[:, 0, 0].tolist() == [255, 0, 0]
    assert found[:, 7, 7].tolist() == [0, 0, 255]


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "P"])
def test_grey_levels_stay_what_they_are(mode, tmp_path):
    found = read(tmp_path, left_and_right((0, 0, 0), (51, 51, 51), mode), gray=True)
    assert found.shape == (1, 8, 8)
    assert (found[0, :, :4] == 0).all()
    assert (found[0, :, 4:] == 51).all()


def test_a_picture_without_colours_has_one_plane_even_if_it_is_not_asked_for(tmp_path):
    assert read(tmp_path, left_and_right(GREY, GREY, "L")).shape == (1, 8, 8)


def test_grey_of_a_colour_is_its_luminance(tmp_path):
    found = read(tmp_path, left_and_right(RED, (0, 255, 0)), gray=True)
    assert found[0, 0].tolist() == [76] * 4 + [150] * 4  # 0.299 · 255 and 0.587 · 255


def test_black_and_white(tmp_path):
    found = read(tmp_path, left_and_right((0, 0, 0), (255, 255, 255), "1"))
    assert found[0, 0].tolist() == [0] * 4 + [255] * 4


def test_sixteen_bits_become_eight(tmp_path):
    levels = np.repeat(np.array([[0, 257, 25700, 65535]], np.uint16), 4, axis=0)
    found = read(tmp_path, Image.fromarray(levels), size=(4, 4))
    assert found[0, 0].tolist() == [0, 1, 100, 255]


def test_what_is_transparent_is_white(tmp_path):
    image = left_and_right(RED, RED, "RGBA")
    image.putalpha(Image.fromarray(np.repeat(np.array([[0, 255]], np.uint8), 4, 1).repeat(8, 0)))
    found = read(tmp_path, image)
    assert found[:, 0, 0].tolist() == [255, 255, 255]
    assert found[:, 0, 7].tolist() == [255, 0, 0]


def test_a_colour_of_a_palette_may_be_transparent(tmp_path):
    image = left_and_right((0, 0, 0), RED, "P")
    found = read(tmp_path, image, transparency=image.getpixel((0, 0)))
    assert found[:, 0, 0].tolist() == [255, 255, 255]
    assert found[:, 0, 7].tolist() == [255, 0, 0]


def test_jpeg_of_printers_colours(tmp_path):
    found = read(tmp_path, left_and_right(RED, RED, "CMYK"), "a.jpg", quality=100)
    np.testing.assert_allclose(found[:, 4, 4], RED, atol=3)


def test_a_photograph_stands_as_its_camera_was_held(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° clockwise: what is on the left comes to the top
    found = read(tmp_path, left_and_right(RED, (0, 0, 0)), "a.jpg", exif=exif, quality=100)
    np.testing.assert_allclose(found[0, 1], 255, atol=6)
    np.testing.assert_allclose(found[0, 6], 0, atol=6)


def test_a_picture_is_stretched_and_nothing_is_cut_off(tmp_path):
    found = read(tmp_path, left_and_right((0, 0, 0), (200, 200, 200), size=(4, 40)), size=(8, 8))
    assert (found[:, :, 0] == 0).all()
    assert (found[:, :, -1] == 200).all()


def test_a_smaller_picture_is_one_of_means(tmp_path):
    board = np.indices((64, 64)).sum(axis=0) % 2 * np.uint8(200)
    found = read(tmp_path, Image.fromarray(board.astype(np.uint8)), size=(4, 4))
    np.testing.assert_allclose(found, 100, atol=2)


def test_a_large_jpeg_is_the_same_picture(tmp_path):
    found = read(tmp_path, left_and_right(RED, (0, 0, 255), size=(900, 1200)), "a.jpg", (8, 12))
    np.testing.assert_allclose(found[:, 4, 0], RED, atol=3)
    np.testing.assert_allclose(found[:, 4, 11], (0, 0, 255), atol=3)


def damaged(content, kind):
    halves = {"cut": content[: len(content) // 2], "empty": b"", "text": b"no picture at all"}
    return halves[kind]


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("cut", "is damaged"),
        ("empty", "is no PNG or JPEG: it is empty"),
        ("text", "is no PNG or JPEG$"),
    ],
)
def test_files_that_are_no_whole_picture_are_refused(name, kind, said, tmp_path):
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (50, 50, 3), dtype=np.uint8))
    image.save(tmp_path / name)
    (tmp_path / name).write_bytes(damaged((tmp_path / name).read_bytes(), kind))
    with pytest.raises(ValueError, match=said):
        read_image(tmp_path / name, (8, 8), gray=False)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_a_picture_of_another_kind_is_called_by_its_name(kind, tmp_path):
    left_and_right(RED, GREY).save(tmp_path / "a.png", format=kind)
    with pytest.raises(ValueError, match=f"is no PNG or JPEG but {kind}"):
        read_image(tmp_path / "a.png", (8, 8), gray=False)


@pytest.mark.parametrize("times", [1.5, 3])
def test_a_file_that_would_fill_the_memory_is_refused(times, tmp_path, monkeypatch):
    left_and_right(RED, GREY).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(64 / times))
    with pytest.raises(ValueError, match=f"has more than {int(64 / times)} pixels"):
        read_image(tmp_path / "a.png", (8, 8), gray=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_nobody_waits_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(OSError, match="pipe"):
        read_image(tmp_path / "a.png", (8, 8), gray=False)


def test_without_pillow_one_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r'needs Pillow: pip install "chainrule\[images\]"'):
        read_image(tmp_path / "a.png", (8, 8), gray=False)
