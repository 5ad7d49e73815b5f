"""Columns of words, missing cells and columns that are no features."""

import numpy as np
import pytest

from chainrule.data import load_csv, load_rows
from chainrule.data.encoding import Encoding
from chainrule.data.rows import Known, read_rows

COLOURS = ["red", "green", "blue"]
LINES = [f"{COLOURS[i % 3]},{i + 0.5},{i % 5},{'yes' if i % 2 else 'no'}" for i in range(60)]
HEAD = "colour,size,n,answer"


@pytest.fixture
def table(tmp_path):
    def write(lines, name="t.csv"):
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return tmp_path / name

    return write


def rows(loaded):
    return np.concatenate([loaded.x_train, loaded.x_val, loaded.x_test])


def known(loaded):
    names = loaded.features if loaded.encoding is None else loaded.encoding.names
    return Known(
        names, loaded.label, loaded.label_column, loaded.classes, None, encoding=loaded.encoding
    )


def test_words_become_a_feature_for_each_category(table):
    loaded = load_csv(table([HEAD, *LINES]), label="answer")
    assert loaded.features == ("colour=blue", "colour=green", "colour=red", "size", "n")
    x = rows(loaded)
    expected = [COLOURS[int(size) % 3] for size in x[:, 3]]
    assert [("blue", "green", "red")[i] for i in x[:, :3].argmax(axis=1)] == expected
    assert (x[:, :3].sum(axis=1) == 1).all()
    assert "words become a feature for each category: 3 of column 1 (colour)" in loaded.notes


def test_a_table_of_words_wants_its_label_named(table):
    path = table([HEAD, *LINES])
    with pytest.raises(ValueError, match=r"if it is the last column, say so by --label answer, "):
        load_csv(path)
    with pytest.raises(ValueError, match=r"nobody said .* by --label n, .* by --label colour"):
        load_csv(table(["colour,size,n", *(line.rpartition(",")[0] for line in LINES)]))
    assert load_csv(table([HEAD.replace("answer", "label"), *LINES])).label == "label"


def test_a_first_line_of_words_is_a_header_unless_they_stand_below_it(table):
    words = [f"{COLOURS[i % 3]},{'uv'[i % 2]},{'yn'[i // 4 % 2]}" for i in range(60)]
    assert sum(map(len, parts(load_csv(table(words), label=-1)))) == 60
    assert sum(map(len, parts(load_csv(table(["a,b,c", *words]), label=-1)))) == 60
    with pytest.raises(ValueError, match="red,b,c, may be a header or an example"):
        load_csv(table(["red,b,c", *words]), label=-1)


def parts(loaded):
    return loaded.y_train, loaded.y_val, loaded.y_test


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (lambda i: f"K{i}", r"column 3 \(n\) holds 60 different texts in 60 rows, .*--drop n"),
        (lambda i: f"2020-01-{i % 28 + 1:02d}", r"column 3 \(n\) holds dates or times such as '2"),
        (lambda i: f"{i % 4}" if i % 4 else "0+", r"line 2, column 3 \(n\): '0\+', .*--ca"),
        (lambda i: f"{i % 4} €", r"line 2, column 3 \(n\): '0 €', expected a finite number"),
        (lambda i: f"${i}.50", r"'\$0.50', expected a finite number: digits and a point, without"),
        (lambda i: f'"{i},000.5"', r"'0,000.5', .* or commas between thousands; write it so"),
        (lambda i: f"{i / 7:.2f} kg", r"\(n\) holds numbers with 'kg' behind them, .*'0.00 kg'"),
        (lambda i: f"{i}" if i else "cm", r"line 2, .* in 59 other rows; take line 2 out if it ho"),
        (lambda i: f"{i}" if i < 59 else "Total", r"; take line 61 out if it is a sum of the oth"),
        (lambda _: "", r"column 3 \(n\) holds nothing in any row; leave it out by --drop n"),
        (lambda i: "inf" if i % 2 else "-inf", r"line 2, column 3 \(n\): '-inf', expected a fin"),
    ],
)  # fmt: skip
def test_words_that_are_no_categories_are_refused_with_the_way_out(table, column, message):
    lines = [
        ",".join([*line.split(",")[:2], column(i), "ab"[i % 2]]) for i, line in enumerate(LINES)
    ]
    with pytest.raises(ValueError, match=message):
        load_csv(table([HEAD, *lines]), label="answer")
    loaded = load_csv(table([HEAD, *lines]), label="answer", drop=["n"])
    assert loaded.features[-1] == "size"


def test_what_stands_above_a_table_is_named(table):
    with pytest.raises(ValueError, match=r"first line, 'Report', is none .* 61 lines have 4 col"):
        load_csv(table(["Report", "", HEAD, *LINES]))


def test_a_column_that_may_weigh_rows_is_told(table):
    head = HEAD.replace("size", "weight")
    loaded = load_csv(table([head, *LINES]), label="answer")
    assert any(note.endswith("say --weights weight") for note in loaded.notes)
    told = load_csv(table([head, *LINES]), label="answer", weights="weight")
    assert not any("is a feature; if it says" in note for note in told.notes)


def test_numbers_are_categories_if_one_says_so(table):
    loaded = load_csv(table([HEAD, *LINES]), label="answer", categories=["n"])
    assert loaded.features[-5:] == ("n=0", "n=1", "n=2", "n=3", "n=4")


GAPS = [line.replace(",3,", ",NA,").replace("green", "") for line in LINES]


def test_missing_cells_are_refused_with_a_count_by_column(table):
    with pytest.raises(
        ValueError,
        match=r"line 3, column 1 \(colour\): a missing value; 32 of the 180 cells are "
        r"missing \(column 1 \(colour\): 20, column 3 \(n\): 12\), written as '', 'NA'; .*"
        r"--missing mean, .* --drop colour,n ",
    ):
        load_csv(table([HEAD, *GAPS]), label="answer")


def test_missing_cells_get_the_mean_of_training(table):
    loaded = load_csv(table([HEAD, *GAPS]), label="answer", missing="mean")
    assert loaded.features == ("colour=blue", "colour=red", "size", "n")
    sizes = loaded.x_train[:, 2]
    there = np.array([int(size) % 5 for size in sizes if int(size) % 5 != 3])
    gaps = np.array([int(size) % 5 == 3 for size in sizes])
    np.testing.assert_allclose(loaded.x_train[gaps, 3], there.mean(), rtol=1e-15)
    green = np.array([int(size) % 3 == 1 for size in sizes])
    blue = np.mean([int(size) % 3 == 2 for size in sizes[~green]])
    np.testing.assert_allclose(loaded.x_train[green, 0], blue, rtol=1e-15)
    assert any("32 of the 180 cells are missing" in note for note in loaded.notes)


def test_an_indicator_says_where_cells_are_missing(table):
    loaded = load_csv(table([HEAD, *GAPS]), label="answer", missing="indicator")
    assert loaded.features[4:] == ("colour is missing", "n is missing")
    x = rows(loaded)
    assert x[:, 5].tolist() == [float(int(size) % 5 == 3) for size in x[:, 2]]


def test_rows_with_missing_cells_are_left_out(table):
    loaded = load_csv(table([HEAD, *GAPS, "red,1,1,"]), label="answer", missing="drop")
    assert sorted(rows(loaded)[:, 2]) == [i + 0.5 for i in range(60) if i % 3 != 1 and i % 5 != 3]
    assert "29 of the 61 rows have a missing cell, and are left out" in loaded.notes


def test_other_cells_may_stand_for_missing_ones(table):
    lines = [line.replace(",3,", ",-999,").replace("green", "unknown") for line in LINES]
    loaded = load_csv(table([HEAD, *lines]), label="answer", missing="mean", na=["-999", "unknown"])
    same = load_csv(table([HEAD, *GAPS], "u.csv"), label="answer", missing="mean")
    assert np.array_equal(loaded.x_train, same.x_train)


def test_an_index_of_pandas_is_left_out_and_told(table):
    for name in ("", "Unnamed: 0"):
        numbered = [f"{i},{line}" for i, line in enumerate(LINES)]
        loaded = load_csv(table([f"{name},{HEAD}", *numbered]), label="answer")
        assert loaded.features[-2:] == ("size", "n")
        assert loaded.notes[0].startswith("column 1 has no name and numbers the rows: it is left")


def test_an_id_of_each_row_is_left_out_and_told(table):
    path = table([f"Id,{HEAD}", *(f"{7 * i},{line}" for i, line in enumerate(LINES))])
    loaded = load_csv(path, label="answer")
    assert loaded.features[-2:] == ("size", "n")
    assert loaded.notes[0].startswith("column 1 (Id) has a whole number of its own in each row")
    for new in (["size,n,colour", "2.5,4,red"], ["Id,size,n,colour", "9,2.5,4,red"]):
        found = read_rows(table(new), loaded.x_train.shape[1:], known=known(loaded))
        assert found.x.tolist() == [[0, 0, 1, 2.5, 4]]
    repeated = table([f"Id,{HEAD}", *(f"{i // 2},{line}" for i, line in enumerate(LINES))])
    assert load_csv(repeated, label="answer").features[0] == "Id"


def test_weights_are_no_feature_and_go_with_their_rows(table):
    path = table([HEAD, *LINES])
    loaded = load_csv(path, label="answer", weights="n")
    assert loaded.features[-1] == "size"
    assert loaded.w_train.tolist() == [int(size) % 5 for size in loaded.x_train[:, 3]]
    bad = [LINES[0], LINES[1].replace(",1,", ",x,"), *LINES[2:]]
    with pytest.raises(ValueError, match="line 3: the weight is 'x', expected a finite number"):
        load_csv(table([HEAD, *bad]), label="answer", weights="n")
    with pytest.raises(ValueError, match="the last column is called 'weight', as weights of rows"):
        load_csv(table(["colour,size,answer,weight", *LINES]))


def test_classes_may_weigh_the_same(table):
    lines = [line.replace("yes", "no") if i % 4 else line for i, line in enumerate(LINES, 1)]
    loaded = load_csv(table([HEAD, *lines]), label="answer").balanced()
    totals = np.bincount(loaded.y_train, weights=loaded.w_train)
    np.testing.assert_allclose(totals, len(loaded.y_train) / 2)


def test_a_few_rare_classes_are_for_training_alone(table):
    lines = [f"{i},{i * i % 7},c{i % 12:02d}" for i in range(96)] + ["5,5,rare", "6,6,rare"]
    loaded = load_csv(table(["a,b,kind", *lines]))
    rare = loaded.classes.index("rare")
    assert [(y == rare).sum() for y in parts(loaded)] == [2, 0, 0]
    assert sum(map(len, parts(loaded))) == 98
    assert any("too few rows to be divided, 'rare' (2), are in training" in n for n in loaded.notes)


def test_new_rows_are_encoded_as_those_of_training(table):
    loaded = load_csv(table([f"id,{HEAD}", *(f"K{i},{line}" for i, line in enumerate(GAPS))]),
                      label="answer", missing="indicator", drop=["id"])  # fmt: skip
    new = table(["n,id,size,colour", "4,A1,2.5,red", ",A2,3.5,violet", "1,A3,4.5,NA"], "new.csv")
    found = read_rows(new, loaded.x_train.shape[1:], known=known(loaded))
    fill = loaded.encoding.fill
    assert found.x.tolist() == [
        [0, 1, 2.5, 4, 0, 0],
        [fill[0], fill[1], 3.5, fill[3], 0, 1],
        [fill[0], fill[1], 4.5, 1, 1, 0],
    ]
    assert any("(colour) holds 'violet' in 1 row, which was not there" in n for n in found.notes)
    assert any("2 missing cells in 2 rows are filled in" in note for note in found.notes)
    assert found.kept(every=False) == {"id": ["A1", "A2", "A3"]}
    assert [*found.kept(every=True)] == ["n", "id", "size", "colour"]
    refusing = load_csv(table([HEAD, *LINES]), label="answer")
    with pytest.raises(ValueError, match=r"column 1 \(n\): expected .* there was none in training"):
        load_rows(table(["n,size,colour", ",1,red"]), (5,), known=known(refusing))


def test_columns_without_names_are_known_by_their_places(table):
    numbered = [f"K{i},{line}" for i, line in enumerate(LINES)]
    loaded = load_csv(table(numbered), label=-1, drop=[0])
    for end in ("", ",yes"):
        x, _ = load_rows(table([f"Z,blue,2.5,4{end}"]), (5,), known=known(loaded))
        assert x.tolist() == [[1, 0, 0, 2.5, 4]]
    with pytest.raises(
        ValueError, match="one less than the training data, and column 4 may be the"
    ):
        load_rows(table(["blue,2.5,4,yes"] * 3), (5,), known=known(loaded))


def test_an_encoding_is_the_same_after_it_was_written(table):
    encoding = load_csv(table([HEAD, *GAPS]), label="answer", missing="indicator").encoding
    assert Encoding.from_words(encoding.words()) == encoding
    for name, value in (("fill", [1]), ("missing", "guess"), ("marked", [9]), ("categories", 3)):
        with pytest.raises(ValueError, match=r"encoding is .*, expected how columns"):
            Encoding.from_words(encoding.words() | {name: value})
