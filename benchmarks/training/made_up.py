"""Made-up rows to measure speed on."""

from __future__ import annotations

import numpy as np

from training.examples import Examples

UNKNOWN = 0.05


def made_up_builds(rows: int, columns: int, *, seed: int) -> Examples:
    """Return builds whose first feature tells whether they fail; one value in twenty is unknown."""
    rng = np.random.default_rng(seed)
    drawn = rng.normal(size=(rows, columns)).astype(np.float32)
    failed = rng.random(rows) < 1 / (1 + np.exp(2.0 - 2.0 * drawn[:, 0]))
    drawn[rng.random(drawn.shape) < UNKNOWN] = np.nan
    sequence = np.arange(1, 2 * rows, 2)
    return Examples(
        names=tuple(f"f{i}" for i in range(columns)),
        rows=drawn,
        project=np.full(rows, "made-up", dtype=object),
        sequence=sequence,
        known_at=sequence + 1,
        queued_at=1_700_000_000.0 + 60.0 * sequence.astype(np.float64),
        duration_s=np.exp(5.0 + 0.5 * rng.normal(size=rows)),
        failed=failed,
        flaky=np.zeros(rows, np.bool_),
        test=np.full(rows, -1, np.int32),
    )
