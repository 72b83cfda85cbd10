import numpy as np
import pytest

from devmind.errors import InvalidInput, UnreadableSource
from tests.training.builders import examples, random_builds, random_cycles
from training.examples import concatenate, read_examples, write_examples
from training.shards import LABEL, WEIGHT, project_weights, read_shard, write_shards

ARRAYS = "rows project sequence known_at queued_at duration_s failed test".split()


def test_parquet_gives_back_what_was_written(tmp_path):
    """
    Examples of several projects survive Parquet unchanged, unknown values included.
    """
    parts = [random_builds(7, seed=1), random_builds(5, seed=2, project="bänk/x")]
    paths = [write_examples(tmp_path / f"{i}.parquet", part) for i, part in enumerate(parts)]

    found, expected = read_examples(paths), concatenate(parts)

    assert expected.names == found.names
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(expected, name), getattr(found, name))
        assert getattr(expected, name).dtype == getattr(found, name).dtype


def test_no_rows_survive_too(tmp_path):
    """
    A project without a single example can be written and read.
    """
    path = write_examples(tmp_path / "none.parquet", examples(sequence=[]))

    assert len(read_examples([path])) == 0


@pytest.mark.parametrize("cut", [0, 10, -5])
def test_a_truncated_file_is_named(tmp_path, cut):
    """
    A half-written file is an error that names it, not fewer rows.
    """
    path = write_examples(tmp_path / "rows.parquet", random_builds(50, seed=1))
    path.write_bytes(path.read_bytes()[:cut])

    with pytest.raises(UnreadableSource, match=r"rows\.parquet"):
        read_examples([path])


def test_a_missing_file_is_named(tmp_path):
    """
    A file that is gone is an error that names it.
    """
    with pytest.raises(UnreadableSource, match=r"gone\.parquet"):
        read_examples([tmp_path / "gone.parquet"])


def test_features_must_agree():
    """
    Rows with different features are never joined.
    """
    with pytest.raises(InvalidInput, match="features"):
        concatenate([examples(sequence=[1]), examples(sequence=[1], names=("a", "c"))])


def test_rows_of_a_build_share_a_number():
    """
    Builds are numbered in order of appearance, across projects.
    """
    shop = random_cycles(2, 3, seed=1)
    bank = random_cycles(1, 2, seed=1, project="bank")

    assert concatenate([shop, bank]).builds().tolist() == [0, 0, 0, 1, 1, 1, 2, 2]


def test_shards_deal_out_every_row_once(tmp_path):
    """
    Shards hold every row once, with its label and weight, in turn.
    """
    rows = random_builds(11, seed=3)
    label, weight = np.arange(11), np.linspace(1, 2, 11)

    paths = write_shards(tmp_path, rows, label=label, weight=weight, count=3)
    shards = [read_shard(path, rows.names) for path in paths]

    assert [len(shard[0]) for shard in shards] == [4, 4, 3]
    for rank, (values, labels, weights) in enumerate(shards):
        np.testing.assert_array_equal(rows.rows[rank::3], values)
        np.testing.assert_array_equal(label[rank::3], labels)
        np.testing.assert_allclose(weight[rank::3], weights, rtol=1e-6)
    assert LABEL.startswith("@")
    assert WEIGHT.startswith("@")


def test_project_weights_have_mean_1_and_tame_the_large():
    """
    With -0.5 a project of 100 times the rows has 10 times the say.
    """
    project = np.array(["large"] * 400 + ["small"] * 4, dtype=object)

    weight = project_weights(project, -0.5)

    assert pytest.approx(weight.mean()) == 1
    assert pytest.approx(weight[:400].sum() / weight[400:].sum()) == 10
