from hypothesis import given
from hypothesis import strategies as st

from training.cadence import LEAST, SHARE, builds_until_refit


@given(st.integers(0, 10**6))
def test_waits_grow_with_the_history(known):
    """
    A young project is refitted often; a wait never shrinks, nor exceeds a share of the history.
    """
    wait = builds_until_refit(known)

    assert LEAST <= wait <= max(LEAST, known / SHARE)
    assert wait <= builds_until_refit(known + 1)
    assert known >= LEAST * SHARE or wait == LEAST
