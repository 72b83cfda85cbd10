"""How much the words of the changed paths are those of a test's name and file."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from features.feature import NAN
from features.frozen import Tree
from features.verdicts.catalogue import Catalogue
from features.verdicts.feature import Candidates, TestFeature, Values

MAX_TOKENS = 24
"""Words of one test; of a longer name the last ones, which tell the most."""
_LONGEST = 40
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")


class PathTokens(TestFeature):
    """Cosine of a test's words and the changed paths' words, rare words counting more.

    Shape:  (n, 2): similarity to all changed paths, share of the test's words that are in them.
    Unit:   0 to 1; NaN if the change's files are unknown or the test has no words.
    Source: `NamedTest`, `Change.files`.

    References:
        K. Sparck Jones, "A statistical interpretation of term specificity", 1972 (the weights).
    """

    names = ("path_similarity", "path_overlap")
    group = "path_tokens"

    def __init__(self) -> None:
        self._tokens: dict[str, int] = {}
        self._weights: Values = np.zeros(0)
        self._whole: Values = np.zeros(0)
        self._token_of = np.empty(0, dtype=np.int32)
        self._test_of = np.empty(0, dtype=np.int32)
        self._count = 0

    def read(self, candidates: Candidates) -> Values:
        """Return similarity and overlap."""
        paths, tests = candidates.traits.paths, candidates.tests
        if not paths or not self._tokens:
            return np.full((len(tests), 2), NAN)
        words = {word for path in paths for word in tokens(path)}
        known = [number for word in words if (number := self._tokens.get(word)) is not None]
        changed = np.zeros(len(self._weights))
        changed[known] = self._weights[known]
        unknown = (len(words) - len(known)) * self._rarity(0)
        shared = self._sum_by_test(changed)[tests]
        whole = self._whole[tests]
        length = np.sqrt(whole * (changed.sum() + unknown))
        with np.errstate(invalid="ignore", divide="ignore"):
            values: Values = np.column_stack((shared / length, shared / whole))
        values[whole == 0] = NAN
        return values

    def grow(self, catalogue: Catalogue, count: int) -> None:
        """Learn the words of new tests."""
        if count <= self._count:
            return
        of_token: list[int] = []
        of_test: list[int] = []
        for number in range(self._count, count):
            words = tokens(f"{catalogue.file(number)} {catalogue.name(number)}")
            distinct = sorted(set(words[-MAX_TOKENS:]))
            of_token += [self._tokens.setdefault(word, len(self._tokens)) for word in distinct]
            of_test += [number] * len(distinct)
        self._count = count
        more = (np.array(of_token, dtype=np.int32), np.array(of_test, dtype=np.int32))
        self._token_of = np.concatenate((self._token_of, more[0]))
        self._test_of = np.concatenate((self._test_of, more[1]))
        self._weigh()

    def freeze(self) -> Tree:
        """Return the words, and which test has which."""
        return [list(self._tokens), self._token_of, self._test_of, self._count]

    def thaw(self, tree: Tree) -> None:
        """Take over words and pairs."""
        words, self._token_of, self._test_of, self._count = tree
        self._tokens = {word: number for number, word in enumerate(words)}
        self._weigh()

    def _weigh(self) -> None:
        frequency = np.bincount(self._token_of, minlength=len(self._tokens))
        self._weights = self._rarity(frequency)
        self._whole = self._sum_by_test(self._weights)

    def _rarity(self, frequency: Values | int) -> Values:
        weight: Values = np.log((self._count + 1) / (frequency + np.float64(0.5))) ** 2
        return weight

    def _sum_by_test(self, weights: Values) -> Values:
        of_pairs = weights[self._token_of]
        sums: Values = np.bincount(self._test_of, weights=of_pairs, minlength=self._count)
        return sums


def tokens(text: str) -> list[str]:
    """Split *text* at everything but letters, between letters and digits, and at capitals.

    Example:
        >>> tokens("src/shop/CartTotals_v2.py"), tokens("HTTPServer"), tokens("тест-корзины")
        (['src', 'shop', 'cart', 'totals', 'py'], ['http', 'server'], ['тест', 'корзины'])
    """
    return list(_long_enough(_WORD.findall(text)))


def _long_enough(words: Iterable[str]) -> Iterable[str]:
    return (word.lower()[:_LONGEST] for word in words if len(word) > 1)
