"""Tables are read as they stand, and what is wrong in one is told by line and column."""

import gzip

import numpy as np
import pytest

from chainrule.data import load_csv

IRIS = "length,width,species\n" + "5.1,3.5,setosa\n7.0,3.2,versicolor\n" * 5


@pytest.fixture
def table(tmp_path):
    def write(text, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def rows(loaded):
    """All rows as (features, name of the class), sorted."""
    x = np.concatenate([loaded.x_train, loaded.x_val, loaded.x_test])
    y = np.concatenate([loaded.y_train, loaded.y_val, loaded.y_test])
    return sorted((*row, loaded.classes[label]) for row, label in zip(x.tolist(), y, strict=True))


EXPECTED = [(5.1, 3.5, "setosa")] * 5 + [(7.0, 3.2, "versicolor")] * 5


@pytest.mark.parametrize(
    "text",
    [
        IRIS,
        IRIS.split("\n", 1)[1],
        IRIS.replace("\n", "\r\n"),
        IRIS.rstrip("\n"),
        IRIS.replace("\n", "\n\n"),
        "\ufeff" + IRIS.split("\n", 1)[1],
        IRIS.replace("setosa", '"setosa"').replace("5.1", '"5.1"'),
        IRIS.replace(",", " , "),
    ],
    ids=["header", "none", "crlf", "no end", "empty lines", "bom", "quotes", "blanks"],
)
def test_the_same_table_written_differently_reads_the_same(table, text):
    loaded = load_csv(table(text))
    assert rows(loaded) == EXPECTED
    assert loaded.x_train.dtype == np.float64
    assert loaded.image_shape is None


def test_a_gzipped_table_reads_the_same(table):
    assert rows(load_csv(table(gzip.compress(IRIS.encode()), "t.csv.gz"))) == EXPECTED


@pytest.mark.parametrize("label", ["species", 1, -2])
def test_the_label_may_stand_in_any_column(table, label):
    text = "length,species,width\n" + "5.1,setosa,3.5\n7.0,versicolor,3.2\n" * 5
    assert rows(load_csv(table(text), label=label)) == EXPECTED


def test_a_header_of_numbers_is_one_when_the_label_is_named(table):
    loaded = load_csv(table("0,1,2\n" + "5.1,3.5,a\n7,3.2,b\n" * 3), label="2")
    assert loaded.classes == ("a", "b")


def test_names_of_columns_may_hold_digits_signs_and_any_letters(table):
    names = "Na,1st %,x_1,größe (cm),nan_count,kind\n"
    assert len(rows(load_csv(table(names + "1,2,3,4,5,a_1\n1,2,3,4,6,b_1\n" * 3)))) == 6


def test_integer_labels_are_ordered_as_numbers_and_others_as_words(table):
    assert load_csv(table("1,10\n1,9\n" * 3)).classes == ("9", "10")
    assert load_csv(table("1,10\n1,9\n1,x\n" * 3)).classes == ("10", "9", "x")


def test_integers_too_long_for_64_bits_are_words(table):
    big = "9" * 30
    assert load_csv(table(f"1,{big}\n1,8\n" * 3)).classes == ("8", big)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty, expected lines of numbers and a label"),
        ("\n\n", "the file is empty"),
        ("a,b,kind\n", "a header alone, expected a line for each example"),
        ("1 2 a\n1 3 b\n", "the first line is one column, expected numbers and a label with com"),
        (
            "s;t;kind\n" + "1;2;a\n" * 3 + "1;3;b\n",
            "class 'b' has 1 of the 4 rows, .*; the columns are sep",
        ),
        (
            "a,1,2\nb,3,4\na,3,2\n",
            "nobody said .* the last one, column 3, holds numbers, .* such as 'a'; .* --label 0",
        ),
        (
            "kind,s\na,1\nb,3\n",
            r"nobody said .* and column 1 \(kind\) holds words .* by --label s, .* --label kind",
        ),
        ("5,2,a\n3,4,b\n5,6\n", "line 3: 2 columns, expected 3 as in the first"),
        ("5,2,a\n\n3,4,5,b\n", "line 3: 4 columns, expected 3 as in the first"),
        ("5,2,a\n3,four,b\n", "line 2, column 2: 'four', expected a finite number"),
        ("s,t,kind\n1,2,a\n3,,b\n", r"line 3, column 2 \(t\): a missing value; .* written as ''; "),
        ("5,2,a\nnan,4,b\n", "line 2, column 1: a missing value; 1 of the 4 cells is"),
        ("5,2,a\n3,-inf,b\n", "line 2, column 2: '-inf', expected a finite number"),
        ("5,2,a\n3,1e999,b\n", "line 2, column 2: '1e999', expected a finite number"),
        ("1,x,a\n3,4,b\n", "line 1, column 2: 'x', expected a finite number"),
        ("nan,nan,a\n3,4,b\n", "line 1, column 1: a missing value; .* written as 'nan'"),
        ("?,inf,a\n3,4,b\n", "line 1, column 2: 'inf', expected a finite number"),
        ("1,inf,a\n3,4,b\n", "line 1, column 2: 'inf', expected a finite number"),
        ("x,Infinity,a\n3,4,b\n", "line 1, column 1: 'x', expected a finite number"),
        ("NA,NA,a\n3,4,b\n", "line 1, column 1: a missing value; .* written as 'NA'"),
        ("-,a\n3,b\n", "line 1, column 1: '-', expected a finite number"),
        (",,a\n3,4,b\n", "line 1, column 1: a missing value; .*column 1: 1, column 2: 1"),
        ("1_0,2_0,a\n3,4,b\n", "line 1, column 1: '1_0', expected a finite number"),
        ("5,2,a\n3,1_02,b\n", "line 2, column 2: '1_02', expected a finite number"),
        ("5,2,a\n3,4, \n", "line 2, column 3: the label is missing"),
        ("s,,kind\n0,2,a\n1,4,b\n", "column 2 has no name in the header; .* by --drop 1 "),
        ("1,a\n" * 9, r"classes are \('a',\), expected at least two"),
        ("1,a\n2,b\n" * 3 + "3,c\n", "class 'c' has 1 of the 7 rows"),
        ('1,a\n2,"b\n', "line 2: unexpected end of data"),
        (b"1,a\n2,\xff\xfe\n", "expected text in UTF-8"),
    ],
)
def test_what_is_wrong_in_a_table_is_named_with_its_place(table, text, message):
    with pytest.raises(ValueError, match=rf"t\.csv(: |, ){message}"):
        load_csv(table(text))


def test_the_column_of_bad_text_counts_a_label_that_stands_before_it(table):
    with pytest.raises(ValueError, match=r"line 3, column 3 \(t\): 'x'"):
        load_csv(table("kind,s,t\na,1,2\nb,3,x\n"), label="kind")


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("colour", "no column 'colour', the first line is length, width, species"),
        (3, "label is column 3, expected -3 to 2"),
        (-4, "label is column -4, expected -3 to 2"),
    ],
)
def test_a_label_column_that_is_not_there_is_refused(table, label, message):
    with pytest.raises(ValueError, match=message):
        load_csv(table(IRIS), label=label)


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(IRIS.encode(), mtime=0)[:-12],
        IRIS.encode(),
        gzip.compress(b"x", mtime=0)[:10] + b"\xff" * 20,
    ],
    ids=["cut short", "not packed", "damaged"],
)
def test_a_gzipped_table_that_cannot_be_unpacked_is_named(table, packed):
    with pytest.raises(ValueError, match=r"t\.csv\.gz: the gzip file is cut short or damaged"):
        load_csv(table(packed, "t.csv.gz"))


def count(loaded):
    return len(loaded.x_train) + len(loaded.x_val) + len(loaded.x_test)


NUMBERS = [f"{i % 7},{i * 5 % 11},{i % 13},{i % 3}" for i in range(30)]
FLOATS = [f"{i % 7}.25,{i * 5 % 11}.5,{i % 13}.75,{i % 3}" for i in range(30)]


@pytest.mark.parametrize("body", [NUMBERS, FLOATS])
@pytest.mark.parametrize("first", ["0,1,2,3", "0,1,2,label", "0,1,2,ward", "0,1,2,64"])
def test_a_first_line_that_counts_up_is_a_header_and_that_is_told(table, body, first):
    loaded = load_csv(table("\n".join([first, *body])))
    assert count(loaded) == 30
    assert loaded.features == ("0", "1", "2")
    assert loaded.label == first.split(",")[-1]
    assert any("the first line, 0,1,2" in n and "taken for a header" in n for n in loaded.notes)


def test_one_that_counts_from_1_is_a_header_if_it_stands_out(table):
    assert count(load_csv(table("\n".join(["1,2,3,4", *FLOATS])))) == 30
    with pytest.raises(ValueError, match=r"first line, 1,2,3,4, may be .*--header yes or no"):
        load_csv(
            table("\n".join(["1,2,3,4", *(f"{i % 5},{i % 6},{i % 7},{i % 5}" for i in range(60))]))
        )


@pytest.mark.parametrize(
    ("first", "body"),
    [
        ("0,1", [f"{i % 9},{i % 2}" for i in range(30)]),
        ("0,1,label", [f"{i % 9},{i % 4},{i % 2}" for i in range(30)]),
        ("0,2,5,9", FLOATS),  # columns picked from a table without names
        ("3,1,2,0", NUMBERS),  # the columns of such a table in another order
        ("1990,1991,1992,1993", FLOATS),
    ],
)
def test_a_first_line_that_may_be_either_is_refused_until_it_is_said(table, first, body):
    path = table("\n".join([first, *body]))
    with pytest.raises(ValueError, match=r"the first line, .*, may be a header or an .*--header"):
        load_csv(path)
    assert count(load_csv(path, header=True)) == 30
    if "label" not in first and first[-1] in "01":
        assert count(load_csv(path, header=False)) == 31


def test_examples_that_look_a_little_like_a_header_are_examples(table):
    assert count(load_csv(table("\n".join(["2,5,3,1", *NUMBERS])))) == 31
    assert (
        count(
            load_csv(
                table("\n".join(["1,2,3,a", *(f"{i},{i},2,{'ab'[i % 2]}" for i in range(30))]))
            )
        )
        == 31
    )


def test_a_label_that_stands_in_the_first_line_alone_is_refused(table):
    path = table("5.1,3.5,kind\n" + "5.1,3.5,a\n7,3.2,b\n" * 5)
    with pytest.raises(
        ValueError, match="line 1: the label 'kind' stands in no other line; if the"
    ):
        load_csv(path)
    assert load_csv(path, header=True).features == ("5.1", "3.5")


@pytest.mark.parametrize(
    "name", ["label", "Class", "TARGET", "y", "species", "outcome", "class_label"]
)
def test_a_label_that_is_not_last_is_refused_until_it_is_named(table, name):
    path = table(
        f"{name},dose,age,ward\n" + "".join(f"{i % 2},{i}.5,{30 + i},{i % 4}\n" for i in range(60))
    )
    with pytest.raises(
        ValueError, match=rf"one column is called '{name}', but the last column, 'w"
    ):
        load_csv(path)
    for label in (name, 0, "0", -4):
        loaded = load_csv(path, label=label)
        assert (loaded.classes, loaded.label, loaded.label_column) == (("0", "1"), name, 0)
        assert loaded.features == ("dose", "age", "ward")
    told = load_csv(path, label="ward")
    assert told.num_classes == 4
    assert f"the label is 'ward', and '{name}' is a feature" in told.notes


def test_the_y_of_a_point_is_no_label_if_the_last_column_is_words(table):
    head = "x,y,kind\n"
    assert load_csv(table(head + "1.5,2,a\n3.5,4,b\n" * 5)).label == "kind"
    with pytest.raises(ValueError, match="a column is called y, but the last column, 'kind'"):
        load_csv(table(head + "1.5,2,1\n3.5,4,2\n" * 5))


def test_a_number_that_means_two_columns_is_refused(table):
    path = table("\n".join(["1,2,3,4", *FLOATS]))
    with pytest.raises(
        ValueError, match="label 3 is the name of column 3 and the number, from 0, of"
    ):
        load_csv(path, label="3")
    assert load_csv(path, label="4").label == "4"


@pytest.mark.parametrize(
    "labels",
    [
        ["1_1", "11", "1_2", "2_1"],
        ["007", "7"],
        ["٣", "3"],
        ["1", "1.0"],
        ["+1", "-1"],
        ["３", "3"],
    ],
)
def test_labels_keep_their_spelling(table, labels):
    text = "".join(f"{i}.5,{i * i}.25,{labels[i % len(labels)]}\n" for i in range(24))
    assert {*load_csv(table(text)).classes} == {*labels}


@pytest.mark.parametrize("word", ["NA", "nan", "NULL", "None", "?", "N/A", ".", ""])
def test_a_missing_label_is_no_class(table, word):
    labels = ["yes", "no", word]
    text = "a,b,answer\n" + "".join(f"{i}.5,{i * i}.25,{labels[i % 3]}\n" for i in range(24))
    with pytest.raises(ValueError, match=r"line 4, column 3 \(answer\): the label is missing"):
        load_csv(table(text))


@pytest.mark.parametrize("cell", ["1_000", "٣", "３", "4611686018427387905"])
def test_a_feature_is_a_number_by_the_same_rule(table, cell):
    with pytest.raises(
        ValueError, match=rf"line 2, column 2: '{cell}', (expected a f|an integer t)"
    ):
        load_csv(table(f"5,2,a\n3,{cell},b\n"))


def test_numbers_to_predict_are_not_taken_for_classes(table):
    numbers = table("".join(f"{i}.5,{i * 7 % 442}.0\n" for i in range(442)))
    with pytest.raises(
        ValueError,
        match=r"442 different numbers, .*look like numbers to predict.*--task regression",
    ):
        load_csv(numbers)
    whole = table("u,v,n\n" + "".join(f"{i % 97},{i % 89},{i % 23}\n" for i in range(2300)))
    with pytest.raises(
        ValueError, match=r"'n' are 23 different numbers; .* classes, .* --label n "
    ):
        load_csv(whole)
    assert load_csv(whole, label="n").num_classes == 23
    with pytest.raises(
        ValueError, match=r"class '.*' of the column 'n' has 1 .*numbers to predict"
    ):
        load_csv(table("u,v,n\n" + "".join(f"{i},{i * i},{20 + i}\n" for i in range(12))))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,a,kind\n" + "1,2,3,x\n4,5,6,y\n" * 3, "columns 1 and 3 are both called 'a'"),
        (
            "Unnamed: 0,b,kind\n" + "1,2,x\n4,5,y\n" * 3,
            "column 1 is called 'Unnamed: 0', as pandas",
        ),
        ("a,b,kind,\n" + "1,2,x,\n4,5,y,1\n" * 3, "column 4 has no name in the header"),
        (",0,1,2,3\n" + "1,2,3,4,x\n4,5,6,7,y\n" * 3, "column 1 has no name in the header"),
        ("1,2,x\n4,5,x\n9,8,y\n2,7,z\n" * 2, "2 classes have too few of the 8 rows, 'y'"),
    ],
)
def test_columns_and_classes_that_cannot_be_right_are_refused(table, text, message):
    with pytest.raises(ValueError, match=message):
        load_csv(table(text))


def test_a_header_that_stands_in_the_table_once_more_is_no_example(table):
    part = "colour,size,label\n" + "red,big,yes\nblue,small,no\n" * 3
    with pytest.raises(ValueError, match="line 8: the header once more, expected an example"):
        load_csv(table(part * 4), label="label")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_table_in_utf_16_is_told_from_a_damaged_one(table, encoding):
    with pytest.raises(ValueError, match="the text is in UTF-16; save it as UTF-8"):
        load_csv(table(("\ufeff" + IRIS).encode(encoding)))
