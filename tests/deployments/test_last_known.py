"""Who may not answer for minutes costs nobody more than a moment."""

import threading
import time

from deployments.last_known import LastKnown


def test_what_is_said_is_returned_and_asked_anew_each_time():
    """
    While answers come, each call has its own.
    """
    said = iter(["one", "two"])
    known = LastKnown(lambda: next(said), unknown="")

    assert [known(), known()] == ["one", "two"]


def test_a_silence_is_waited_for_once_and_takes_one_thread():
    """
    Without an answer the last one stands; many calls do not ask beside the one that waits, and the
    first answer after the silence is believed.
    """
    may_end, asked = threading.Event(), []

    def ask():
        asked.append(1)
        if len(asked) > 1:
            may_end.wait(30)
        return f"answer {len(asked)}"

    known = LastKnown(ask, unknown="nothing", patience_s=0.05)
    during = [known() for _ in range(50)]
    may_end.set()
    until = time.monotonic() + 10
    while (after := known()) == "answer 1" and time.monotonic() < until:
        time.sleep(0.01)

    assert set(during) == {"answer 1"}
    assert after != "answer 1"
    assert len(asked) <= 4


def test_an_answer_that_comes_late_is_known_from_then_on():
    """
    Who always takes longer than anybody waits is heard all the same.
    """
    may_end = threading.Event()
    known = LastKnown(lambda: may_end.wait(30) and "late", unknown="", patience_s=0.01)
    first = known()
    may_end.set()
    until = time.monotonic() + 10
    while not known() and time.monotonic() < until:
        time.sleep(0.01)
    may_end.clear()

    assert (first, known()) == ("", "late")
    may_end.set()


def test_nothing_is_known_until_something_was_said():
    """
    Before the first answer, and where asking breaks, the unknown value is returned.
    """

    def broken():
        raise RuntimeError("no cluster")

    assert LastKnown(broken, unknown="")() == ""
    assert LastKnown(threading.Event().wait, unknown=None, patience_s=0.01)() is None
