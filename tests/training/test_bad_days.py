"""What goes wrong around a run: each time one line that says what, and nothing of value is lost."""

import contextlib
import gzip
import json
import os
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

from chainrule import nets
from chainrule.nets.files import read_arrays, write_arrays

resource = pytest.importorskip("resource", reason="Windows has neither these limits nor signals")
QUICK = ["--hidden", "16", "--no-report"]
LONG = ["--hidden", "64", "--batch-size", "16", "--epochs", "40", "--warmup", "2"]


def one_line(done, status, *patterns):
    """Asserts how a run ended, and that it said one line, which all patterns match; returns it."""
    found, _, said = done
    assert len(said) == 1, said
    assert said[0].startswith("chainrule: ")
    for pattern in patterns:
        assert re.search(pattern, said[0]), said[0]
    assert found == status
    return said[0]


def command_in(line):
    """The options of the command that a line tells to go on with."""
    words = shlex.split(line[line.index("chainrule resume") :])
    return words[1:]


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Signals


@pytest.fixture(scope="module")
def whole(shared_script):
    """What a LONG run that nobody stopped leaves behind."""
    status, _, said = shared_script.run(*LONG, "--no-report", "--run-dir", "whole")
    assert (status, said) == (0, [])
    return shared_script.left_behind(shared_script.folder / "whole")


def stopped(script, *numbers, name="run", until="epoch   1", options=("--no-report",), **popen):
    """How a LONG run ends that gets these signals once it has printed a certain line."""
    process = script.start(*LONG, *options, "--run-dir", name, **popen)
    script.wait_for_line(process, until)
    for number in numbers:
        process.send_signal(number)
    return script.end(process)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_the_run_after_the_step_and_the_line_says_how_to_go_on(
    number, status, script, whole
):
    name = "a run, $HOME's"
    done = stopped(script, number, name=name)
    line = one_line(done, status, r"stopped after step \d+, in epoch \d+ of 40; go on with: ")
    step = int(re.search(r"step (\d+)", line.replace(",", ""))[1])
    arrays, described = read_arrays(script.folder / name / "checkpoint.safetensors")
    assert described["run"]["step"] == len(arrays["history/step_loss"]) == step
    assert script.run(*command_in(line))[0::2] == (0, [])
    assert script.left_behind(script.folder / name) == whole


@pytest.mark.slow
def test_two_signals_at_once_leave_a_checkpoint_to_go_on_from(script, whole):
    done = stopped(script, signal.SIGINT, signal.SIGINT)
    line = one_line(done, 130, r"(stopped|interrupted) after step [\d,]+, in epoch .*go on with")
    assert nets.load(script.folder / "run" / "checkpoint.safetensors").params
    assert script.run(*command_in(line))[0] == 0
    assert script.left_behind(script.folder / "run") == whole


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_the_report_is_made_ends_the_run_at_once(number, status, script, whole):
    done = stopped(script, number, until="trained", options=())
    line = one_line(done, status, r"stopped after the last step, 2,720; go on with: ")
    assert script.left_behind(script.folder / "run") == whole
    assert not (script.folder / "run" / "report.html").exists()
    assert not list((script.folder / "run").glob("*.tmp"))
    assert script.run(*command_in(line))[0::2] == (0, [])
    assert script.left_behind(script.folder / "run") == whole
    assert (script.folder / "run" / "report.html").exists()


def test_a_signal_that_the_run_was_started_to_ignore_is_ignored(script, whole):
    def like_nohup():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    done = stopped(script, signal.SIGHUP, signal.SIGINT, preexec_fn=like_nohup)
    assert done[0::2] == (0, [])
    assert script.left_behind(script.folder / "run") == whole


# Disks


def is_safe_and_goes_on(script, whole, before, line):
    """Asserts that the files are those from `before`, and that the run goes on to its end."""
    after = files(script.folder / "run")
    assert {name: after[name] for name in before} == before
    assert not [name for name in after if name.endswith(".tmp")]
    with pytest.warns(UserWarning, match="takes rows standardised as in training"):
        assert nets.load(script.folder / "run" / "best.safetensors").params
    assert script.run(*command_in(line))[0] == 0
    assert script.left_behind(script.folder / "run") == whole


@pytest.mark.slow
def test_a_checkpoint_that_is_larger_than_a_file_may_be_leaves_the_one_before(script, whole):
    one_line(stopped(script, signal.SIGINT), 130)
    before = files(script.folder / "run")

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    done = script.run("--resume", "run", preexec_fn=small_files)
    problem = r"run/checkpoint\.safetensors: cannot be written: File too large; what was saved"
    line = one_line(done, 1, problem)
    is_safe_and_goes_on(script, whole, before, line)


@pytest.fixture
def small_disk(script):
    """A disk of 4 MB at the place of the run folder."""
    folder = script.folder / "run"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path):
    """Writes until there is no room left."""
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1000))


@pytest.mark.slow
def test_a_full_disk_leaves_the_checkpoint_before(script, whole, small_disk):
    one_line(stopped(script, signal.SIGINT), 130)
    before = files(small_disk)
    fill(small_disk / "ballast")
    done = script.run("--resume", "run")
    line = one_line(done, 1, r"checkpoint\.safetensors: cannot be written: No space left on dev")
    (small_disk / "ballast").unlink()
    is_safe_and_goes_on(script, whole, before, line)


@pytest.mark.slow
def test_a_disk_that_becomes_read_only_leaves_the_checkpoint_before(script, whole, small_disk):
    one_line(stopped(script, signal.SIGINT), 130)
    before = files(small_disk)
    remount = ["mount", "-o", "remount,{}", str(small_disk)]
    subprocess.run([word.format("ro") for word in remount], check=True)
    done = script.run("--resume", "run")
    line = one_line(done, 1, "cannot be written: Read-only file system; what was saved before is")
    subprocess.run([word.format("rw") for word in remount], check=True)
    is_safe_and_goes_on(script, whole, before, line)


def test_a_run_folder_that_is_deleted_in_mid_run_is_not_called_safe(script, tmp_path):
    often = tmp_path / "often.py"
    often.write_text(
        "from functools import partial\n"
        "from chainrule import __main__ as command\n"
        "from chainrule.training.run import autosave\n"
        "autosave.SHARE = 1.0\n"
        "command.program(partial(command.main, default='train'))\n"
    )
    process = script.start(*LONG, "--run-dir", "run", script=often)
    script.wait_for_line(process, "epoch   1")
    (tmp_path / "run").rename(tmp_path / "moved")
    done = script.end(process)
    problem = r"run/\w+\.\w+: cannot be written: No such file or directory; "
    one_line(done, 1, problem + "what was saved before is gone, too$")
    assert nets.load(tmp_path / "moved" / "checkpoint.safetensors").params


# Two at once


@pytest.mark.slow
def test_two_processes_cannot_train_one_run_at_once(script, whole):
    process = script.start(*LONG, "--no-report", "--run-dir", "run")
    script.wait_for_line(process, "epoch   1")
    one_line(script.run("--resume", "run"), 2, "run: another process is training this run; wait")
    assert script.end(process)[0::2] == (0, [])
    assert script.left_behind(script.folder / "run") == whole


def test_runs_that_are_begun_in_the_same_second_get_folders_of_their_own(script):
    started = [script.start(*QUICK, "--epochs", "1", "--seed", str(n)) for n in range(4)]
    assert [script.end(process)[0::2] for process in started] == [(0, [])] * 4
    configs = (script.folder / "runs").glob("*/config.json")
    seeds = [json.loads(path.read_text())["options"]["seed"] for path in configs]
    assert sorted(seeds) == [0, 1, 2, 3]


# Run folders


@pytest.fixture(scope="module")
def ended(shared_script):
    """The folder of a run of two epochs."""
    assert shared_script.call(*QUICK, "--epochs", "2", "--run-dir", "ended")[0] == 0
    return shared_script.folder / "ended"


@pytest.fixture
def folder(ended, tmp_path):
    return shutil.copytree(ended, tmp_path / "run")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("file", "--run-dir file: cannot be made: File exists; choose another folder"),
        ("file/run", "--run-dir file/run: cannot be made: Not a directory; choose another folder"),
        ("/proc/run", "--run-dir /proc/run: cannot be made: .*; choose another folder"),
        (
            "/proc",
            r"--run-dir /proc: (holds \S+ and no run, expected |cannot be made: ).*; choose",
        ),
        ("n" * 300, "--run-dir n+: cannot be made: File name too long; choose another folder"),
        ("x\ny/" + "n" * 300, r"--run-dir x\\ny/n+: cannot be made: File name too long; choose"),
        ("run", "--run-dir run: holds a run already; go on with it by chainrule resume run, or"),
        ("mine", r"--run-dir mine: holds metrics\.csv and no run, expected a new or an empty"),
    ],
)
def test_a_folder_that_cannot_take_a_run_is_refused(name, problem, script, folder):
    (script.folder / "file").write_text("mine")
    (script.folder / "mine").mkdir()
    (script.folder / "mine" / "metrics.csv").write_text("mine")
    before = files(folder)
    one_line(script.call(*QUICK, "--run-dir", name), 2, "^chainrule: " + problem)
    assert files(folder) == before
    assert (script.folder / "file").read_text() == "mine"
    assert files(script.folder / "mine") == {"metrics.csv": b"mine"}


@pytest.mark.slow
def test_a_run_folder_may_be_called_anything(script):
    name = b"-x $HOME; `x` $x^{ \\ 'run' <b> \n\"one\" \xf0\x9f\x98\x80"
    name = os.fsdecode(name + b" \xff\xe9" if sys.platform == "linux" else name)
    done = script.run("--hidden", "16", "--epochs", "1", f"--run-dir={name}")
    assert done[0::2] == (0, [])
    with pytest.warns(UserWarning, match="takes rows standardised as in training"):
        assert nets.load(script.folder / name / "best.safetensors").params
    assert (script.folder / name / "report.html").stat().st_size > 10_000
    one_line(script.run(f"--resume={name}", "--epochs", "1"), 2, "has 1 epochs behind it")


def cut(path):
    path.write_bytes(path.read_bytes()[:-1000])


def flip(path):
    content = bytearray(path.read_bytes())
    content[-5000] ^= 1
    path.write_bytes(content)


def claim_gigabytes(path):
    path.write_bytes((10 * 2**30).to_bytes(8, "little") + b"{}")


def claim_a_large_array(path):
    entry = {"dtype": "F32", "shape": [2500 * 10**6], "data_offsets": [0, 10**10]}
    header = json.dumps({"params/affine1.W": entry}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)


def make_newer(path):
    arrays, described = read_arrays(path)
    write_arrays(path, arrays, described | {"format": 7})


def make_larger(path):
    arrays, described = read_arrays(path)
    arrays["params/affine1.W"] = np.zeros((64, 17), np.float32)
    write_arrays(path, arrays, described)


def take_the_network_alone(path):
    shutil.copy(path.with_name("best.safetensors"), path)


def forget(path):
    path.unlink()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (cut, "not a safetensors file, or damaged or cut short"),
        (flip, "damaged: its checksum is not that of its content"),
        (claim_gigabytes, "damaged or cut short .*(?i:header ?too ?large)"),
        (claim_a_large_array, "damaged or cut short"),
        (make_newer, "written by a newer version of Chainrule, in format 7; this one reads up to"),
        (make_larger, r"affine1\.W is float32 \(64, 17\) in the file and float32 \(64, 16\) in"),
        (take_the_network_alone, "holds a network, but no run to go on with"),
        (forget, "there is no such file"),
    ],
)
def test_a_checkpoint_that_cannot_be_gone_on_with_is_left_alone(change, problem, script, folder):
    change(folder / "checkpoint.safetensors")
    before = files(folder)
    found = one_line(
        script.call("--resume", "run", "--epochs", "3"),
        2,
        rf"^chainrule: run/checkpoint\.safetensors: .*{problem}",
        r"its best network so far is in run/best\.safetensors$",
    )
    assert len(found) < 300
    assert files(folder) == before
    with pytest.warns(UserWarning, match="takes rows standardised as in training"):
        assert nets.load(folder / "best.safetensors").params


def edit(**changes):
    def change(path):
        config = json.loads(path.read_text())
        config["options"] |= changes
        del config["checksum"]  # of whoever does not mean to be found out
        path.write_text(json.dumps(config))

    return change


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (forget, "run: expected the folder of a run, but it holds none: its config"),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), r"config\.json: damaged: "),
        (lambda path: path.write_bytes(b"\xff\xfe"), r"config\.json: damaged: "),
        (lambda path: path.write_text(""), r"config\.json: damaged: "),
        (lambda path: path.write_text("[]"), r"config\.json: damaged: "),
        (lambda path: path.write_text("[" * 100_000), r"config\.json: damaged: "),
        (lambda path: path.write_text('{"format": 1}'), r"config\.json: damaged: 'created'"),
        (lambda path: path.write_text('{"format": "1"}'), r"config\.json: damaged: "),
        (
            lambda path: path.write_text('{"format": 1, "options": {}, "data": {}}'),
            r"config\.json: damaged: 'created' is missing",
        ),
        (
            lambda path: path.write_text('{"format": 9}'),
            "run: a run of a newer version of Chainrule, in format 9; this one reads up to",
        ),
        (edit(activation="relux"), r"config\.json: damaged: .*'relux'"),
        (edit(hidden=["x"]), r"config\.json: damaged: options: hidden is \['x'\], expected"),
        (edit(hidden=[17]), r"config\.json and checkpoint\.safetensors are not of one run"),
        (edit(rule="momentum"), r"config\.json and checkpoint\.safetensors are not of one run"),
        (edit(l2=0.0002), r"config\.json and checkpoint\.safetensors are not of one run"),
        (edit(dropout="0.5"), r"config\.json: damaged: options: dropout is '0\.5', expected"),
        (edit(epochs=None), r"config\.json: damaged: "),
        (edit(patience="x"), r"config\.json: damaged: |patience"),
        (edit(no_such_option=1), r"config\.json: damaged: options: 'no_such_option' is unknown"),
        (edit(patience="7" * 100_000), r"config\.json: damaged: options: patience is '7777"),
    ],
)
def test_a_config_that_is_not_that_of_the_run_is_refused(change, problem, script, folder):
    change(folder / "config.json")
    before = files(folder)
    assert len(one_line(script.call("--resume", "run"), 2, problem)) < 300
    assert files(folder) == before


@pytest.mark.parametrize("name", ["none", "."])
def test_what_is_no_run_cannot_be_gone_on_with(name, script):
    one_line(script.run("--resume", name), 2, f"{name}: expected the folder of a run, but ")
    assert not list(script.folder.iterdir())


# Data


def table(seed=0, rows=60):
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % 2
    x = rng.normal(3 * y[:, None], 1, (rows, 2))
    return "\n".join(
        f"{a:.3f},{b:.3f},{'no' if c else 'yes'}" for (a, b), c in zip(x, y, strict=True)
    )


def test_data_that_have_changed_are_not_gone_on_with(script):
    path = script.folder / "t.csv"
    path.write_text(table())
    options = [*QUICK, "--epochs", "3", "--dataset", "t.csv", "--run-dir", "run"]
    assert script.call(*options)[0] == 0
    before = files(script.folder / "run")
    for other in (table(1), table().replace("yes", "aye"), table(0, 66)):
        path.write_text(other)
        done = script.call("--resume", "run", "--epochs", "4")
        one_line(done, 2, r"run: the data of t\.csv are not those that .*; put those back, or be")
    path.unlink()
    one_line(script.call("--resume", "run", "--epochs", "4"), 2, r"--dataset t\.csv: there is no")
    assert files(script.folder / "run") == before
    path.write_text(table())
    assert script.call("--resume", "run", "--epochs", "4")[0] == 0


def idx(magic, *sizes, values=None):
    count = int(np.prod(sizes))
    values = bytes(count) if values is None else values
    return struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + values


def labels(count):
    return bytes(i % 10 for i in range(count))


MNIST = {
    "train-images-idx3-ubyte": idx(0x803, 5100, 2, 2, values=labels(20400)),
    "train-labels-idx1-ubyte": idx(0x801, 5100, values=labels(5100)),
    "t10k-images-idx3-ubyte": idx(0x803, 20, 2, 2, values=labels(80)),
    "t10k-labels-idx1-ubyte": idx(0x801, 20, values=labels(20)),
}
RECORD = 3073
CIFAR = {
    "data_batch_1.bin": b"".join(bytes([i % 10]) + bytes([i % 256]) * 3072 for i in range(1100)),
    "test_batch.bin": b"".join(bytes([i]) + bytes([20 * i]) * 3072 for i in range(10)),
}


def with_files(script, name, **files):
    """The options that train on these files as the data set `name`."""
    (script.folder / "data").mkdir()
    for file, content in files.items():
        if content is not None:
            (script.folder / "data" / file).write_bytes(content)
    return [*QUICK, "--epochs", "1", "--run-dir", "run", "--dataset", name, "--data-dir", "data"]


@pytest.mark.parametrize(("name", "content"), [("mnist", MNIST), ("cifar10", CIFAR)])
def test_small_files_of_both_formats_are_in_order(name, content, script):
    assert script.run(*with_files(script, name, **content))[0::2] == (0, [])


@pytest.mark.parametrize(
    ("name", "file", "content", "problem"),
    [
        ("mnist", "train-images-idx3-ubyte", None, "data: holds none of train-images-idx3-ubyte"),
        ("mnist", "t10k-labels-idx1-ubyte", None, "data: holds none of t10k-labels-idx1-ubyte"),
        (
            *("mnist", "train-images-idx3-ubyte", MNIST["train-images-idx3-ubyte"][:9000]),
            "8984 bytes follow the header, expected 20400 .* 5100 × 2 × 2",
        ),
        (
            *("mnist", "train-labels-idx1-ubyte", gzip.compress(labels(5000), mtime=0)[:-9]),
            "the gzip file is cut short or damaged",
        ),
        (
            *("mnist", "train-images-idx3-ubyte", idx(0x903, 5100, 2, 2)),
            "begins with the bytes 00 00 09 03, expected 00 00 08 03",
        ),
        (
            *("mnist", "t10k-images-idx3-ubyte", idx(0x803, 20, 3, 3)),
            r"x_test has float32 rows of shape \(9,\), expected float32 rows of shape \(4,\)",
        ),
        (
            *("mnist", "train-images-idx3-ubyte", struct.pack(">4I", 0x803, *3 * [2**32 - 1])),
            "0 bytes follow the header, expected 79228162458924105385300197375",
        ),
        ("mnist", "train-labels-idx1-ubyte", idx(0x801, 5000), "5000 labels, expected 5100"),
        (
            *("mnist", "t10k-labels-idx1-ubyte", idx(0x801, 20, values=bytes([10]) * 20)),
            "holds the label 10, expected 0 to 9",
        ),
        ("mnist", "t10k-labels-idx1-ubyte", b"", "begins with the bytes , expected 00 00 08 01"),
        (
            *("cifar10", "data_batch_1.bin", None),
            r"data: expected test_batch\.bin and at least one of data_batch_1\.bin",
        ),
        ("cifar10", "test_batch.bin", None, r"data: expected test_batch\.bin and at least one"),
        (
            *("cifar10", "data_batch_1.bin", CIFAR["data_batch_1.bin"][:-1]),
            "3380299 bytes, expected a positive multiple of 3073",
        ),
        ("cifar10", "test_batch.bin", b"", "0 bytes, expected a positive multiple of 3073"),
        (
            *("cifar10", "test_batch.bin", bytes(RECORD) + b"\x0a" + bytes(3072)),
            "record 1 has the label 10, expected 0 to 9",
        ),
    ],
)
def test_a_wrong_file_of_pictures_is_named(name, file, content, problem, script):
    changed = (MNIST if name == "mnist" else CIFAR) | {file: content}
    line = one_line(script.call(*with_files(script, name, **changed)), 2, problem)
    assert file in line or "x_test" in line
    assert not (script.folder / "run").exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the file is empty, expected lines of numbers and a label"),
        ("a,b,kind\n", "a header alone, expected a line for each example"),
        (
            table() + "\n1,nan,no",
            "line 61, column 2: a missing value; 1 of the 122 cells is",
        ),
        (table() + "\n-inf,1,no", "line 61, column 1: '-inf', expected a finite number"),
        (table() + "\n1,two,no", "line 61, column 2: 'two', expected a finite number"),
        (table() + "\n1,\x1b[31m\n,no", r"line 61"),
        (table() + "\n1,no", "line 61: 2 columns, expected 3"),
        (table() + "\n1,2,3,no", "line 61: 4 columns, expected 3"),
        (table().replace("yes", "no"), r"classes are \('no',\), expected at least two"),
        (table() + "\n1,2,maybe", "class 'maybe' has 1 of the 61 rows, expected at least one"),
        (table() + "\n" + "9" * 200_000 + ",1,no", "line 61"),
    ],
)
def test_a_wrong_table_is_named_with_its_line(text, problem, script):
    (script.folder / "t.csv").write_text(text)
    done = script.call(*QUICK, "--dataset", "t.csv", "--run-dir", "run", "--epochs", "1")
    assert len(one_line(done, 2, rf"t\.csv.*({problem})")) < 200
    assert not (script.folder / "run").exists()


def test_a_batch_that_was_asked_for_and_is_larger_than_the_data_is_refused(script):
    (script.folder / "t.csv").write_text(table())
    done = script.call("--dataset", "t.csv", "--batch-size", "37", "--run-dir", "run")
    one_line(done, 2, "--batch-size 37: expected at most 36, the number of training examples")
    assert not (script.folder / "run").exists()


class Payload:
    """What makes the file `path` when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("where", ["x", "y"])
def test_a_pickle_in_the_data_is_not_opened(where, script):
    arrays = {"x": np.ones((60, 2)), "y": np.arange(60) % 2}
    made = script.folder / "made"
    arrays[where] = np.array([Payload(made)] * 60)
    np.savez(script.folder / "t.npz", **arrays)
    with np.load(script.folder / "t.npz", allow_pickle=True) as careless:
        careless[where][0].close()
    made.unlink()  # the payload works
    done = script.call(*QUICK, "--dataset", "t.npz", "--run-dir", "run")
    one_line(done, 2, rf"t\.npz: {where} cannot be read as a plain array of numbers or strings")
    assert not made.exists()


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        ({"x": np.full((60, 2), np.nan), "y": np.arange(60) % 2}, r"x\[0, 0\] is nan, expected"),
        ({"x": np.ones((0, 2)), "y": np.ones(0, int)}, r"x has shape \(0, 2\), expected \(N, …\)"),
        ({"x": np.ones((60, 2)), "y": np.zeros(60, int)}, r"classes are \('0',\), expected at le"),
        ({"x": np.ones((60, 2)), "y": np.arange(59) % 2}, r"y has shape \(59,\), expected \(60,"),
        (
            {
                **{"x_train": np.ones((60, 2)), "y_train": np.arange(60) % 2},
                **{"x_test": np.ones((6, 2)), "y_test": np.arange(6) % 3},
            },
            "y_test has the label 2, which y_train lacks",
        ),
    ],
)
def test_wrong_arrays_are_named(arrays, problem, script):
    np.savez(script.folder / "t.npz", **arrays)
    done = script.call(*QUICK, "--dataset", "t.npz", "--run-dir", "run")
    one_line(done, 2, r"^chainrule: t\.npz: " + problem)
    assert not (script.folder / "run").exists()


@pytest.mark.slow
def test_classes_may_be_called_anything(script):
    text = table().replace("yes", "$x^{_\\frac").replace("no", "<b>&😀\x1b[31m\u202e")
    (script.folder / "t.csv").write_text(text)
    done = script.run("--hidden", "9", "--epochs", "1", "--dataset", "t.csv", "--run-dir", "run")
    assert done[0::2] == (0, [])
    assert "&lt;b&gt;" in (script.folder / "run" / "report.html").read_text()


def test_a_file_with_a_long_name_is_trained_on(script):
    name = "n" * 250 + ".csv"
    (script.folder / name).write_text(table())
    assert script.call(*QUICK, "--dataset", name, "--epochs", "1")[0::2] == (0, [])


# Numbers, memory, and where the output goes


def test_numbers_that_overflow_in_mid_run_end_it_and_the_best_network_is_kept(script):
    rising = ["--rule", "sgd", "--lr", "1e4", "--warmup", "1e5", "--epochs", "400"]
    options = [*QUICK, "--norm", "none", "--dropout", "1", *rising, "--loss", "mse"]
    done = script.call(*options, "--run-dir", "run")
    one_line(
        done,
        1,
        r"^chainrule: epoch \d+, step \d+: .*(nan|inf|not finite).*try a learning rate below",
        r"the best network so far is in run/best\.safetensors$",
    )
    _, best = read_arrays(script.folder / "run" / "best.safetensors")
    scores = np.genfromtxt(script.folder / "run" / "metrics.csv", delimiter=",", names=True)
    printed = [float(score) for score in re.findall(r"validation: .* ([\d.]+)%", done[1])]
    assert best["epoch"] > 1
    assert best["score"] >= max(printed) / 100 - 1e-4
    assert np.isclose(scores["val_score"].max(), best["score"])
    with pytest.warns(UserWarning, match="takes rows standardised as in training"):
        assert nets.load(script.folder / "run" / "best.safetensors").params
    assert nets.load(script.folder / "run" / "checkpoint.safetensors").params


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="there is no /proc")
def test_memory_that_runs_out_ends_the_run_with_a_line(script):
    (script.folder / "little.py").write_text(
        "import resource\n"
        "from functools import partial\n"
        "from chainrule import __main__ as command\n"
        "from chainrule.training.run import running\n"
        "def announce(run):\n"
        "    pages = int(open('/proc/self/statm').read().split()[0])\n"
        "    limit = pages * resource.getpagesize() + 120_000_000\n"
        "    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "running.announce = announce\n"
        "command.program(partial(command.main, default='train'))\n"
    )
    done = script.run("--hidden", "3000,3000", "--run-dir", "run", script="little.py")
    one_line(done, 1, "not enough memory: Unable to allocate .*; try a smaller --hidden or --ba")
    assert nets.load(script.folder / "run" / "checkpoint.safetensors").params


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)])
def test_a_run_whose_output_is_closed_goes_on_to_its_end(closed, script, ended):
    def close():
        for handle in closed:
            os.close(handle)

    options = [*QUICK, "--epochs", "2", "--run-dir", "run"]
    assert script.run(*options, preexec_fn=close)[0::2] == (0, [])
    assert script.left_behind(script.folder / "run") == script.left_behind(ended)


@pytest.mark.slow
def test_a_process_that_is_halted_for_a_while_goes_on(script, whole):
    process = script.start(*LONG, "--no-report", "--run-dir", "run")
    script.wait_for_line(process, "epoch   1")
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    process.send_signal(signal.SIGCONT)
    assert script.end(process)[0::2] == (0, [])
    assert script.left_behind(script.folder / "run") == whole
