"""Types that help: what is annotated, and what mypy and pyright say to users."""

import ast
import builtins
import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = (
    *("layers", "nets", "solvers", "gradcheck", "data", "pictures", "training", "notebooks"),
    "estimators",
    "chainrule",
)
USER = ROOT / "tests" / "typed_user.py"
PAGES = [
    ROOT / "README.md",
    ROOT / "notebooks" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "site").glob("*.md")),
]
#: Code of others stands on some pages as they write it, without types, and with their libraries,
#: which may be missing: what is called of ours is looked at all the same.
STRANGERS = """
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs, allow-untyped-globals
# mypy: disable-error-code="import-not-found,import-untyped,misc"
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
"""
#: Each line below the imports is wrong.
WRONG = """\
import numpy as np
from chainrule.gradcheck import check
from chainrule.layers import MSE, Affine, Dropout, ReLU
from chainrule.nets import MLP, Classifier, Graph
from chainrule.solvers import Adam, Solver

Affine("four", 3)
Affine(4, object())
Affine(4, 3, rng="dice")
Dropout("half")
MSE("median")
MLP(3.5)
MLP([4, 3], activation="relu")
MLP([4, 3], norm=2)
Classifier(MLP([4, 3]), loss="hinge")
Classifier(MLP([4, 3])).score(np.ones((5, 4)))
ReLU().forward("x")
ReLU()(np.ones(3))
Graph().input("x") + "1"
Solver(Classifier(MLP([4, 3])), Adam("fast"), None)
check(ReLU(), np.ones(3), effort="all of it")
"""


def unannotated(path):
    """The public functions and methods of a file that say less than all that they take and
    return."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for scope in (tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))):
        for one in scope.body:
            if isinstance(one, ast.FunctionDef) and not re.match("_[^_]", one.name):
                a = one.args
                taken = [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]
                bare = [arg for arg in taken if arg and arg.annotation is None]
                if one.returns is None or {arg.arg for arg in bare} - {"self", "cls"}:
                    yield f"{path.name}: {one.name}"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_function_says_what_it_takes_and_returns(package):
    files = [p for p in sorted((ROOT / package).rglob("*.py")) if p.parent.name != "solutions"]
    assert files
    assert [name for path in files for name in unannotated(path)] == []


def test_the_typed_script_runs():
    runpy.run_path(str(USER))


def modules(page):
    """For each Python block of a page a module of this block and of those it builds on, each line
    where it stands in the page."""
    text = page.read_text(encoding="utf-8")
    lines = text.splitlines()
    blocks, defined = [], {}
    for match in re.finditer(r"^```python\n(.*?)^```$", text, re.M | re.S):
        first = text[: match.start(1)].count("\n")
        tree = ast.parse(match[1])
        own = names_bound(tree)
        read = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - own - {*dir(builtins)}
        needed = {first: len(match[1].splitlines())}
        for name in read:
            needed |= defined.get(name, {})
        defined |= dict.fromkeys(own, needed)
        blocks.append((first, needed))
    for first, needed in blocks:
        kept = {at + k for at, count in needed.items() for k in range(count)}
        yield first, "\n".join(line if k in kept else "" for k, line in enumerate(lines)) + "\n"


def names_bound(tree):
    """What a block defines: by assignment, import, def or class, outside of functions."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            found.add(node.name)
        else:
            found |= {
                n.id
                for n in ast.walk(node)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }
    return found


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with the library as users get it, and with what they write."""
    folder = tmp_path_factory.mktemp("types")
    source = folder / "source"
    source.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps")
    subprocess.run([*pip, "--target", folder / "built", source], check=True)
    users = folder / "users"
    users.mkdir()
    shutil.copy(USER, users)
    for page in PAGES:
        for line, text in modules(page):
            where = page.relative_to(ROOT).with_suffix("").as_posix().replace("/", "_")
            text += STRANGERS if page.stem.startswith(("check-", "exports", "sklearn")) else ""
            (users / f"{where}_line_{line}.py".replace("-", "_")).write_text(text, "utf-8")
    (folder / "wrong.py").write_text(WRONG, encoding="utf-8")
    (folder / "mypy.ini").write_text(
        f"[mypy]\nstrict = True\nmypy_path = {folder / 'built'}\n"
        "[mypy-chainrule.*]\nfollow_imports = silent\n",
        encoding="utf-8",
    )
    (folder / "pyrightconfig.json").write_text('{"extraPaths": ["built"]}', encoding="utf-8")
    return folder


def mypy(work, *paths):
    pytest.importorskip("mypy", reason="mypy is in the extra `test`")
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--no-pretty", *paths]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if ": error: " in line]


def pyright(work, *paths):
    pytest.importorskip("pyright", reason='pyright is in the extra `types`: pip install ".[types]"')
    options = ("--outputjson", "--pythonpath", sys.executable)
    command = [sys.executable, "-m", "pyright", *options, *paths]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return [
        f"{Path(said['file']).name}:{said['range']['start']['line'] + 1}: {said['message']}"
        for said in json.loads(done.stdout)["generalDiagnostics"]
    ]


@pytest.mark.slow
@pytest.mark.parametrize("checker", [mypy, pyright])
def test_it_reports_nothing_on_what_users_write(work, checker):
    assert checker(work, *sorted(f"users/{path.name}" for path in (work / "users").iterdir())) == []


@pytest.mark.slow
@pytest.mark.parametrize("checker", [mypy, pyright])
def test_it_reports_every_wrong_line(work, checker):
    said = {int(re.match(r"wrong\.py:(\d+)", line)[1]) for line in checker(work, "wrong.py")}
    first = WRONG.splitlines().index("") + 2
    assert said == set(range(first, len(WRONG.splitlines()) + 1))
