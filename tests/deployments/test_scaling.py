"""How many replicas are wanted for what is asked."""

from types import SimpleNamespace

from deployments.scaling import by_questions, told


def deployment(name, *, calls=0.0, running=1, target=10.0, heard=None):
    return SimpleNamespace(
        deployment_name=name,
        current_num_replicas=running,
        target_num_replicas=running,
        total_num_requests=calls,
        aggregated_metrics=heard or {},
        config=SimpleNamespace(get_target_ongoing_requests=lambda: target),
    )


def heard(*ingresses):
    names = {name for each in ingresses for name in told(each)}
    return {
        name: {at: told(each)[name] for at, each in enumerate(ingresses) if name in told(each)}
        for name in names
    }


def test_a_model_is_scaled_by_the_questions_of_all_ingresses():
    """
    Forty questions at two ingresses want four replicas, though they came in three calls.
    """
    asked = heard({"build-optimizer": 25}, {"build-optimizer": 15})
    contexts = {
        "i": deployment("ingress", calls=40, target=20, heard=asked),
        "b": deployment("build-optimizer", calls=3),
        "h": deployment("history", calls=5),
    }
    wanted, _ = by_questions(contexts)

    assert wanted == {"i": 2.0, "b": 4.0, "h": 0.5}


def test_calls_count_where_no_questions_are_told():
    """
    Before an ingress has told anything, and for calls that carry none, Serve's own count holds.
    """
    contexts = {"i": deployment("ingress"), "b": deployment("build-optimizer", calls=20)}

    assert by_questions(contexts)[0]["b"] == 2.0


def test_nothing_running_keeps_what_was_decided():
    """
    A deployment that is starting is not decided upon.
    """
    contexts = {"b": deployment("build-optimizer", running=0)}
    contexts["b"].target_num_replicas = 3

    assert by_questions(contexts)[0] == {"b": 3.0}
