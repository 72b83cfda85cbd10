import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.serving.growth import Sample, growths, slope, table

MB = 1_000_000


def watched(size, minutes=10):
    """A process sampled every five seconds, so many megabytes at each moment."""
    return [
        Sample(at_s=s, uss={("ingress", 7): int(size(s) * MB)}) for s in range(0, 60 * minutes, 5)
    ]


@given(st.floats(-5, 5), st.floats(0, 100))
def test_a_line_has_its_slope(rise, start):
    """
    The slope of a straight line is its own.
    """
    points = [(float(x), start + rise * x) for x in range(12)]

    assert slope(points) == pytest.approx(rise, abs=1e-6)


def test_a_leak_is_seen_through_noise():
    """
    Two megabytes a minute are growth, however the samples jump.
    """
    (found,) = growths(watched(lambda s: 100 + s / 30 + 3 * (s // 5 % 3)))

    assert not found.flat
    assert found.slope_mb_h == pytest.approx(120, rel=0.1)
    assert "| no |" in table([found])


def test_a_warm_up_is_no_leak():
    """
    What fills in the first minutes and stays is flat.
    """
    (found,) = growths(watched(lambda s: min(100 + s, 200)))

    assert found.flat
    assert found.first_mb == 200


def test_a_process_that_came_and_went_says_nothing():
    """
    Too few samples are no verdict.
    """
    samples = watched(lambda _: 1.0)
    samples[-1].uss["ray", 9] = 5 * MB

    assert [one.part for one in growths(samples)] == ["ingress"]
    assert growths([]) == []
