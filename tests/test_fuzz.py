"""Thousands of damaged files, in every reader: each is refused in one line, or changes no number.

A run of a few weights on a tiny table is damaged at random, by a seed: single bits of all its
files; config.json and the checkpoint by their content, with checksums that are right;
architectures; tables, NPZ and IDX files. No case may end in a traceback, take longer than 20 s or
ask for 1 GB."""

import io
import json
import os
import random
import re
import resource
import shutil
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from chainrule.__main__ import main
from chainrule.data import load_file, load_rows
from chainrule.data.mnist import read_idx
from chainrule.nets import FileError, load
from chainrule.nets.files import read_arrays, write_arrays
from chainrule.training import Trained
from chainrule.training.run.config import checksum, fingerprint_of

pytestmark = pytest.mark.slow

SECONDS, BYTES = 20.0, 2**30
STRANGE = [
    *(None, True, False, 0, -1, 1, 3, 10**9, 10**30, 1.5, -0.5, 1e308, float("nan"), float("inf")),
    *("", "x", "7" * 100_000, "ü\ud800", [], {}, [0], [[1]], [10**9, 10**9], {"a": 1}, ["a", "a"]),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished run, with a table beside it, and what all commands make of it."""
    folder = tmp_path_factory.mktemp("fuzz")
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = rng.normal(y[:, None], 1.0, (60, 2))
    lines = [f"{a:.3f},{b:.3f},{'abc'[c]}" for (a, b), c in zip(x, y, strict=True)]
    (folder / "t.csv").write_text("\n".join(["one,two,kind", *lines]))
    words = [f"--dataset={folder / 't.csv'}", "--hidden=3", "--epochs=3", "--batch-size=12"]
    assert (
        said([*("train", *words), "--dropout=0.8", "--no-report", f"--run-dir={folder / 'run'}"])[0]
        == 0
    )
    return folder


def said(words):
    """Status, what is printed, and the one line on stderr, of a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(list(map(str, words)))
        except SystemExit as ended:
            status = ended.code
    return status, out.getvalue(), err.getvalue()


def one_line(text):
    return re.fullmatch(r"chainrule: [^\n]{1,4001}\n", text) is not None


def outcome(folder, scratch, command):
    """What a command makes of the run in `folder`: None where it is refused in one line, else all
    numbers that it prints or writes. An own copy of the run is gone on with."""
    table = folder.parent / "t.csv"
    if command == "resume":
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(folder, scratch)
        status, _, err = said(["resume", scratch, "--epochs=4"])
        if status == 0:
            arrays, words = read_arrays(scratch / "checkpoint.safetensors")
            run = words["run"]
            history = {name: run["history"][name] for name in ("loss", "val_score", "grad_norm")}
            found = [history, {name: array.tobytes() for name, array in arrays.items()}]
            return repr(found)
    elif command == "predict":
        out = folder.parent / "out.csv"
        status, _, err = said(["predict", folder, "--data", table, "--out", out])
        if status == 0:
            return out.read_text()
    elif command == "evaluate":
        status, text, err = said(["evaluate", folder, "--data", table])
        if status == 0:
            return text.partition("\n")[2]
    else:
        status, text, err = said(["compare", folder])
        if status == 0:
            return text
    assert status in (1, 2), (status, err)
    assert one_line(err), err[:2000]
    return None


@pytest.fixture(autouse=True)
def without_a_disk(monkeypatch):
    """Nothing here asks what outlives a power cut, and thousands of files need not reach a disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


COMMANDS = ("predict", "evaluate", "compare", "resume")


class Watch:
    """Measures every case, and counts them."""

    def __init__(self):
        self.cases, self.refused = 0, 0
        self.before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def __call__(self, what, action):
        self.cases += 1
        start = time.monotonic()
        try:
            found = action()
        except (ValueError, OSError) as error:
            found, text = None, str(error)
            if "\n" in text or len(text) > 4000:
                raise AssertionError(f"{what}: not one line: {text[:500]}") from None
        except BaseException as error:
            raise AssertionError(f"{what}: {type(error).__name__}: {error}"[:2000]) from error
        assert time.monotonic() - start < SECONDS, what
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - self.before
        assert grown * 1024 < BYTES, what
        self.refused += found is None
        return found


@pytest.fixture(scope="module")
def watch():
    watch = Watch()
    yield watch
    print(f"{watch.cases} cases, {watch.refused} refused")


def copied(whole, tmp_path):
    shutil.copy(whole / "t.csv", tmp_path)
    return Path(shutil.copytree(whole / "run", tmp_path / "run"))


def test_a_flipped_bit_is_refused_or_changes_no_number(whole, watch, tmp_path):
    rng = random.Random(0)
    run = copied(whole, tmp_path)
    right = {command: outcome(run, tmp_path / "again", command) for command in COMMANDS}
    assert None not in right.values()
    files = [path for path in sorted(run.iterdir()) if path.stat().st_size]
    for _ in range(600):
        path = rng.choice(files)
        before = path.read_bytes()
        damaged, at = bytearray(before), rng.randrange(len(before))
        damaged[at] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        # Each command reads a file or two; a bit in another must not change what it says either.
        command = rng.choice(COMMANDS)
        case = f"{path.name}, byte {at}, {command}"
        found = watch(case, lambda command=command: outcome(run, tmp_path / "again", command))
        assert found in (None, right[command]), case
        path.write_bytes(before)


def places(thing, path=()):
    """Every place in nested dicts and lists."""
    inner = thing.items() if isinstance(thing, dict) else enumerate(thing)
    for key, value in inner if isinstance(thing, (dict, list)) else ():
        yield (*path, key)
        if isinstance(value, (dict, list)) and len(path) < 6:
            yield from places(value, (*path, key))


def altered(rng, thing):
    """A copy with one thing changed, removed or added."""
    thing = json.loads(json.dumps(thing))
    place = rng.choice(list(places(thing)))
    inner = thing
    for key in place[:-1]:
        inner = inner[key]
    how = rng.randrange(4)
    if how == 0:
        del inner[place[-1]]
    elif how == 1 and isinstance(inner, dict):
        inner["unknown"] = rng.choice(STRANGE)
    elif how == 2 and type(inner[place[-1]]) in (int, float):
        inner[place[-1]] = rng.choice([-1, 0, 1, 2, 0.5]) * inner[place[-1]] + rng.choice([0, 1])
    else:
        inner[place[-1]] = rng.choice(STRANGE)
    return thing, f"{place} {how}"


@pytest.mark.parametrize("hashed", [True, False], ids=["with hashes", "of an earlier version"])
def test_a_config_with_a_right_checksum_and_a_wrong_content(hashed, whole, watch, tmp_path):
    """Where the other files hold a hash, what decides the results cannot be changed."""
    rng = random.Random(1)
    run = copied(whole, tmp_path)
    if not hashed:
        for name in ("best", "checkpoint"):
            arrays, words = read_arrays(run / f"{name}.safetensors")
            (words["run"]["notes"] if "run" in words else words).pop("config")
            write_arrays(run / f"{name}.safetensors", arrays, words)
    right = {command: outcome(run, tmp_path / "again", command) for command in COMMANDS}
    before = json.loads((run / "config.json").read_text())
    for _ in range(400):
        config, case = altered(rng, before)
        if rng.random() < 0.1:
            config.pop("checksum", None)
        elif "checksum" in config:
            config["checksum"] = checksum(config)
        (run / "config.json").write_text(json.dumps(config))
        command = rng.choice(COMMANDS)
        found = watch(case, lambda command=command: outcome(run, tmp_path / "again", command))
        if hashed and found is not None and command in ("predict", "evaluate"):
            assert found == right[command], case
            assert fingerprint_of(config) == fingerprint_of(before), case


def test_a_checkpoint_with_a_right_checksum_and_a_wrong_content(whole, watch, tmp_path):
    rng, numbers = random.Random(2), np.random.default_rng(2)
    run = copied(whole, tmp_path)
    file = run / "checkpoint.safetensors"
    arrays, words = read_arrays(file)
    for _ in range(500):
        changed, described = dict(arrays), words
        if rng.random() < 0.5:
            described, case = altered(rng, words)
        else:
            name = rng.choice([*arrays])
            case = f"{name}"
            changed[name] = damaged(rng, numbers, arrays[name])
            if rng.random() < 0.1:
                del changed[name]
        write_arrays(file, changed, described)
        found = watch(case, lambda: outcome(run, tmp_path / "again", "resume"))
        if found is not None:  # it may be another run, but one of finite numbers
            again, _ = read_arrays(tmp_path / "again" / "checkpoint.safetensors")
            for name, array in again.items():
                assert np.isfinite(array).all() or name.startswith("rule/"), (case, name)
            assert sorted(again["order"].tolist()) == list(range(len(arrays["order"]))), case
        watch(case, lambda: load(file) and None)
    write_arrays(file, arrays, words)


def damaged(rng, numbers, array):
    """An array of another dtype or shape, or with an entry that is wrong."""
    how = rng.randrange(6)
    if how == 0:
        return array.astype(rng.choice(["f4", "f8", "i8", "i4", "?", "f2"]))
    if how == 1:
        return array.reshape(-1)[: array.size // 2]
    if how == 2:
        return np.zeros_like(array)
    if how == 3:
        return np.resize(array, (array.size + 1,))
    out = array.copy()
    if array.size:
        wrong = [np.nan, np.inf, -np.inf, -1] if array.dtype.kind == "f" else [-1, 10**15, 0]
        out.flat[numbers.integers(array.size)] = rng.choice(wrong)
    return out


def test_architectures(whole, watch, tmp_path):
    rng = random.Random(3)
    arrays, words = read_arrays(whole / "run" / "best.safetensors")
    for _ in range(500):
        described = {name: word for name, word in words.items() if name != "data"}  # or it warns
        described["architecture"], case = altered(rng, words["architecture"])
        write_arrays(tmp_path / "net", arrays, described)
        watch(case, lambda: load(tmp_path / "net"))


def test_best_networks(whole, watch, tmp_path):
    rng = random.Random(4)
    run = copied(whole, tmp_path)
    arrays, words = read_arrays(run / "best.safetensors")
    for _ in range(150):
        described, case = altered(rng, words)
        write_arrays(run / "best.safetensors", arrays, described)
        watch(case, lambda: Trained.open(run))


def test_tables_and_arrays(whole, watch, tmp_path):
    rng = random.Random(5)
    table = (whole / "t.csv").read_bytes()
    x = np.arange(48.0).reshape(24, 2)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=x, y=np.arange(24) % 2)
    pieces = b",\n\r\"'\0;\t nan inf 1e999 \xff\xfe _1 " + "ü，".encode()
    idx = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (2, 3, 4)) + bytes(24)
    for whole_file, name in ((table, "t.csv"), (buffer.getvalue(), "t.npz"), (idx, "t")):
        path = tmp_path / name
        for _ in range(250):
            content = bytearray(whole_file)
            for _ in range(rng.randrange(1, 4)):
                at = rng.randrange(len(content) or 1)
                how = rng.randrange(4)
                if how == 0 and content:
                    content[at] ^= 1 << rng.randrange(8)
                elif how == 1:
                    del content[at : at + rng.randrange(1, 40)]
                elif how == 2:
                    start = rng.randrange(len(pieces))
                    content[at:at] = pieces[start : start + rng.randrange(1, 8)]
                else:
                    del content[max(at, 1) :]
            path.write_bytes(content)
            read = {
                "t.csv": rng.choice([load_file, lambda path: load_rows(path, (2,))]),
                "t.npz": rng.choice([load_file, lambda path: load_rows(path, (2,))]),
                "t": lambda path: read_idx(path, 3),
            }[name]
            found = watch(name, lambda read=read, path=path: read(path))
            if isinstance(found, tuple):
                assert np.isfinite(found[0]).all()


def test_there_were_thousands(watch):
    if watch.cases:  # of the tests before, in this process
        assert watch.cases >= 2000
    with pytest.raises(FileError):
        load(Path(__file__))
