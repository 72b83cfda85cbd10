"""The rule that teams write down first: run the tests that are named like what was changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.own_history.replaying import known_tests
from features.verdicts import path_tokens
from history.events import BuildQueued, StoredEvent
from training.examples import Examples


def path_scores(events: Sequence[StoredEvent], examples: Examples) -> NDArray[np.float64]:
    """Return 1 for a test whose file or class is named like a changed file, else 0: (n,).

    Args:
        events: The history that *examples* were replayed from.
        examples: Rows of tests of one project.
    """
    known = known_tests(events)
    about = {one: subjects(known.name(one), known.file(one)) for one in set(examples.test.tolist())}
    changed = {
        event.sequence: frozenset(subject(file.path) for file in event.build.change.files)
        for event in events
        if isinstance(event, BuildQueued)
    }
    pairs = zip(examples.sequence.tolist(), examples.test.tolist(), strict=True)
    return np.array([bool(changed[at] & about[one]) for at, one in pairs], np.float64)


def subjects(name: str, file: str) -> frozenset[str]:
    """Return what a test is about, by its name and file.

    Example:
        >>> sorted(subjects("tests.test_cart::test_adds", ""))
        ['cart']
    """
    parts = [file] if file else name.partition("::")[0].split(".")
    return frozenset(said for part in parts if (said := subject(part)))


def subject(path: str) -> str:
    """Return the words of a file's name without those that only say that it is a test.

    Example:
        >>> subject("src/shop/Cart.java"), subject("tests/test_cart.py"), subject("CartTest")
        ('cart', 'cart', 'cart')
    """
    return "".join(path_tokens.subject(path))
