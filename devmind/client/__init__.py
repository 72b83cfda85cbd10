"""Asking a DevMind service over HTTP: one method a route, errors as `devmind.errors`."""

from devmind.client.answers import (
    Assessment,
    BatchReceipt,
    DurationPrediction,
    EventReceipt,
    FailurePrediction,
    JobLog,
    JobStatus,
    ModelCard,
    ModelStatus,
    ModelVersion,
    Optimization,
    ProjectStatus,
    Readiness,
    RemainingPrediction,
    ReportReceipt,
    ServiceInformation,
    ShadowStatus,
    TestSelection,
)
from devmind.client.client import Client
from devmind.client.problems import Problem, Told
from devmind.client.questions import JobNow, Question, RunningQuestion, Target, TestQuestion
from devmind.client.transport import Transport

__all__ = [
    "Assessment",
    "BatchReceipt",
    "Client",
    "DurationPrediction",
    "EventReceipt",
    "FailurePrediction",
    "JobLog",
    "JobNow",
    "JobStatus",
    "ModelCard",
    "ModelStatus",
    "ModelVersion",
    "Optimization",
    "Problem",
    "ProjectStatus",
    "Question",
    "Readiness",
    "RemainingPrediction",
    "ReportReceipt",
    "RunningQuestion",
    "ServiceInformation",
    "ShadowStatus",
    "Target",
    "TestQuestion",
    "TestSelection",
    "Told",
    "Transport",
]
