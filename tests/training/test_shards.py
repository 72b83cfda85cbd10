"""Shards that cannot be read."""

import numpy as np
import pytest

from devmind.errors import UnreadableSource
from tests.training.builders import random_builds
from training.config import BoostingConfig
from training.fit_here import fit_quantiles_here
from training.shards import read_shard, rows_of, write_shards

BUILDS = random_builds(300, seed=1)


@pytest.fixture(name="shards")
def _shards(tmp_path):
    return write_shards(tmp_path, BUILDS, label=BUILDS.duration_s, weight=np.ones(300), count=2)


def missing(path):
    path.unlink()


def truncated(path):
    path.write_bytes(path.read_bytes()[:-40])


def empty(path):
    path.write_bytes(b"")


def a_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("broken", [missing, truncated, empty, a_folder])
@pytest.mark.parametrize("read", [rows_of, lambda p: read_shard(p[1], BUILDS.names)])
def test_a_broken_shard_is_named(shards, broken, read):
    """
    A shard that is missing or truncated is named, with what to do, before and while it is read.
    """
    broken(shards[1])

    with pytest.raises(UnreadableSource, match=r"0001\.parquet: not a readable shard.*Train again"):
        read(shards)


def test_a_flipped_bit_is_noticed(shards):
    """
    A shard whose bytes changed on disk is refused, not learned from.
    """
    content = bytearray(shards[0].read_bytes())
    content[200] ^= 0x10
    shards[0].write_bytes(content)

    with pytest.raises(UnreadableSource, match=r"0000\.parquet"):
        fit_quantiles_here(shards, (), BoostingConfig(rounds=2))


def test_rows_are_counted_without_reading_them(shards):
    """
    The rows of shards are counted from what the files say of themselves.
    """
    assert rows_of(shards) == 300
