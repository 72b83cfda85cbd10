"""How many replicas each deployment wants: what `autoscaling_policy` in `serve_config.yaml` names.

Serve counts calls between deployments. The ingress puts many questions into one call, so a model
with a long queue would look idle. Every ingress therefore tells how many of its questions wait or
are being answered, by deployment, and a model is scaled by their sum: `target_ongoing_requests`
means questions, as it would if each were a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

INGRESS = "ingress"
_PREFIX = "questions_"


def told(questions: Mapping[str, int]) -> dict[str, float]:
    """Return what an ingress tells Serve of its *questions* by deployment."""
    return {f"{_PREFIX}{name}": float(count) for name, count in questions.items()}


def by_questions(contexts: Mapping[Any, Any]) -> tuple[dict[Any, float], None]:
    """Return how many replicas each deployment wants; Serve adds delays and bounds.

    Args:
        contexts: Deployment's id -> Serve's `AutoscalingContext` of it.
    """
    heard = _heard(contexts)
    return {key: _wanted(each, heard) for key, each in contexts.items()}, None


def _heard(contexts: Mapping[Any, Any]) -> Mapping[str, Mapping[Any, float]]:
    ingress = (each for each in contexts.values() if each.deployment_name == INGRESS)
    found: Mapping[str, Mapping[Any, float]] | None = getattr(
        next(ingress, None), "aggregated_metrics", None
    )
    return found or {}


def _wanted(context: Any, heard: Mapping[str, Mapping[Any, float]]) -> float:
    """Return the replicas for what is asked: questions, or calls where these are more."""
    if not context.current_num_replicas:
        return float(context.target_num_replicas)
    questions = sum(heard.get(f"{_PREFIX}{context.deployment_name}", {}).values())
    asked = max(questions, float(context.total_num_requests))
    return asked / float(context.config.get_target_ongoing_requests())
