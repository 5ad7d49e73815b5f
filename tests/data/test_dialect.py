"""What separates the columns of a table, and its decimals, is found out and told."""

import numpy as np
import pytest

from chainrule.data import load_csv, load_rows

HEAD, ROWS = ["size", "weight", "kind"], [[1.5, 20.25, "a"], [2.5, 3.125, "b"], [7, 0.5, "a"]] * 6


def table(path, separator, decimal=".", end=""):
    lines = [separator.join(HEAD) + end]
    for size, weight, kind in ROWS:
        numbers = [f"{value}".replace(".", decimal) for value in (size, weight)]
        lines.append(separator.join([*numbers, kind]) + end)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", [False, True], ids=["", "and at the end of each line"])
def test_the_same_numbers_are_read_whatever_separates_them(tmp_path, separator, end):
    path = table(tmp_path / "t.csv", separator, end=separator * end)
    loaded = load_csv(path)
    x = np.concatenate([loaded.x_train, loaded.x_val, loaded.x_test])
    assert sorted(map(tuple, x.tolist())) == sorted((row[0], row[1]) for row in ROWS)
    words = {",": None, ";": "semicolons", "\t": "tabs", "|": "bars"}[separator]
    told = [note for note in loaded.notes if "separated by" in note]
    assert told == ([] if words is None else [f"the columns are separated by {words}"])
    assert end == any("at the end of every line" in note for note in loaded.notes)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimals_after_commas_are_numbers(tmp_path, separator):
    loaded = load_csv(table(tmp_path / "t.csv", separator, ","))
    assert loaded.x_train.max(axis=0).tolist() == [7, 20.25]
    assert any("and 1,5 is the number 1.5" in note for note in loaded.notes)


def test_points_between_thousands_go_with_decimal_commas(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b;kind\n" + "1.234,5;2;x\n-1.234.567,25;3;y\n" * 3, encoding="utf-8")
    x = load_csv(path).x_train
    assert {*x[:, 0].tolist()} == {1234.5, -1234567.25}


def test_a_point_among_decimal_commas_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b;kind\n1,5;1.234;x\n2,5;3;y\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 2: '1.234' has a point where other numbers have a"):
        load_csv(path)


def test_semicolons_in_words_separate_nothing(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,kind\n" + '1,2,"x; y"\n2,3,"x; z"\n' * 3, encoding="utf-8")
    assert load_csv(path).classes == ("x; y", "x; z")


def test_new_rows_may_be_written_otherwise(tmp_path):
    (tmp_path / "t.csv").write_text("1,5;2,5\n3,5;4\n", encoding="utf-8")
    with pytest.warns(UserWarning, match="separated by semicolons, and 1,5 is"):
        x, _ = load_rows(tmp_path / "t.csv", (2,))
    assert x.tolist() == [[1.5, 2.5], [3.5, 4]]
