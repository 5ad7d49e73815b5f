"""ARCHITECTURE.md is true: it names what is there, and the arrows are those of the imports."""

import re
from pathlib import Path

import pytest

from tests.test_imports import FOLDERS, INNER, MAY_IMPORT, imports

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
BEGUN = [path for path in ROOT.iterdir() if path.is_dir() and any(path.rglob("*.py"))]


def section(title):
    """The rows of the tables of a section, as lists of cells."""
    text = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


def named(cell):
    return re.findall(r"`([^`]+)`", cell)


def arrows(rows):
    """Of a table: what each part may import."""
    return {named(part)[0]: {*named(imported)} for part, _, imported in rows}


def test_the_packages_and_what_they_may_import_are_those_that_the_imports_are_tested_for():
    rows = [row for row in section("Who imports whom") if len(row) == 3]
    expected = {f"{FOLDERS[name]}/": may - {name} for name, may in MAY_IMPORT.items()}
    assert arrows(rows) == expected


@pytest.mark.parametrize("inner", sorted(INNER))
def test_a_package_within_a_package_is_named(inner):
    assert f"`{inner.replace('.', '/')}/`" in PAGE


@pytest.mark.parametrize("folder", sorted(path.name for path in BEGUN if path.name[0] != "."))
def test_a_folder_of_the_checkout_is_named(folder):
    if folder in ("build", "dist") or folder.endswith(".egg-info"):
        pytest.skip("made by a build")
    assert f"`{folder}/`" in PAGE


def test_the_folders_of_the_checker_import_from_those_below_them():
    rows = [named(row[0])[0] for row in section("Who imports whom") if len(row) == 2]
    folders = [row.split("/")[1] for row in rows]
    assert {f"gradcheck.{name}" for name in folders} == {one for one in INNER if "gradcheck" in one}
    for at, folder in enumerate(folders):
        for path in (ROOT / "gradcheck" / folder).rglob("*.py"):
            needed = {m.split(".")[2] for m, _ in imports(path) if m.count(".") >= 2}
            assert not needed & {*folders[:at]}, path


def test_the_parts_of_training_and_their_arrows_are_those_of_its_files():
    folder = ROOT / "training"
    found = {}
    for path in folder.rglob("*.py"):
        part = path.relative_to(folder).parts[0]
        needed = {
            inner
            for module, names in imports(path)
            if module == "chainrule.training" or module.startswith("chainrule.training.")
            for inner in (module.split(".")[2:3] or names)
        }
        found.setdefault(part, set()).update(needed - {part.removesuffix(".py")})
    del found["__init__.py"]
    told = arrows(section("Within `training/`"))
    assert {part.removeprefix("training/").rstrip("/"): to for part, to in told.items()} == found


def test_every_path_that_is_named_is_there():
    paths = [name for name in named(PAGE) if re.fullmatch(r"[\w./]+(/|\.\w+)", name)]
    assert len(paths) > 40
    for name in paths:
        places = ROOT, ROOT / "training"
        inside = name.replace("chainrule.", "").replace(".", "/") + ".py"
        assert any((place / name).exists() for place in places) or (ROOT / inside).exists(), name


def test_the_page_is_a_page_and_that_of_training_half_of_one():
    assert len(PAGE.splitlines()) <= 100
    within = PAGE.partition("## Within `training/`")[2].partition("\n## ")[0]
    assert len(within.splitlines()) <= 30
