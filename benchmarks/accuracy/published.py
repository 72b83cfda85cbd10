"""Numbers in print, with their sources, to stand beside ours."""

from __future__ import annotations

from evaluation.results import Published

DURATION_RMSE = (
    Published(
        rule="published XGBoost",
        metric="rmse_s",
        values={
            "rustlang": 49.4,
            "radare2": 1138.0,
            "m2os": 1225.0,
            "ccpay": 25.4,
            "bruce": 55.5,
            "jod": 113_248.0,
        },
    ),
    Published(
        rule="best published",
        metric="rmse_s",
        values={
            "rustlang": 49.4,
            "radare2": 1096.0,
            "m2os": 1042.0,
            "ccpay": 24.3,
            "bruce": 52.4,
            "jod": 83_754.0,
        },
    ),
)
"""ETS thesis on build duration (2026): the newest tenth of each project, tuned for each by a
genetic search, on lags that look at runs which had not finished."""

FAILURE_AUC = (
    Published(rule="BuildFast, Travis data", metric="auc", values={"": 0.784}),
    Published(rule="BuildFast, Travis data", metric="f1", values={"": 0.472}),
    Published(rule="previous outcome, Travis data", metric="f1", values={"": 0.435}),
)
"""Chen et al., "BuildFast", ASE 2020: means over 20 Java projects; other data, so no contest."""

RANKING_APFD = (
    Published(rule="RETECS, re-run", metric="apfd", values={"iofrol": 0.634}),
    Published(rule="PAIRWISE-ACKTR", metric="apfd", values={"iofrol": 0.575}),
)
"""Bagherzadeh et al., "Reinforcement Learning for Test Case Prioritization", TSE 2021; RETECS is
Spieker et al., ISSTA 2017."""
