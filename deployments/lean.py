"""What a replica does without, once it runs: `deployments/start` saw to it while it started."""

from __future__ import annotations

import sys

from deployments.start.leaving_out import LeftOut

_STARTED_BY = "sitecustomize"
"""What Python imports when it starts: ours, where `PYTHONPATH` has `deployments/start`."""


def without_pandas() -> None:
    """Let nothing in this process import pandas any more, if Serve has gone without it.

    Arrow would, with the first array it makes of a list. A process that started as usual, one that
    runs tests or trains a model, is left as it is.
    """
    started_lean = getattr(sys.modules.get(_STARTED_BY), "LeftOut", None) is LeftOut
    if started_lean and "pandas" not in sys.modules:
        sys.meta_path.insert(0, LeftOut("pandas"))
