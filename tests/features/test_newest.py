from hypothesis import given
from hypothesis import strategies as st

from features.newest import REMEMBERED, Lines, Newest, Words

words = st.sampled_from([f"word{n}" for n in range(40)])
rows = st.lists(st.tuples(words, words, st.floats(allow_nan=False)), max_size=200)


@given(rows=st.lists(st.floats(allow_nan=False), max_size=200), limit=st.integers(1, 40))
def test_the_newest_rows_are_kept_in_their_order(rows, limit):
    """
    However many come, the last ones are there, the newest first.
    """
    newest = Newest(1, limit)
    for number in rows:
        newest.put(number)

    assert newest.columns[0].tolist() == rows[::-1][:limit]
    assert len(newest) == min(len(rows), limit)


@given(rows=rows, limit=st.integers(1, 12))
def test_lines_give_back_the_words_and_numbers_that_were_put(rows, limit):
    """
    Words come back as they went in, also after those of older rows were forgotten.
    """
    lines = Lines(2, 1, limit=limit)
    for row in rows:
        lines.put(*row)

    assert lines.rows() == [list(row) for row in rows[::-1][:limit]]


@given(rows=rows, limit=st.integers(1, 12), asked=words)
def test_a_word_has_the_number_that_its_rows_have(rows, limit, asked):
    """
    Rows that hold a word can be told by its number, and no others.
    """
    lines = Lines(2, 1, limit=limit)
    for row in rows:
        lines.put(*row)

    found = lines.columns[1] == lines.words[1].number(asked)
    assert found.tolist() == [row[1] == asked for row in lines.rows()]
    assert len(lines.words[1]) <= 2 * limit


def test_measures_are_made_again_when_another_word_comes():
    """
    What was measured against the known words covers those that come later, too.
    """
    known = Words[str]()
    known.learn("ab")
    before = known.measured("ab", _shared).tolist()
    known.learn("bc")

    assert before == [2.0]
    assert known.measured("ab", _shared).tolist() == [2.0, 1.0]


def test_measures_that_are_not_remembered_are_right():
    """
    Only some words' measures are remembered; the others' are the same.
    """
    known = Words[str]()
    known.learn("ab")
    for number in range(2 * REMEMBERED):
        known.measured(f"word{number}", _shared)

    assert known.measured("b", _shared).tolist() == [1.0]


def _shared(one, other):
    return float(len(set(one) & set(other)))
