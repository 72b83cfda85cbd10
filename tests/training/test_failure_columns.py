import numpy as np

from training.failure_columns import choose_columns


def labelled(n=600, noise=20, seed=0):
    """Rows of noise, but for columns 3 and 7, which tell whether a build fails."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, noise)).astype(np.float32)
    failed = rng.random(n) < 1 / (1 + np.exp(1 - 2 * rows[:, 3] - 2 * rows[:, 7]))
    return rows, failed, np.ones(n)


def test_telling_columns_are_chosen():
    """
    Of twenty columns the two that tell the outcome come first, whatever is around them.
    """
    assert choose_columns(*labelled(), most=2, seed=0).tolist() == [3, 7]


def test_columns_are_ascending_and_repeat():
    """
    Equal rows and seeds give equal columns, in the order in which a row has them.
    """
    one, two = (choose_columns(*labelled(), most=8, seed=5) for _ in range(2))

    assert len(one) == 8
    assert (np.diff(one) > 0).all()
    np.testing.assert_array_equal(one, two)


def test_without_anything_to_gain_all_columns_stay():
    """
    Constant rows leave nothing to choose by, and the network is given them all.
    """
    rows = np.zeros((50, 4), dtype=np.float32)

    assert choose_columns(rows, np.arange(50) % 2 == 0, np.ones(50), most=2, seed=0).tolist() == [
        *range(4)
    ]
