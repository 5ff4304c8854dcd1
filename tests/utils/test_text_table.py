"""Tables on the terminal: columns that line up and fit, and not a word of any cell lost."""

import pytest

from alzedge.utils.text_table import WIDTH, in_columns

LONG = "Trained on other slices of all 200 people tested: these figures say nothing about new people."


def test_short_cells_stand_in_columns() -> None:
    table = in_columns([["model", "KiB"], ["student_int8.tflite", "61"], ["a", ""]])
    assert table.splitlines() == ["model                KiB", "-" * 19 + "  ---", "student_int8.tflite  61", "a"]


@pytest.mark.parametrize("width", [WIDTH, 60, 30])
def test_long_cells_go_on_below_themselves(width: int) -> None:
    rows = [
        ["tested on", "model", "what it has seen"],
        ["unseen people", "student_int8.tflite", LONG],
        ["  a", "b", "c"],
    ]
    lines = in_columns(rows, width).splitlines()
    assert max(map(len, lines)) <= width
    rule = lines.index(next(line for line in lines if set(line) <= {"-", " "}))
    starts = [0, *(i + 1 for i, sign in enumerate(lines[rule]) if sign == " " and lines[rule][i + 1] == "-")]
    last = [line[starts[2] :] for line in lines[rule + 1 :]]
    assert "".join(last).replace(" ", "") == f"{LONG}c".replace(" ", "")
    assert lines[-1].startswith("  a")


def test_a_word_that_is_wider_than_its_column_is_broken() -> None:
    lines = in_columns([["path", "n"], ["x" * 150, "1"]]).splitlines()
    assert max(map(len, lines)) <= WIDTH and sum(line.count("x") for line in lines) == 150
