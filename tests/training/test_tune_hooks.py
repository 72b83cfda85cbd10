"""What a search's hooks make of Tune's trials."""

from ray.tune.experiment import Trial as TuneTrial

from models.names import TEST_INTELLIGENCE
from tests.training.searches import setting
from training.config import Workers, default_config
from training.search_plan import Plan
from training.search_spaces import space_of
from training.tune_hooks import LOSSES, SEARCHES, Search, Telling


def plan(folder):
    return Plan(
        model=TEST_INTELLIGENCE,
        base=default_config(TEST_INTELLIGENCE, seed=0),
        space=space_of(TEST_INTELLIGENCE, projects=1),
        trials=12,
        seconds=60.0,
        workers=Workers(count=1, cpus_each=0.5),
        concurrent=1,
        setting=setting(folder),
        examples=folder / "examples.parquet",
        storage=folder,
    )


def tried(number, *, status=TuneTrial.TERMINATED):
    tag = f"{number}_max_depth={number}"
    one = TuneTrial("trial", stub=True, config={"max_depth": number}, experiment_tag=tag)
    one.status = status
    one.run_metadata.last_result = {LOSSES: [0.5], "time_total_s": 1.0}
    return one


def test_trials_keep_their_numbers_in_whatever_order_tune_lists_them(tmp_path, monkeypatch):
    """
    After a crash Tune lists the latest trial first; numbers stay those of the order of proposal.
    """
    heard = []
    search = Search(
        plan=plan(tmp_path), on_trials=heard.append, over=lambda: False, folds=1, before_s=0.0
    )
    monkeypatch.setitem(SEARCHES, "night", search)
    listed = [tried(11), tried(10), tried(2, status=TuneTrial.PENDING), tried(1), tried(3)]

    Telling("night").on_trial_result(trials=listed)

    [trials] = heard
    assert [trial.number for trial in trials] == [1, 3, 10, 11]
    assert all(trial.values == {"max_depth": trial.number} for trial in trials)
