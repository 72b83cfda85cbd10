"""How the rows that a model has learned from were spread, by project: what drift is told by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.drift import (
    DRIFT,
    ENOUGH,
    MOST_PROJECTS,
    ROWS,
    Reference,
    outcome_columns,
    reference,
    write_references,
)
from training.examples import Examples


def references(learned: Examples) -> Mapping[str, Reference]:
    """Return the reference of each project with enough rows; of rows of tests there is none.

    The columns are the features, and after them the two of `outcome_columns`.
    """
    if len(learned) and learned.test[0] >= 0:
        return {}
    names, counts = np.unique(learned.project.astype(str), return_counts=True)
    largest = sorted(zip(-counts, names, strict=True))[:MOST_PROJECTS]
    found = {}
    for _, name in largest:
        rows = np.flatnonzero(learned.project == name)[-ROWS:]
        if len(rows) >= ENOUGH:
            came = outcome_columns(learned.duration_s[rows], learned.failed[rows])
            found[str(name)] = reference(np.hstack([learned.rows[rows], came]))
    return found


def reference_file(learned: Examples) -> dict[str, bytes]:
    """Return the file of a bundle that holds the references; none where there are none."""
    found = references(learned)
    return {DRIFT: write_references(found)} if found else {}
