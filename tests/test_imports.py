"""Who may import whom, and a few habits that a reader relies on."""

import ast
import configparser
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "layers": {"layers"},
    "nets": {"layers", "nets"},
    "solvers": {"layers", "nets", "solvers"},
    "gradcheck": {"gradcheck"},
    "data": {"data"},
    "pictures": {"layers", "nets", "solvers", "gradcheck", "data", "pictures"},
    "notebooks": {"gradcheck", "notebooks"},
    "sklearn": {"layers", "nets", "solvers", "data", "training", "sklearn"},
    "training": {"layers", "nets", "solvers", "gradcheck", "data", "pictures", "training"},
}
# A folder that has another name than its package: one called sklearn would hide scikit-learn.
FOLDERS = {name: name for name in MAY_IMPORT} | {"sklearn": "estimators"}
# Packages within packages, which setup.cfg must list too.
INNER = {
    "gradcheck.checks",
    "gradcheck.command",
    "gradcheck.derivatives",
    "gradcheck.explain",
    "gradcheck.formulas",
    "gradcheck.report",
    "gradcheck.subject",
    "gradcheck.update_rules",
    "nets.picture",
    "training.export",
    "training.report",
    "training.run",
    "training.runs",
    "training.sanity",
}
FRONT_ENDS = {"autograd", "jax", "torch"}  # libraries whose functions the checker takes too
SOURCES = [
    path
    for package in MAY_IMPORT
    for path in sorted((ROOT / FOLDERS[package]).rglob("*.py"))
    if path.parent.name != "solutions"  # notebooks use what they like
]


def imports(path):
    """The modules that a file imports, as (dotted name, names taken from it); those that only a
    type checker imports too, for a reader has to hold them in the head as well."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, []
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module, [alias.name for alias in node.names]


def module_name(path):
    folder, *inner = path.relative_to(ROOT).with_suffix("").parts
    parts = ("chainrule", *(name for name in FOLDERS if FOLDERS[name] == folder), *inner)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def packages(path):
    """The packages of ours that a file imports, and "chainrule" where it takes the root itself."""
    for module, names in imports(path):
        first, *rest = module.split(".")
        if first == "chainrule":
            yield from rest[:1] or (name if name in MAY_IMPORT else "chainrule" for name in names)
        elif first in ("tests", "train", "benchmarks", "docs"):
            yield first


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_imports_point_one_way_and_name_what_they_take(path):
    assert {*packages(path)} <= MAY_IMPORT[module_name(path).split(".")[1]]
    for module, names in imports(path):
        assert "*" not in names, f"{path} imports * from {module}"


def test_gradcheck_imports_numpy_and_the_standard_library_alone():
    found = {
        module.partition(".")[0]
        for path in (ROOT / "gradcheck").rglob("*.py")
        for module, _ in imports(path)
    }
    assert found - set(sys.stdlib_module_names) - FRONT_ENDS == {"numpy", "chainrule"}


@pytest.mark.parametrize("path", sorted((ROOT / "gradcheck").rglob("*.py")), ids=module_name)
def test_gradcheck_imports_other_libraries_inside_functions_alone(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and id(node) not in inside:
            names = [alias.name for alias in node.names]
            modules = [node.module] if isinstance(node, ast.ImportFrom) else names
            assert not {module.partition(".")[0] for module in modules} & FRONT_ENDS


def test_pictures_import_matplotlib_where_they_are_drawn():
    drawn = ROOT / "pictures" / "gradients.py"
    found = {module.partition(".")[0] for module, _ in imports(drawn)}
    assert found - set(sys.stdlib_module_names) == {"numpy", "chainrule", "matplotlib"}
    code = (
        "import sys, chainrule.pictures, chainrule.pictures.gradients\n"
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_no_module_imports_itself_by_way_of_others():
    modules = {module_name(path): path for path in SOURCES}
    graph = {}
    for name, path in modules.items():
        needed = set()
        for module, names in imports(path):
            inner = {f"{module}.{taken}" for taken in names} & modules.keys()
            needed |= inner
            # Taking modules alone from a package asks for nothing that the package itself defines.
            if not names or len(inner) < len(names):
                needed |= {module} & modules.keys()
        graph[name] = needed - {name}
    # Taking away, again and again, what imports nothing that is left empties an acyclic graph.
    while leaves := [name for name, needed in graph.items() if not needed & graph.keys()]:
        for name in leaves:
            del graph[name]
    assert not graph, sorted(graph)


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_no_global_randomness_no_pickle_no_path_edits(path):
    text = path.read_text(encoding="utf-8")
    allowed = ["Generator", "default_rng", "SeedSequence"]
    if path.is_relative_to(ROOT / "gradcheck"):
        # A stranger's layer may draw from the global generator, which the checker puts back.
        allowed += ["RandomState", "get_state", "set_state"]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in (
            "np.random",
            "numpy.random",
        ):
            assert node.attr in allowed, f"{path}: {node.attr}"
    assert "sys.path" not in text
    assert "allow_pickle=True" not in text
    assert not {"pickle", "shelve", "marshal"} & {module for module, _ in imports(path)}


@pytest.mark.parametrize("folder", ["/", str(ROOT / "tests"), str(ROOT / "notebooks")])
def test_our_packages_come_from_this_checkout_wherever_python_starts(folder):
    found_here = [name for name in MAY_IMPORT if name != "sklearn" or find_spec("sklearn")]
    names = ", ".join(found_here)
    code = f"from chainrule import {names}\nfor m in ({names}): print(m.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = [Path(line).parent for line in done.stdout.splitlines()]
    assert found == [ROOT / FOLDERS[name] for name in found_here]


def test_settings_list_every_package_and_the_build_file_holds_nothing_else():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    packages = {module_name(path) for path in SOURCES if path.name == "__init__.py"}
    assert packages == {f"chainrule.{name}" for name in MAY_IMPORT.keys() | INNER}
    assert {*settings["options"]["packages"].split()} == packages | {"chainrule"}
    folders = dict(line.split(" = ") for line in settings["options"]["package_dir"].split("\n")[1:])
    expected = {f"chainrule.{name}": folder for name, folder in FOLDERS.items()}
    assert folders == expected | {"chainrule": "chainrule"}
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert [line for line in pyproject.splitlines() if line.startswith("[")] == ["[build-system]"]


def test_every_package_says_that_it_is_typed_and_what_it_exports():
    assert (ROOT / "chainrule" / "py.typed").exists()
    for package in MAY_IMPORT:
        assert "__all__" in (ROOT / FOLDERS[package] / "__init__.py").read_text(encoding="utf-8")


def test_no_folder_of_tests_is_a_package():
    assert not list((ROOT / "tests").rglob("__init__.py"))
