"""What was said on its way into the database, and what the metrics name."""

from dataclasses import replace

from deployments.metrics import FIGURES, PROJECTS, Metrics
from deployments.remembering import Remembering
from devmind.errors import HistoryUnavailable
from history.predicted import Prediction
from models.names import BUILD_OPTIMIZER
from tests.deployments.company import PROJECT
from tests.deployments.fakes import NOW, Instruments


class Away:
    """A store that does not answer until told to."""

    def __init__(self):
        self.away, self.kept = True, []

    def remember(self, made):
        if self.away:
            raise HistoryUnavailable("gone")
        self.kept += made


def test_what_cannot_be_written_is_tried_again_and_counted():
    """
    While the database is away predictions are held, the oldest are dropped and counted when there
    is no room, and the rest is written later; what is asked again is not held again.
    """
    instruments, store = Instruments(), Away()
    memory = Remembering(store, metrics=Metrics(instruments), room=3)
    made = [replace(row, made_by="service") for row in some_predictions(5)]
    for one in made:
        memory.keep(one)
        memory.write()
    store.away = False
    memory.write()
    memory.keep(replace(made[4], body=b"again"))
    memory.keep(replace(made[0], body=b"x" * 2**20))

    dropped = {"model": BUILD_OPTIMIZER}
    assert [one.as_of for one in store.kept] == [2, 3, 4]
    forgotten = "devmind_predictions_forgotten_total"
    assert instruments.get(forgotten, kind="no_room", **dropped) == 2
    assert instruments.get(forgotten, kind="too_large", **dropped) == 1
    assert len(memory) == 0


def some_predictions(count):
    return [
        Prediction(
            model=BUILD_OPTIMIZER,
            version="1",
            role="champion",
            made_by="watcher",
            made_at=NOW,
            as_of=n,
            project=PROJECT,
            commit=f"c{n}",
            body=b"{}",
        )
        for n in range(count)
    ]


def test_projects_in_labels_are_bounded():
    """
    The metrics name two hundred projects; what happens in others is counted together.
    """
    instruments = Instruments()
    metrics = Metrics(instruments)
    (row,) = some_predictions(1)
    came = b'{"failed":false,"duration_s":1.0}'
    for n in range(PROJECTS + 7):
        metrics.watched(replace(row, project=f"p{n}", outcome=came))
        metrics.figures(BUILD_OPTIMIZER, f"p{n}", {"error": 1.0})

    other = {"model": BUILD_OPTIMIZER, "project": "other"}
    assert instruments.get("devmind_watched_builds_total", **other) == 7
    gauges = [key for key in instruments.values if key[0] == FIGURES["error"][0]]
    assert len(gauges) == PROJECTS
