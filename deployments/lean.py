"""What a replica does without, once it runs: `deployments/start` saw to it while it started."""

from __future__ import annotations

import sys

STARTED_SO = "leaving_out"
"""The module that is there in processes whose `PYTHONPATH` has `deployments/start`."""


def without_pandas() -> None:
    """Let nothing in this process import pandas any more, if Serve has gone without it.

    Arrow would, with the first array it makes of a list. A process that started as usual, one that
    runs tests or trains a model, is left as it is.
    """
    started = sys.modules.get(STARTED_SO)
    if started is not None and "pandas" not in sys.modules:
        sys.meta_path.insert(0, started.LeftOut("pandas"))
