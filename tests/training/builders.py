"""Made-up examples for tests of training."""

import numpy as np

from training.examples import Examples


def examples(  # noqa: PLR0913 - one argument a column
    *,
    project="shop",
    sequence,
    known_at=None,
    failed=None,
    flaky=None,
    duration_s=None,
    rows=None,
    names=("a", "b"),
    test=None,
):
    n = len(sequence)
    sequence = np.asarray(sequence, dtype=np.int64)
    return Examples(
        names=names,
        rows=np.zeros((n, len(names)), np.float32) if rows is None else np.float32(rows),
        project=np.array([project] * n, dtype=object),
        sequence=sequence,
        known_at=sequence if known_at is None else np.asarray(known_at, dtype=np.int64),
        queued_at=1_700_000_000.0 + 60.0 * sequence,
        duration_s=np.full(n, 60.0) if duration_s is None else np.float64(duration_s),
        failed=np.zeros(n, np.bool_) if failed is None else np.asarray(failed, np.bool_),
        flaky=np.zeros(n, np.bool_) if flaky is None else np.asarray(flaky, np.bool_),
        test=np.full(n, -1, np.int32) if test is None else np.asarray(test, np.int32),
    )


def random_builds(n, *, seed, project="shop", features=8):
    """Builds whose first features say how long they take and whether they fail."""
    rng = np.random.default_rng(seed)
    names = tuple(f"f{i}" for i in range(features))
    rows = rng.normal(size=(n, features)).astype(np.float32)
    duration_s = np.exp(5 + 0.6 * rows[:, 0] + 0.3 * rng.normal(size=n))
    failed = rng.random(n) < 1 / (1 + np.exp(1.5 - 2.0 * rows[:, 1]))
    rows[rng.random(rows.shape) < 0.05] = np.nan
    sequence = np.arange(1, 2 * n, 2)
    return examples(
        project=project,
        sequence=sequence,
        known_at=sequence + 1,
        rows=rows,
        names=names,
        duration_s=duration_s,
        failed=failed,
    )


def random_cycles(cycles, tests, *, seed, project="shop", features=5):
    """Test rows of builds: some tests fail often, as the first feature tells."""
    rng = np.random.default_rng(seed)
    m = cycles * tests
    rows = rng.normal(size=(m, features)).astype(np.float32)
    failed = rng.random(m) < 1 / (1 + np.exp(3.0 - 2.0 * rows[:, 0]))
    rows[rng.random(rows.shape) < 0.05] = np.nan
    sequence = np.repeat(np.arange(1, 3 * cycles, 3), tests)
    return examples(
        project=project,
        sequence=sequence,
        known_at=sequence + 1,
        rows=rows,
        names=tuple(f"f{i}" for i in range(features)),
        duration_s=rng.lognormal(size=m),
        failed=failed,
        test=np.tile(np.arange(tests), cycles),
    )
