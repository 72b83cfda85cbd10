"""Every feature of a build: the one list to add to."""

from __future__ import annotations

from features import keys
from features.builds import path_outcomes as paths
from features.builds.branch import Branch, Trigger
from features.builds.branch_habits import BranchHabits
from features.builds.bustle import Bustle
from features.builds.calendar import Calendar
from features.builds.change_kinds import ChangeKinds, Decisive
from features.builds.change_size import ChangeSize
from features.builds.change_spread import ChangeSpread
from features.builds.commits import Commits
from features.builds.durations import Durations
from features.builds.extensions import Extensions
from features.builds.last_failure import LastFailure
from features.builds.load import Gaps, Load
from features.builds.look_alikes import LookAlikes
from features.builds.message import Message
from features.builds.neighbours import Neighbours
from features.builds.outcomes import MainOutcomes, Outcomes, by_line
from features.builds.path_outcomes import PathOutcomes
from features.builds.project_health import ProjectHealth
from features.builds.reports import Reports
from features.builds.similar_durations import SimilarDurations
from features.builds.since_pass import SincePass
from features.builds.team import Experience, Team
from features.feature import Feature

LAGS = 5
"""Durations and outcomes of this many last builds are columns of their own."""


def build_features() -> tuple[Feature, ...]:
    """Return new, empty features; their order is the order of a row's columns."""
    return (*_durations(), *_outcomes(), *_changes(), *_circumstances())


def _durations() -> tuple[Feature, ...]:
    return (
        Durations("project", keys.by_project),
        Durations("pipeline", keys.by_pipeline, lags=LAGS),
        Durations("branch", keys.by_branch),
        Durations("branch_kind", keys.by_branch_kind),
        Durations("trigger", keys.by_trigger),
        Durations("file_types", keys.by_file_types, lags=3),
        Durations("author", keys.by_author),
        Durations("kin", keys.by_kin, lags=3),
        SimilarDurations(),
        Neighbours(),
    )


def _outcomes() -> tuple[Feature, ...]:
    pipeline = Outcomes("pipeline", keys.by_pipeline, lags=LAGS)
    return (
        Outcomes("project", keys.by_project),
        pipeline,
        Outcomes("branch", keys.by_branch, lags=3, parent=pipeline),
        Outcomes("branch_kind", keys.by_branch_kind, parent=pipeline),
        Outcomes("trigger", keys.by_trigger, parent=pipeline),
        Outcomes("file_types", keys.by_file_types, parent=pipeline),
        Outcomes("author", keys.by_author, lags=3, parent=pipeline),
        PathOutcomes("file", paths.touched_files, pipeline),
        PathOutcomes("directory", paths.touched_directories, pipeline),
        PathOutcomes("area", paths.touched_areas, pipeline),
        PathOutcomes("extension", paths.touched_extensions, pipeline),
        SincePass(),
        Reports(),
        *_standing(pipeline),
    )


def _standing(pipeline: Outcomes) -> tuple[Feature, ...]:
    """How branch, project and look-alikes stand, over all pipelines where that tells more."""
    return (
        Outcomes("line", by_line, parent=pipeline, group="branch_outcomes"),
        MainOutcomes("main", keys.by_pipeline, parent=pipeline, group="branch_kind_outcomes"),
        Outcomes("kin", keys.by_kin, parent=pipeline, group="similar_changes"),
        BranchHabits(),
        LastFailure(),
        ProjectHealth(),
        LookAlikes(),
        Bustle(),
    )


def _changes() -> tuple[Feature, ...]:
    return (ChangeSize(), ChangeKinds(), Decisive(), ChangeSpread(), Extensions(), Message())


def _circumstances() -> tuple[Feature, ...]:
    return (Calendar(), Load(), Gaps(), Team(), Experience(), Branch(), Trigger(), Commits())
