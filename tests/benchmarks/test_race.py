"""The command as a whole, on one small case and the contenders that are always there."""

import json
import os

import pytest

from benchmarks import __main__ as command
from benchmarks import cases, race

CASE = {"kind": "layer", "layer": "relu", "shape": (4, 5), "dtype": "float32"}
TRIO = ["--contenders", "ours", "floor", "textbook"]


@pytest.fixture(autouse=True)
def one_small_case(monkeypatch):
    monkeypatch.setattr(cases, "KINDS", {"layers": lambda: [CASE]})


def run(folder, *arguments):
    command.main(["--quick", "--threads", "1", "--out", str(folder), *TRIO, *arguments])
    return json.loads((folder / "results.json").read_text())


def test_the_results_are_written_as_numbers_page_and_picture(tmp_path, capsys):
    results = run(tmp_path)
    (record,) = results["records"]
    assert record["case"] == {**CASE, "shape": [4, 5]}
    assert record["times"].keys() == {"ours", "floor", "textbook"}
    for times in record["times"].values():
        assert 0 < times["low"] <= times["median"] <= times["high"]
    assert {"cpu", "cores", "system", "Python", "NumPy", "BLAS"} <= results["machine"].keys()
    assert (tmp_path / "layer.png").read_bytes().startswith(b"\x89PNG")
    assert "| relu 4x5 " in (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "Geometric means" in capsys.readouterr().out


def test_what_is_there_is_not_measured_again(tmp_path, monkeypatch):
    first = run(tmp_path)
    monkeypatch.setattr(command, "Race", None)
    assert run(tmp_path) == first


def test_results_of_other_settings_are_not_mixed(tmp_path):
    run(tmp_path)
    with pytest.raises(SystemExit, match="was measured with settings"):
        run(tmp_path, "--contenders", "ours", "floor")


def test_peers_that_are_absent_are_left_out_by_name(monkeypatch):
    monkeypatch.setattr(race, "NEEDS", {"ours": "numpy", "other": "a_package_that_is_not_there"})
    assert race.installed() == (["ours"], ["a_package_that_is_not_there"])


def test_a_process_that_dies_is_named():
    with pytest.raises(RuntimeError, match="no_such: its process ended with code 1"):
        race.Race(["ours", "no_such"], 1).__enter__()


def test_quartiles_are_those_of_the_rounds():
    assert race.spread([3.0, 1.0, 5.0, 2.0, 4.0]) == (3, 2, 4)
    assert race.spread([7.0]) == (7, 7, 7)


def test_a_process_of_its_own_keeps_to_its_threads(monkeypatch):
    for name in race.limits(1):
        monkeypatch.setenv(name, "2")
    assert race.in_a_process(1, os.getenv, "OMP_NUM_THREADS") == "1"
    assert os.environ["OMP_NUM_THREADS"] == "2"


def test_what_is_beyond_avx2_is_switched_off_for_everyone(monkeypatch):
    found = {"SIMD Extensions": {"found": ["X86_V3", "X86_V4", "AVX512_ICL"]}}
    monkeypatch.setattr(race.np, "show_config", lambda **_: found)
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "AVX512_SPR")
    limits = race.limits(1, avx2=True)
    assert limits["NPY_DISABLE_CPU_FEATURES"] == "AVX512_SPR X86_V4 AVX512_ICL"
    assert limits["OPENBLAS_CORETYPE"] == "Haswell"
    assert {limits[name].lower() for name in ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")} == {
        "avx2"
    }
    assert limits["XLA_FLAGS"].endswith(" --xla_cpu_max_isa=AVX2")
    assert "ATEN_CPU_CAPABILITY" not in race.limits(1)


def test_the_results_say_that_nothing_beyond_avx2_was_used(tmp_path):
    assert run(tmp_path, "--avx2")["settings"]["avx2"] is True
    assert "nothing beyond AVX2 in use" in (tmp_path / "results.md").read_text(encoding="utf-8")
