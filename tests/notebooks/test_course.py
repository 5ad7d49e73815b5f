"""The homeworks as students get them, submit them, and have them marked."""

import csv
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chainrule.notebooks import exercise, model_answer
from chainrule.notebooks.sources import (
    CHECK,
    FOLDER,
    TEXT_STUB,
    checks,
    homeworks,
    source_notebook,
    student_notebook,
    verdict,
)

for needed in ("jupytext", "nbgrader", "ipykernel", "ipywidgets"):
    pytest.importorskip(needed, reason=f'{needed} is not installed: pip install -e ".[grading]"')
nbformat = pytest.importorskip("nbformat")

HERE = Path(__file__).parent
STUB = "raise NotImplementedError  # your code here"
SOLUTION = re.compile(r"( *)### BEGIN SOLUTION\n(.*?)\n *### END SOLUTION", re.DOTALL)
HIDDEN = re.compile(r" *### BEGIN HIDDEN TESTS\n(.*?)\n *### END HIDDEN TESTS", re.DOTALL)

every_homework = pytest.mark.parametrize("name", homeworks())


def course(*words, status=0):
    """Runs `chainrule course …`, which ends with this status, and returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "chainrule", "course", *map(str, words)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stderr
    return done.stdout


def released(name):
    return nbformat.read(student_notebook(name), as_version=4)


def wrong_submissions(name):
    """The mistakes of each student who hands in something wrong."""
    path = HERE / "submissions" / f"{name}.py"
    spec = importlib.util.spec_from_file_location("submissions", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    by_student = {}
    for mistake in module.WRONG:
        by_student.setdefault(mistake[0], []).append(mistake)
    return by_student


def submission(name, changes=None):
    """A student's notebook with the solutions written in; `changes` maps the id of a cell to
    (old, new), what to write otherwise. With changes, what comes after the last check, networks
    that are compared for seconds, is left out as a student may: it is run with none."""
    notebook, wrong, changes = released(name), bool(changes), dict(changes or {})
    solved = {cell.id: cell.source for cell in source_notebook(name).cells}
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = solved[cell.id]
            if cell.id in changes:
                old, new = changes.pop(cell.id)
                assert cell.source.count(old) == 1, f"{cell.id}: {old!r} is not there just once"
                cell.source = cell.source.replace(old, new)
    assert not changes, f"no such cells: {[*changes]}"
    if wrong:
        _, last = [*checks(notebook).values()][-1]
        del notebook.cells[notebook.cells.index(last) + 1 :]
    return notebook


def hand_in(notebook, folder, student, name):
    path = folder / student / f"{name}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def one_course(tmp_path_factory):
    """The course folder in which all homeworks are marked: nbgrader makes its database once."""
    return tmp_path_factory.mktemp("course")


def marked(folder, tmp_path, at, status=0):
    """The rows of the table of grades, by student, and the folder with the marked notebooks, in
    the course folder `at`."""
    words = ("--csv", tmp_path / "grades.csv", "--course", at)
    course("grade", folder, *words, status=status)
    with open(tmp_path / "grades.csv", newline="", encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    by_student = {}
    for row in rows:
        by_student.setdefault(row["student"], []).append(row)
    return by_student, at / "autograded"


def complaints(notebook):
    """The cells that ended in an error, or wrote on stderr."""
    found = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                found[cell.id] = f"{output.ename}: {output.evalue}"
            elif output.get("name") == "stderr":
                found[cell.id] = output.text
    return found


def told(share):
    return nbformat.v4.new_output(
        "display_data",
        data={"text/plain": f"{share:.0%} right"},
        metadata={"chainrule": {"exercise": 1, "verdict": "wrong", "share": share}},
    )


def test_what_a_students_function_shows_is_not_the_verdict():
    cell = nbformat.v4.new_code_cell("with exercise(…)")
    assert verdict(cell) == {}
    failed = nbformat.v4.new_output("error", ename="AssertionError", evalue="", traceback=[])
    cell.outputs = [told(1.0), told(0.25), failed]
    assert (verdict(cell)["share"], verdict(cell)["text"]) == (0.25, "25% right")
    stopped = nbformat.v4.new_output("error", ename="KeyboardInterrupt", evalue="", traceback=[])
    cell.outputs = [told(1.0), stopped]
    assert verdict(cell) == {}


def test_there_are_ten():
    assert [int(name.partition("-")[0]) for name in homeworks()] == [*range(1, 11)]


@pytest.mark.slow
def test_the_students_notebooks_are_what_the_command_makes(tmp_path):
    course("build", tmp_path)
    for name in homeworks():
        made, kept = student_notebook(name, tmp_path), student_notebook(name)
        assert made.read_bytes() == kept.read_bytes(), f"{kept}: run chainrule course build"
    assert {path.parent.name for path in FOLDER.glob("*/*.ipynb")} == {*homeworks()}


@every_homework
def test_no_solution_leaks(name):
    text = "\n".join(cell.source for cell in released(name).cells)
    assert "SOLUTION" not in text
    assert "HIDDEN" not in text
    assert "require()" not in text
    assert STUB in text
    for source, student in zip(source_notebook(name).cells, released(name).cells, strict=True):
        assert source.id == student.id
        for secret in (*SOLUTION.finditer(source.source), *HIDDEN.finditer(source.source)):
            body = secret[secret.lastindex]
            assert body.strip()
            assert body not in text
        if source.metadata.get("nbgrader", {}).get("solution"):
            assert SOLUTION.search(source.source), f"{source.id} has no solution"


@every_homework
def test_a_student_gets_clean_cells(name):
    notebook = released(name)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
        assert {*cell.metadata} <= {"nbgrader", "deletable", "editable", "jupyter"}
    numbers = [int(one[1]) for cell in notebook.cells if (one := CHECK.search(cell.source))]
    assert numbers == [*range(1, len(numbers) + 1)]
    assert 4 <= len(numbers) <= 9
    questions = [cell.id for cell in notebook.cells if cell.id.startswith("question-")]
    assert 2 <= len(questions) <= 4


@every_homework
def test_no_line_of_a_text_is_a_number_that_would_begin_a_list(name):
    for cell in source_notebook(name).cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"^\s*\d+\.\s*$", cell.source, re.M), cell.source


@every_homework
def test_the_points_of_a_cell_are_those_that_its_check_tells(name):
    for title, cell in checks(source_notebook(name)).values():
        told = re.search(
            r"^with \(?\s*exercise\(.*?,\s*points=(\d+),?\s*\) as", cell.source, re.M | re.S
        )
        assert int(told[1]) == cell.metadata["nbgrader"]["points"], title


@every_homework
def test_a_question_has_a_model_answer_that_opens_when_ones_own_is_saved(
    name, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    notebook = released(name)
    questions = [cell for cell in notebook.cells if cell.id.startswith("question-")]
    sources = {cell.id: cell.source for cell in source_notebook(name).cells}
    for cell in questions:
        number = int(cell.id.removeprefix("question-"))
        nbformat.write(notebook, f"{name} (1).ipynb")
        model_answer(name, number)
        assert capsys.readouterr().out.startswith(
            f"The model answer to question {number} opens when your own stands above"
        )
        cell.source = cell.source.replace(TEXT_STUB, "I think that it has to be so.")
        nbformat.write(notebook, f"{name} (1).ipynb")
        model_answer(name, number)
        shown = capsys.readouterr().out
        assert shown.strip()
        assert shown.strip() in sources[cell.id]


def test_a_model_answer_to_what_was_not_asked_is_refused():
    with pytest.raises(ValueError, match="3-affine has no question 7; expected one of 1, 2, 3"):
        model_answer("3-affine", 7)
    with pytest.raises(ValueError, match="'affine': no homework is called so; expected one of 1-"):
        model_answer("affine", 1)


@every_homework
def test_checks_call_what_there_is(name):
    text = "\n".join(cell.source for cell in source_notebook(name).cells)
    called = {*re.findall(r"\bcheck(?:_\d+)?\.(\w+)\(", text)}
    assert "require" in called
    assert {one for one in called if not hasattr(exercise, one)} == set()


@pytest.mark.slow
@every_homework
def test_marks(name, tmp_path, one_course):
    folder, wrong = tmp_path / "submitted", wrong_submissions(name)
    hand_in(submission(name), folder, "right", name)
    hand_in(released(name), folder, "empty", name)
    assert len(wrong) >= 3
    for student, mistakes in wrong.items():
        assert "/" not in student, "the name of a folder"
        changes = {cell: (old, new) for _, cell, old, new, _, _ in mistakes}
        hand_in(submission(name, changes), folder, student, name)
    rows, graded = marked(folder, tmp_path, one_course)
    path = f"{name}/{name}.ipynb"

    for row in rows["right"]:
        assert row["points"] == row["of"], row["feedback"]
        assert row["feedback"].splitlines()[0].endswith(": right")
    assert not complaints(nbformat.read(graded / "right" / path, as_version=4))

    for row in rows["empty"]:
        assert float(row["points"]) == 0
        assert row["feedback"].startswith(f"not written yet: exercise {row['exercise']}, ")
    unfinished = nbformat.read(graded / "empty" / path, as_version=4)
    of_checks = {cell.id for _, cell in checks(unfinished).values()}
    assert {*complaints(unfinished)} == of_checks  # the hidden last line of each

    for student, mistakes in wrong.items():
        lost = sorted(number for *_, numbers, _ in mistakes for number in numbers)
        missing = [int(row["exercise"]) for row in rows[student] if row["points"] != row["of"]]
        assert missing == lost, f"{student}: {[row['feedback'] for row in rows[student]]}"
        assert all(
            float(row["points"]) == 0 for row in rows[student] if int(row["exercise"]) in lost
        )
        told = "\n".join(row["feedback"] for row in rows[student])
        for *_, diagnosis in mistakes:
            assert diagnosis in told, f"{student}: {told}"


@pytest.mark.slow
def test_partial_marks_are_the_share_of_the_checks_that_pass(tmp_path):
    name, folder = "3-affine", tmp_path / "submitted"
    changes = {"backward": ("dout.sum(axis=0)", "dout.mean(axis=0)")}
    hand_in(submission(name, changes), folder, "ada", name)
    course("grade", folder, "--partial", "--csv", tmp_path / "grades.csv")
    with open(tmp_path / "grades.csv", newline="", encoding="utf-8") as file:
        rows = {row["exercise"]: row for row in csv.DictReader(file)}
    assert rows["3"]["feedback"].startswith(
        "exercise 3, the backward pass: not yet, but 2 of 6 checks pass"
    )
    assert float(rows["3"]["points"]) == pytest.approx(4 * 2 / 6, abs=0.01)
    assert rows["1"]["points"] == rows["1"]["of"]


@pytest.mark.slow
def test_submissions_that_are_no_good(tmp_path):
    name, folder = homeworks()[0], tmp_path / "submitted"
    cheat = released(name)
    for _, cell in checks(cheat).values():
        cell.source = "print('exercise 1: right')"
    hand_in(cheat, folder, "cheat", name)
    for student, text in (("torn", json.dumps(released(name))[:300]), ("text", "my homework")):
        (folder / student).mkdir()
        (folder / student / f"{name}.ipynb").write_text(text)
    rows, _ = marked(folder, tmp_path, tmp_path / "course", status=1)
    assert sum(float(row["points"]) for row in rows["cheat"]) == 0
    assert "not written yet" in rows["cheat"][0]["feedback"]
    for student in ("torn", "text"):
        (row,) = rows[student]
        assert float(row["points"]) == 0
        assert float(row["of"]) > 0
        assert "not a notebook, or damaged" in row["feedback"]


def test_what_was_not_marked_is_told(tmp_path):
    from chainrule.notebooks.grading import submissions

    for place in (
        "ada/3-affine.ipynb",
        "bob/downloads/3-affine (1).ipynb",
        "bob/4-activations(2).ipynb",
        "cem/3-affine-Copy1.ipynb",
        "dee/3-affine.ipynb",
        "dee/3-affine (1).ipynb",
        "eve/homework.pdf",
        "eve/.DS_Store",
        "fay/.ipynb_checkpoints/3-affine-checkpoint.ipynb",
        "3-affine.ipynb",
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    found, left_out = submissions(tmp_path)
    assert found == {
        ("ada", "3-affine"): tmp_path / "ada/3-affine.ipynb",
        ("bob", "3-affine"): tmp_path / "bob/downloads/3-affine (1).ipynb",
        ("bob", "4-activations"): tmp_path / "bob/4-activations(2).ipynb",
    }
    assert dict(left_out) == {
        "": "3-affine.ipynb lies beside the folders of the students",
        "cem": "3-affine-Copy1.ipynb: no homework is called so; meant 3-affine.ipynb?",
        "dee": "3-affine was submitted 2 times: 3-affine (1).ipynb and 3-affine.ipynb",
        "eve": "the folder holds homework.pdf and no notebook",
        "fay": "the folder is empty",
    }


@pytest.mark.slow
def test_an_endless_loop_costs_its_cell_and_what_is_left_out_the_exit_status(tmp_path):
    name, folder = "3-affine", tmp_path / "submitted"
    endless = released(name)
    cell = next(cell for cell in endless.cells if STUB in cell.source)
    cell.source = cell.source.replace(STUB, "while True: pass")
    hand_in(endless, folder, "ada", name)
    (folder / "cem").mkdir()
    words = ["grade", folder, "--csv", tmp_path / "grades.csv", "--timeout", "3"]
    done = subprocess.run(
        [sys.executable, "-m", "chainrule", "course", *map(str, words)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"ada: {name}.ipynb …" in done.stderr
    assert done.stderr.splitlines()[-1] == "chainrule: cem: not marked: the folder is empty"
    assert "interrupted: it took longer than 3 s" in done.stdout
    with open(tmp_path / "grades.csv", newline="", encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    (left_out,) = [row for row in rows if row["student"] == "cem"]
    assert (left_out["points"], left_out["feedback"]) == ("", "not marked: the folder is empty")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["grade", "{tmp}/nowhere"], "nowhere: expected a folder with a folder for each student"),
        (["grade", "{tmp}"], "no submissions; expected files such as"),
        (["grade", "{tmp}", "--timeout", "0"], "--timeout 0: expected at least 1 second"),
        (["status", "{tmp}"], "no notebook of the course"),
        (["status", "{torn}"], "not a notebook, or damaged"),
    ],
)
def test_what_cannot_be_done_is_a_line(words, message, tmp_path):
    torn = student_notebook(homeworks()[0], tmp_path / "torn")
    torn.parent.mkdir(parents=True)
    torn.write_text("{")
    (tmp_path / "empty").mkdir()
    words = [word.format(tmp=tmp_path / "empty", torn=tmp_path / "torn") for word in words]
    done = subprocess.run(
        [sys.executable, "-m", "chainrule", "course", *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_progress_page(tmp_path):
    name = homeworks()[0]
    notebook = released(name)
    states = ["right", "wrong", "borrowed", "unwritten"]
    for state, (number, (_, cell)) in zip(states, checks(notebook).items(), strict=False):
        shown = {"chainrule": {"exercise": number, "verdict": state}}
        cell.outputs = [
            nbformat.v4.new_output("display_data", data={"text/plain": "…"}, metadata=shown)
        ]
    [*checks(notebook).values()][-1][1].metadata.pop("nbgrader")  # as of a cell that was copied
    hand_in(notebook, tmp_path, name, name)
    lines = course("status", tmp_path).splitlines()
    count = len(checks(notebook))
    points = [cell.metadata["nbgrader"]["points"] for _, cell in [*checks(notebook).values()][:-1]]
    assert re.search(
        rf"{name} +\[✓✗↺· *\]  1 of {count}, {points[0]} of {sum(points)} points", lines[0]
    )
    titles = [title for title, _ in checks(notebook).values()]
    assert lines[1:4] == [
        f"    2  {titles[1]}: not yet",
        f"    3  {titles[2]}: borrowed",
        f"    4  {titles[3]}: not written yet",
    ]
    assert lines[-1].startswith(f"1 of {count} exercises are right")
