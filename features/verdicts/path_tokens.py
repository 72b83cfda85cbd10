"""How much the changed paths' words are those of a test, and whether a test is about them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from features.feature import NAN, KnownAt
from features.frozen import Tree
from features.verdicts.catalogue import Catalogue
from features.verdicts.feature import Candidates, TestFeature, Values, of_tests
from features.verdicts.touched_together import home_of

MAX_TOKENS = 24
"""Words of one test; of a longer name the last ones, which tell the most."""
_LONGEST = 40
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_SAY_TEST = frozenset({"test", "tests", "spec", "it"})
_NONE = -1


class PathTokens(TestFeature):
    """Cosine of a test's words and the changed paths' words, rare words counting more.

    The third column grades a rule that teams write down first: run the tests that are named like
    what was changed. `tests/test_cart.py` and `CartTest` are named like `src/Cart.java`, and half
    like `cart_totals.py`.

    Shape:  (n, 3): similarity to all changed paths, share of the test's words that are in them,
            how much the test's file or class is named like a changed file (see `Subjects`).
    Unit:   0 to 1; NaN if the change's files are unknown, or the test has no words or no subject.
    Source: `NamedTest`, `Change.files`.

    References:
        K. Sparck Jones, "A statistical interpretation of term specificity", 1972 (the weights).
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("path_similarity", "path_overlap", "subject_touched")
    group = "path_tokens"

    def __init__(self) -> None:
        self._tokens: dict[str, int] = {}
        self._weights: Values = np.zeros(0)
        self._whole: Values = np.zeros(0)
        self._token_of: Values = np.empty(0, dtype=np.uint16)
        self._lengths = np.empty(0, dtype=np.uint8)
        self._subjects = Subjects()

    def read(self, candidates: Candidates) -> Values:
        """Return similarity, overlap and likeness of names."""
        paths, tests = candidates.traits.paths, candidates.tests
        if not paths or not self._tokens:
            return np.full((len(tests), 3), NAN)
        words = {word for path in paths for word in tokens(path)}
        known = [number for word in words if (number := self._tokens.get(word)) is not None]
        changed = np.zeros(len(self._weights))
        changed[known] = self._weights[known]
        unknown = (len(words) - len(known)) * self._rarity(0)
        shared = of_tests(self._sum_by_test(changed), tests)
        whole = of_tests(self._whole, tests)
        length = np.sqrt(whole * (changed.sum() + unknown))
        with np.errstate(invalid="ignore", divide="ignore"):
            values: Values = np.column_stack((shared / length, shared / whole))
        values[whole == 0] = NAN
        return np.column_stack((values, of_tests(self._subjects.touched(paths), tests)))

    def grow(self, catalogue: Catalogue, count: int) -> None:
        """Learn the words of new tests."""
        self._subjects.grow(catalogue, count)
        if count <= len(self._lengths):
            return
        of_token: list[int] = []
        lengths: list[int] = []
        for number in range(len(self._lengths), count):
            words = tokens(f"{catalogue.file(number)} {catalogue.name(number)}")
            distinct = sorted(set(words[-MAX_TOKENS:]))
            of_token += [self._tokens.setdefault(word, len(self._tokens)) for word in distinct]
            lengths.append(len(distinct))
        more = np.array(of_token, dtype=np.int32)
        self._token_of = self._narrow(np.concatenate((self._token_of, more)))
        self._lengths = np.concatenate((self._lengths, np.array(lengths, dtype=np.uint8)))
        self._weigh()

    def freeze(self) -> Tree:
        """Return the words, and which test has which; subjects follow from the catalogue."""
        tests = self._test_of().astype(np.int32)
        return [list(self._tokens), self._token_of.astype(np.int32), tests, len(self._lengths)]

    def thaw(self, tree: Tree) -> None:
        """Take over words and pairs."""
        words, token_of, test_of, count = tree
        if (np.diff(test_of) < 0).any():
            raise ValueError("words are not in the order of tests")
        self._tokens = {word: number for number, word in enumerate(words)}
        self._token_of = self._narrow(token_of)
        self._lengths = np.bincount(test_of, minlength=count).astype(np.uint8)
        self._weigh()

    def _weigh(self) -> None:
        frequency = np.bincount(self._token_of, minlength=len(self._tokens))
        self._weights = self._rarity(frequency)
        self._whole = self._sum_by_test(self._weights)

    def _rarity(self, frequency: Values | int) -> Values:
        weight: Values = np.log((len(self._lengths) + 1) / (frequency + np.float64(0.5))) ** 2
        return weight

    def _sum_by_test(self, weights: Values) -> Values:
        of_pairs = weights[self._token_of]
        count = len(self._lengths)
        sums: Values = np.bincount(self._test_of(), weights=of_pairs, minlength=count)
        return sums

    def _test_of(self) -> NDArray[np.intp]:
        """Return the test of every pair; pairs are in the order of tests."""
        return np.repeat(np.arange(len(self._lengths)), self._lengths)

    def _narrow(self, token_of: Values) -> Values:
        """Return the words of every pair in the fewest bytes: most projects have few words."""
        return token_of.astype(np.min_scalar_type(max(len(self._tokens), 2**8)), copy=False)


class Subjects:
    """What tests are about, by the names of their files or classes."""

    def __init__(self) -> None:
        self._words: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._sizes: list[int] = []
        self._word_of = np.empty(0, dtype=np.int64)
        self._subject_of = np.empty(0, dtype=np.int64)
        self._of = np.empty(0, dtype=np.int32)

    def grow(self, catalogue: Catalogue, count: int) -> None:
        """Learn what new tests are about."""
        known = range(len(self._of), count)
        if not known:
            return
        pairs: list[tuple[int, int]] = []
        new = [self._number(_about(catalogue.name(n), catalogue.file(n)), pairs) for n in known]
        self._of = np.concatenate((self._of, np.array(new, dtype=np.int32)))
        more = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        word_of = np.concatenate((self._word_of, more[:, 0]))
        order = np.argsort(word_of, kind="stable")
        self._word_of = word_of[order]
        self._subject_of = np.concatenate((self._subject_of, more[:, 1]))[order]

    def touched(self, paths: Iterable[str]) -> NDArray[np.float32]:
        """Return for every test how much it is about a file of *paths*.

        Returns:
            float32 (tests,): 1 if a changed file has the same subject; if one subject has all
            words of the other, and more, the share of its words that they have in common; else 0.
            NaN if it is unknown what the test is about.
        """
        likeness = np.zeros(len(self._numbers) + 1, dtype=np.float32)
        likeness[_NONE] = NAN
        changed = sorted({words for path in paths if (words := subject(path))})
        numbers, values = self._contained(changed)
        np.maximum.at(likeness, numbers, values)
        same = [number for said in changed if (number := self._same(said)) is not None]
        likeness[same] = 1
        return likeness[self._of]

    def _contained(self, changed: Sequence[tuple[str, ...]]) -> tuple[Values, Values]:
        """Return subjects of tests that have all words of a changed one or the other way round."""
        sets = [set(words) for words in changed]
        known = [(i, self._words[w]) for i, one in enumerate(sets) for w in one if w in self._words]
        of_changed, words = np.array(known, dtype=np.int64).reshape(-1, 2).T
        first = np.searchsorted(self._word_of, words)
        many = np.searchsorted(self._word_of, words, side="right") - first
        within = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        subjects = self._subject_of[np.repeat(first, many) + within]
        every = max(1, len(self._sizes))
        both, common = np.unique(np.repeat(of_changed, many) * every + subjects, return_counts=True)
        sizes = np.array([len(one) for one in sets], dtype=np.int64)[both // every]
        own = np.array(self._sizes, dtype=np.int64)[both % every]
        inside = common == np.minimum(sizes, own)
        return (both % every)[inside], (common / np.maximum(sizes, own))[inside]

    def _same(self, words: tuple[str, ...]) -> int | None:
        return self._numbers.get("".join(words))

    def _number(self, words: tuple[str, ...], pairs: list[tuple[int, int]]) -> int:
        if not words:
            return _NONE
        if (number := self._same(words)) is not None:
            return number
        number = self._numbers["".join(words)] = len(self._numbers)
        distinct = sorted(set(words))
        self._sizes.append(len(distinct))
        pairs += [(self._words.setdefault(word, len(self._words)), number) for word in distinct]
        return number


def subject(path: str) -> tuple[str, ...]:
    """Return the words of a file's or class's name without those that only say "test".

    Example:
        >>> subject("src/shop/Cart.java"), subject("tests/test_cart.py"), subject("shop/CartIT")
        (('cart',), ('cart',), ('cart',))
        >>> subject("web/cart-totals.spec.ts"), subject("tests/test_base64.py"), subject("test.rs")
        (('cart', 'totals'), ('base', '64'), ())
    """
    stem = path.replace("\\", "/").rpartition("/")[2].lstrip(".").partition(".")[0]
    words = (word.lower()[:_LONGEST] for word in _WORD.findall(stem))
    return tuple(word for word in words if word not in _SAY_TEST)[:MAX_TOKENS]


def _about(name: str, file: str) -> tuple[str, ...]:
    """Return what a test is about: its file or class, or itself if it is a program of its own."""
    return subject(home_of(name, file) or ("" if " " in name else name.partition("::")[0]))


def tokens(text: str) -> list[str]:
    """Split *text* at everything but letters, between letters and digits, and at capitals.

    Example:
        >>> tokens("src/shop/CartTotals_v2.py"), tokens("HTTPServer"), tokens("тест-корзины")
        (['src', 'shop', 'cart', 'totals', 'py'], ['http', 'server'], ['тест', 'корзины'])
    """
    return list(_long_enough(_WORD.findall(text)))


def _long_enough(words: Iterable[str]) -> Iterable[str]:
    return (word.lower()[:_LONGEST] for word in words if len(word) > 1)
