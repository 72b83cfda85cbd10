"""Errors say what, with which value, and what to do, in every process."""

import pickle

import pytest

from devmind import errors

EXAMPLES = [
    errors.InvalidInput("attempt", 0, "Count attempts from 1."),
    errors.UnreadableSource("runs.json", "it ends in the middle of a run", "Download it again."),
    errors.TooLarge("The body", 10, 5),
    errors.ContradictingRepeat("queued", "abc", 7),
    errors.NotFound("build", "abc", "Record it first."),
    errors.NotAuthenticated(),
    errors.AccessRefused("the token has expired"),
    errors.NotAllowed("admin"),
    errors.NotEnoughHistory("builds", 3, 100),
    errors.NothingToEvaluate(("failures: all 12 builds passed",)),
    errors.ModelUnavailable("build_optimizer", "no champion yet"),
    errors.HistoryUnavailable("timeout"),
    errors.Overloaded(2),
    errors.PromotionRefused("build_optimizer", "2", ("worse",)),
    errors.AlreadyRunning("build_optimizer", "job-1"),
    errors.NotDue("build_optimizer", "job-1", "2026-01-01T00:00:00+00:00", 24.0),
    errors.JobEnded("job-1", "failed"),
    errors.NoSpace("var/training", "to train in"),
    errors.FeatureSchemaMismatch("build_optimizer/2", ("a",), ("b",)),
    errors.UnlearnableHistory("failure_predictor", "all builds passed"),
    errors.HistorySchemaMismatch("v2", "v1"),
    errors.UnusableSnapshot("build/1", "damaged"),
    errors.CorruptBundle("build_optimizer/2", "model.ubj is missing"),
    errors.FolderUnwritable("var/examples", "No space left on device", "DEVMIND_EXAMPLES"),
    errors.ServiceUnreachable("http://127.0.0.1:8000", "connection refused"),
]


def test_every_error_has_an_example_here():
    """
    No error class escapes the promises below.
    """
    defined = {
        c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)
    } - {errors.DevMindError}

    assert defined == {type(example) for example in EXAMPLES}


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda e: type(e).__name__)
def test_errors_survive_the_way_between_processes(error):
    """
    An error that crosses a process border says the same on the other side.
    """
    copy = pickle.loads(pickle.dumps(error))

    assert type(error) is type(copy)
    assert str(error) == str(copy)


def test_long_values_are_cut():
    """
    A message never repeats a hostile value in full.
    """
    message = str(errors.InvalidInput("path", "x" * 10_000, "Shorten it."))

    assert len(message) < 250
    assert "(10000 characters)" in message
