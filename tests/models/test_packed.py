"""Packed trees say what the libraries say, bit by bit, or they are not used."""

import sys

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import load, save
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from devmind.errors import CorruptBundle
from models.boosters import Booster
from models.boosters import files as booster_files
from models.build_optimizer import BuildOptimizer
from models.bundle import read_bundle, write_bundle
from models.exactness import choose, equal, telling_rows
from models.flat_booster import flatten_booster
from models.forest import FlatForest, flatten
from models.intelligence import FOREST, OWN_FORESTS, TestIntelligence
from models.intelligence import files as forest_files
from models.packed import PackedBooster, PackedForest
from models.packed_boosters import PACKED, packed_file
from models.packed_forests import SAMPLES
from tests.models.examples import manifest

K = 4
NAMES = tuple("abcd")
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
NUMBERS = st.floats(width=32, allow_nan=True, allow_infinity=True)
seeds = st.integers(0, 10_000)


def made_up(seed, gaps, n=150):
    """Rows with ties, zeros of both signs and gaps."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, K)).astype(np.float32)
    rows[:, 1] = rng.integers(-1, 2, n)
    rows[:, 2] = np.where(rng.random(n) < 0.5, np.float32(-0.0), rows[:, 2])
    rows[rng.random(rows.shape) < gaps] = np.nan
    return rows, np.nan_to_num(rows[:, 0]) + rng.normal(size=n)


def boosted(seed=0, *, gaps=0.2, depth=3, levels=LEVELS, rounds=8):
    rows, target = made_up(seed, gaps)
    options = {
        "objective": "reg:quantileerror",
        "quantile_alpha": list(levels),
        "tree_method": "hist",
        "max_depth": depth,
        "min_child_weight": 1,
        "subsample": 0.8,
        "seed": seed,
        "nthread": 1,
    }
    model = xgboost.train(options, xgboost.QuantileDMatrix(rows, target), rounds)
    return bytes(model.save_raw("ubj"))


def forest_of(seed=0, *, gaps=0.2, depth=None, kind=RandomForestClassifier, trees=10):
    rows, target = made_up(seed, gaps)
    failed = target > 0.5
    failed[:2] = [True, False]
    return kind(trees, max_depth=depth, random_state=seed, max_features=2).fit(rows, failed)


@settings(max_examples=60, deadline=None)
@given(
    seed=seeds,
    knobs=st.fixed_dictionaries(
        {
            "gaps": st.sampled_from([0.0, 0.05, 0.5]),
            "depth": st.integers(1, 7),
            "levels": st.sampled_from([(0.5,), (0.1, 0.5, 0.9), LEVELS]),
            "rounds": st.sampled_from([1, 8, 40]),
        }
    ),
    more=arrays(np.float32, (40, K), elements=NUMBERS),
)
def test_packed_boosters_say_what_xgboost_says(seed, knobs, more):
    """
    Bit by bit: with values on thresholds and beside them, missing, infinite, tiny, of either zero.
    """
    library = Booster(boosted(seed, **knobs))
    flat = flatten_booster(library.as_json())
    rows = np.concatenate([telling_rows(flat, K), made_up(seed + 1, 0.2)[0], more])

    packed = PackedBooster(flat, features=K)

    assert equal(packed.predict(rows), library.predict(rows))
    assert equal(packed.predict(rows[:1]), library.predict(rows[:1]))


@settings(max_examples=60, deadline=None)
@given(
    seed=seeds,
    gaps=st.sampled_from([0.0, 0.05, 0.5]),
    knobs=st.fixed_dictionaries(
        {
            "depth": st.sampled_from([None, 1, 6]),
            "kind": st.sampled_from([RandomForestClassifier, ExtraTreesClassifier]),
            "trees": st.sampled_from([1, 3, 40]),
        }
    ),
    more=arrays(np.float32, (40, K), elements=st.floats(width=32, allow_infinity=False)),
)
def test_packed_forests_say_what_scikit_learn_says(seed, gaps, knobs, more):
    """
    Bit by bit, in machine code and in numpy: wherever a row lies, whatever it misses.
    """
    forest = forest_of(seed, gaps=gaps, **knobs)
    flat = flatten(forest)
    rows = np.concatenate([telling_rows(flat, K), made_up(seed + 1, gaps)[0], more])
    rows[np.isinf(rows)] = 0.0  # scikit-learn takes none
    if not gaps:
        rows = np.nan_to_num(rows)  # nor missing values if it has seen none

    expected = forest.predict_proba(rows)[:, 1]

    assert equal(PackedForest(flat, features=K).predict(rows), expected)
    assert equal(FlatForest(flat, features=K).predict(rows), expected)


@given(rows=arrays(np.float32, (70, K), elements=NUMBERS))
@settings(max_examples=30, deadline=None)
def test_infinite_and_missing_values_fall_as_in_numpy(rows):
    """
    The two ways to evaluate a forest agree on what scikit-learn would refuse.
    """
    flat = flatten(forest_of(3))

    assert equal(
        PackedForest(flat, features=K).predict(rows), FlatForest(flat, features=K).predict(rows)
    )


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 64, 500])
def test_a_row_alone_is_scored_as_among_others(count):
    """
    How many rows come together changes nothing.
    """
    library = Booster(boosted())
    packed = PackedBooster(flatten_booster(library.as_json()), features=K)
    rows = made_up(1, 0.2, n=500)[0]

    said = packed.predict(rows[:count])

    assert said.shape == (count, len(LEVELS))
    assert equal(said, packed.predict(rows)[:count])


@pytest.mark.parametrize("quantile", range(len(LEVELS)))
def test_one_quantile_alone_is_that_of_all(quantile):
    """
    What the trees of one quantile say alone is its column, bit by bit.
    """
    library = Booster(boosted())
    rows, _ = made_up(seed=5, gaps=0.3)
    packed = PackedBooster(flatten_booster(library.as_json()), features=K)

    alone = packed.only(quantile).predict(rows)

    np.testing.assert_array_equal(alone[:, 0], packed.predict(rows)[:, quantile])


@settings(deadline=None)
@given(seed=seeds, nodes=st.integers(2, 40), trees=st.integers(1, 5), count=st.integers(1, 70))
def test_odd_trees_are_walked_as_they_are_described(seed, nodes, trees, count):
    """
    Nodes with two parents or one child, roots anywhere, a depth that ends early: whatever is
    accepted is walked as numpy walks it, by blocks of rows and by the rest of them.
    """
    rng = np.random.default_rng(seed)
    arrays = {
        "feature": rng.integers(0, K, nodes).astype(np.int32),
        "threshold": rng.normal(size=nodes).astype(np.float32),
        "left": rng.integers(0, nodes, nodes).astype(np.int32),
        "right": rng.integers(0, nodes, nodes).astype(np.int32),
        "missing_left": rng.random(nodes) < 0.5,
        "value": rng.random(nodes),
        "roots": rng.integers(0, nodes, trees).astype(np.int32),
        "depth": rng.integers(0, min(nodes, 9), 1).astype(np.int32),
    }
    leaf = rng.random(nodes) < 0.4
    arrays["left"][leaf] = arrays["right"][leaf] = np.flatnonzero(leaf)
    rows, _ = made_up(seed, 0.2, n=count)

    said = PackedForest(arrays, features=K).predict(rows)

    np.testing.assert_allclose(said, FlatForest(arrays, features=K).predict(rows), rtol=1e-12)


@pytest.mark.parametrize("shape", [(3, K + 1), (3, K - 1), (K,)])
def test_rows_of_another_width_are_refused(shape):
    """
    No cell is read that a row does not have.
    """
    packed = PackedForest(flatten(forest_of()), features=K)

    with pytest.raises(ValueError, match="columns"):
        packed.predict(np.zeros(shape, dtype=np.float32))


DAMAGES = {
    "outside below": ("left", lambda a: a - 1_000_000),
    "outside above": ("right", lambda a: a + 1_000_000),
    "no such feature": ("feature", lambda a: a + K),
    "no such root": ("roots", lambda a: a - 1),
    "endless": ("depth", lambda a: a + 1_000_000),
    "other type": ("threshold", lambda a: a.astype(np.float64)),
    "other length": ("missing_left", lambda a: a[1:]),
    "two dimensions": ("value", lambda a: a[:, None]),
}
OF_BOOSTERS = {
    "no such group": ("group", lambda a: a + 5),
    "a tree without group": ("group", lambda a: a[1:]),
    "below all numbers": ("threshold", lambda a: np.full_like(a, -np.inf)),
}


@pytest.mark.parametrize(("name", "damage"), [*DAMAGES.values(), *OF_BOOSTERS.values()])
def test_damaged_boosters_are_refused(name, damage):
    """
    No index is followed outside, whatever is in the arrays.
    """
    flat = flatten_booster(Booster(boosted()).as_json())

    with pytest.raises(ValueError, match=r"\w"):
        PackedBooster(flat | {name: damage(flat[name])}, features=K)


@pytest.mark.parametrize(("name", "damage"), DAMAGES.values(), ids=DAMAGES)
def test_damaged_forests_are_refused(name, damage):
    """
    As above.
    """
    flat = flatten(forest_of())

    with pytest.raises(ValueError, match=r"\w"):
        PackedForest(flat | {name: damage(flat[name])}, features=K)


def optimizer(tmp_path, contents, **config):
    described = manifest(
        "build_optimizer", NAMES, config={"levels": [0.1, 0.3, 0.5, 0.7, 0.9], **config}
    )
    folder = write_bundle(tmp_path / "b", described, contents)
    return BuildOptimizer.load(read_bundle(folder), NAMES)


def intelligence(tmp_path, contents):
    folder = write_bundle(tmp_path / "b", manifest("test_intelligence", NAMES), contents)
    return TestIntelligence.load(read_bundle(folder), NAMES)


def raw(loaded, rows, project=""):
    return loaded.raw(rows, project).astype(np.float32)


@pytest.fixture(name="rows", scope="module")
def _rows():
    return made_up(5, 0.2)[0]


@pytest.mark.parametrize("with_file", [True, False])
def test_boosters_are_packed_in_new_bundles_and_in_older_ones(tmp_path, rows, with_file):
    """
    With the file or without, packed boosters answer, as XGBoost would, of all and of one project.
    """
    body, own = boosted(0), {"shop": boosted(1)}
    contents = booster_files(body, own) | (packed_file(body, own) if with_file else {})

    loaded = optimizer(tmp_path, contents, own=["shop"])

    assert not loaded.by_library
    assert equal(raw(loaded, rows), np.sort(Booster(body).predict(rows), axis=1))
    assert equal(raw(loaded, rows, "shop"), np.sort(Booster(own["shop"]).predict(rows), axis=1))


def test_boosters_that_do_not_say_what_was_said_are_not_packed(tmp_path, rows):
    """
    If the sample is answered otherwise, XGBoost answers, and the model says so.
    """
    body = boosted(0)
    tensors = load(packed_file(body)[PACKED])
    tensors["all.value"] = np.nextafter(tensors["all.value"], np.float32(9))

    loaded = optimizer(tmp_path, booster_files(body) | {PACKED: save(tensors)})

    assert loaded.by_library == {"": "packed trees do not say what the library said of a sample"}
    assert equal(raw(loaded, rows), np.sort(Booster(body).predict(rows), axis=1))


@pytest.mark.parametrize("missing", ["all.roots", "all.sample.rows"])
def test_a_file_that_lacks_an_array_is_a_corrupt_bundle(tmp_path, missing):
    """
    A damaged file is told apart from one that is not there.
    """
    body = boosted(0)
    tensors = load(packed_file(body)[PACKED])
    del tensors[missing]

    with pytest.raises(CorruptBundle, match=PACKED):
        optimizer(tmp_path, booster_files(body) | {PACKED: save(tensors)})


def test_without_machine_code_the_libraries_answer(tmp_path, rows, monkeypatch):
    """
    Where LLVM cannot be imported, both models load all the same and say what they do without.
    """
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    monkeypatch.delitem(sys.modules, "models.tree_kernel", raising=False)
    body, forest = boosted(0), forest_of()

    slow = optimizer(tmp_path / "1", booster_files(body) | packed_file(body))
    ranks = intelligence(tmp_path / "2", forest_files(forest.estimators_))

    assert "llvmlite" in slow.by_library[""]
    assert "llvmlite" in ranks.by_library[""]
    assert equal(raw(slow, rows), np.sort(Booster(body).predict(rows), axis=1))


@pytest.mark.parametrize("error", [OSError("no such library"), RuntimeError("no such processor")])
def test_a_machine_that_llvm_does_not_know_is_served_by_the_library(error):
    """
    Whatever keeps LLVM from making code, a model answers.
    """
    flat = flatten(forest_of())

    def packed():
        raise error

    chosen = choose(packed, lambda: None, lambda: FlatForest(flat, features=K))

    assert isinstance(chosen.predictor, FlatForest)
    assert str(error) in chosen.why_library


def test_what_cannot_be_packed_is_served_by_xgboost(tmp_path, rows):
    """
    A booster of another kind gets no file, and answers as before.
    """
    target = made_up(5, 0.2)[1]
    options = {
        "booster": "dart",
        "rate_drop": 0.5,
        "objective": "reg:quantileerror",
        "quantile_alpha": list(LEVELS),
        "nthread": 1,
    }
    model = xgboost.train(options, xgboost.DMatrix(rows, target), 5)
    body = bytes(model.save_raw("ubj"))

    loaded = optimizer(tmp_path, booster_files(body))

    assert packed_file(body) == {}
    assert "dart" in loaded.by_library[""]
    assert equal(raw(loaded, rows), np.sort(Booster(body).predict(rows), axis=1))


@pytest.mark.parametrize("with_file", [True, False])
def test_forests_are_packed_in_new_bundles_and_in_older_ones(tmp_path, rows, with_file):
    """
    With the sample or without, packed forests answer, of all and of one project.
    """
    contents = forest_files(forest_of(0).estimators_, {"shop": forest_of(1).estimators_})
    if not with_file:
        del contents[SAMPLES]

    loaded = intelligence(tmp_path, contents)

    assert {FOREST, OWN_FORESTS} < set(contents)
    assert not loaded.by_library
    for project, seed in {"": 0, "shop": 1}.items():
        forest = loaded._own.get(project, loaded._forest)
        assert isinstance(forest, PackedForest)
        assert equal(forest.predict(rows), forest_of(seed).predict_proba(rows)[:, 1])
