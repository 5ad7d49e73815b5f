"""chainrule export: what it writes, what it says, and what it refuses."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from chainrule.data.encoding import Encoding
from chainrule.nets import MLP, FileError
from chainrule.nets.files import read_arrays
from chainrule.training import Trained
from chainrule.training.export import export, exporting, numpy_file
from tests.training.export.random_networks import trained

needs_compiler = pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")


@pytest.fixture(scope="module")
def digits(shared_script):
    """The folder of a run on the digits."""
    words = ["--hidden", "16", "--epochs", "1", "--no-report", "--run-dir", "digits"]
    assert shared_script.call("train", *words)[0] == 0
    return shared_script.folder / "digits"


def test_it_says_that_it_compared_and_on_what(digits, shared_script):
    status, printed, said = shared_script.call("export", "digits", "--to", "numpy")
    assert (status, said) == (0, [])
    first, second, third = printed.splitlines()
    assert first == "digits/model_numpy.py"
    assert second.startswith(
        "compared with Trained.predict on 256 rows of digits: the same classes, probabilities that "
        "differ by "
    )
    assert re.search(r"at most, \d+ ulps? of the largest, (1|0\.\d+)$", second)
    assert third == "to run it: from model_numpy import predict; predict(rows)"
    assert (digits / "model_numpy.py").exists()


@needs_compiler
@pytest.mark.usefixtures("digits")
def test_out_names_the_file(shared_script):
    status, printed, _ = shared_script.call("export", "digits", "--to", "c", "--out", "net-1.c")
    assert status == 0
    assert printed.startswith("net-1.c\n")
    assert "int net_1_predict(const double row[64], real out[10])" in (
        shared_script.folder / "net-1.c"
    ).read_text(encoding="utf-8")


@needs_compiler
@pytest.mark.parametrize(
    ("text", "status", "rows"),
    [
        ("1 2 3\n4 5 6\n", 0, 2),
        ("1, 2;3\r\n\n4,5,6", 0, 2),
        ("1,,3\n", 1, 0),
        ("1,2\n3\n", 1, 0),
        ("1,2,3,4\n", 1, 0),
        ("1,2,3\n4,five,6\n", 1, 1),
        ("1,2,nan\n", 1, 0),
        ("", 0, 0),
    ],
)
def test_the_program_in_c_takes_whole_rows_of_numbers_alone(text, status, rows, program):
    done = subprocess.run([program], input=text, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, len(done.stdout.splitlines())) == (status, rows)
    assert ("expected" in done.stderr) == (status == 1)


@needs_compiler
@pytest.mark.parametrize(
    ("text", "status", "rows"),
    [
        ('1,Rome,"a, ""b"""\n2 , Oslo ,a\n', 0, 2),
        ('1e3,Paris,unheard of\r\n"",,n/a', 0, 2),
        ("x,Rome,a\n", 1, 0),
        ("1,Rome\n", 1, 0),
        ("1,Rome,a,\n", 1, 0),
        ("1;Rome;a\n", 1, 0),
        ("inf,Rome,a\n", 1, 0),
        ("", 0, 0),
    ],
)
def test_the_program_in_c_takes_lines_of_cells(text, status, rows, tmp_path):
    words = (None, ("Rome", "Oslo"), ('a, "b"', "a"))
    encoding = Encoding(("age", "city", "kind"), words, "mean", fill=(0.5,) * 5)
    run = replace(trained(MLP([5, 4, 2], rng=0), (5,), 2), encoding=encoding)
    done = subprocess.run(
        [compiled(run, tmp_path)], input=text, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, len(done.stdout.splitlines())) == (status, rows)
    assert ("expected" in done.stderr) == (status == 1)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The program of a network in C that takes rows of three numbers."""
    return compiled(trained(MLP([3, 4, 2], rng=0), (3,), 2), tmp_path_factory.mktemp("c"))


def compiled(run, folder):
    """The program of a run in C, made by a compiler that finds fault with everything."""
    export(run, "c", folder / "a.c")
    words = ["cc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Wconversion"]
    words += ["-Werror", "-DA_MAIN", "a.c", "-o", "a", "-lm"]
    subprocess.run(words, cwd=folder, check=True)
    return folder / "a"


def test_a_run_on_words_is_compared_on_words_and_gaps(tmp_path):
    encoding = Encoding((), (None, ("Rome", "Oslo")), "mean", fill=(0.5,) * 3)
    run = replace(trained(MLP([3, 4, 2], rng=0), (3,), 2), encoding=encoding)
    done = export(run, "numpy", tmp_path / "a.py")
    assert (done.rows, done.usage) == (256, "from a import predict; predict(table)")
    assert "    'column 2': ('Rome', 'Oslo')," in (tmp_path / "a.py").read_text(encoding="utf-8")


def test_the_file_for_onnx_holds_classes_and_features(tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    export(trained(MLP([3, 4, 2], rng=0), (3,), 2), "onnx", tmp_path / "a.onnx")
    model = onnx.load(tmp_path / "a.onnx")
    held = {one.key: json.loads(one.value) for one in model.metadata_props}
    assert held == {"classes": ['"0" \\ 100 %? é', '"1" \\ 100 %? é'], "features": []}
    assert [one.version for one in model.opset_import] == [17]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "numpy", "--out", "model.txt"], "expected a name that ends in .py"),
        (["--to", "torch", "--out", "digits/best.py"], "best.safetensors is a file of Chainrule"),
    ],
)
def test_a_wrong_name_is_told_in_one_line(words, message, digits, shared_script):
    status, printed, said = shared_script.call("export", "digits", *words)
    assert (status, printed, len(said)) == (2, "", 1)
    assert message in said[0]
    Trained.open(digits)  # which is whole


def test_what_is_no_run_is_told_in_one_line(script):
    status, printed, said = script.call("export", "nowhere", "--to", "c")
    assert (status, printed, len(said)) == (2, "", 1)


def test_drawn_rows_are_said_to_be_such(tmp_path):
    done = export(trained(MLP([3, 4, 2], rng=0), (3,), 2), "numpy", tmp_path / "a.py")
    assert "256 drawn rows, since the training data are not there" in str(done)


def test_a_file_that_computes_something_else_is_not_written(tmp_path, monkeypatch):
    def wrong(paths, plan, rows):
        out, classes = right(paths, plan, rows)
        return out + 0.01, classes

    right = numpy_file.run
    monkeypatch.setattr(numpy_file, "run", wrong)
    with pytest.raises(
        ValueError, match=r"differs from Trained\.predict by 0\.01 .* nothing was written"
    ):
        export(trained(MLP([3, 4, 2], rng=0), (3,), 2), "numpy", tmp_path / "a.py")
    assert not (tmp_path / "a.py").exists()


def test_where_nothing_can_run_it_the_file_is_written_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    done = export(trained(MLP([3, 4, 2], rng=0), (3,), 2), "c", tmp_path / "a.c")
    assert done.why_not == "there is no C compiler on this machine"
    assert "not compared with Trained.predict" in str(done)
    assert np.isnan(done.difference)
    assert (tmp_path / "a.c").exists()


def test_a_missing_library_is_told_with_the_extra_that_brings_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ValueError, match=r"--to onnx: .* pip install .chainrule\[onnx\]"):
        export(trained(MLP([3, 4, 2], rng=0), (3,), 2), "onnx", tmp_path / "a.onnx")


def test_a_number_that_is_not_finite_is_refused(tmp_path):
    net = MLP([3, 4, 2], rng=0)
    run = trained(net, (3,), 2)
    net.params["affine1.b"][1] = np.nan
    with pytest.raises(ValueError, match=r"affine1\.b holds a number that is not finite"):
        export(run, "numpy", tmp_path / "a.py")


def test_another_target_is_refused():
    with pytest.raises(ValueError, match="--to caffe: expected one of onnx, torch, numpy, c"):
        export(trained(MLP([3, 2], rng=0), (3,), 2), "caffe")


def test_a_file_of_ours_is_told_from_others(digits, tmp_path):
    assert exporting.is_ours(digits / "best.safetensors")
    assert not exporting.is_ours(tmp_path / "none.safetensors")
    with pytest.raises(FileError):
        read_arrays(tmp_path / "none.safetensors")
