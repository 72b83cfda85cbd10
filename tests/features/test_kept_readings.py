"""What a state keeps between readings, to read faster, never shows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.build_state import BuildState
from features.verdict_state import TestState
from history.events import BuildQueued
from tests.features.histories import event_lists


def bits(rows):
    return rows.view(np.int32).tolist()


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_reading_between_events_changes_no_row(data):
    """
    A state that was asked after every event gives, bit for bit, the rows of one that never was.
    """
    events = data.draw(event_lists(max_builds=5))
    asked = [event.build for event in events if isinstance(event, BuildQueued)]
    often, never = BuildState(), BuildState()
    for event in events:
        often.update(event)
        never.update(event)
        for build in asked[:3]:
            often.read(build)
            fresh = BuildState.thaw(never.freeze())
            look = often.look_at(build)
            assert bits(look.row) == bits(fresh.read(build))
            assert repr(look.facts()) == repr(fresh.facts(build))
            assert look.counts.pipeline == look.facts().pipeline
            assert look.counts.project == look.facts().project


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_reading_tests_between_events_changes_no_row(data):
    """
    The same of tests: rows of all tests, of some, and of tests never reported.
    """
    events = data.draw(event_lists(max_builds=5))
    asked = [event.build for event in events if isinstance(event, BuildQueued)]
    often, never = TestState(), TestState()
    for event in events:
        often.update(event)
        never.update(event)
        for build in asked[:2]:
            tests = np.arange(-1, len(never.tests), dtype=np.int32)
            fresh = TestState.thaw(never.freeze())
            for numbers in (tests, tests[::2]):
                assert bits(often.read(build, numbers)) == bits(fresh.read(build, numbers))
