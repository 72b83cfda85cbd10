"""Our application with the trees in their libraries' own predictors: what it would cost plainly.

XGBoost predicts durations and scikit-learn's forest ranks tests. The failure network stays in
numpy, which is the cheaper way. Everything else is as shipped.
"""

# No postponed annotations: Serve reads those of `build_app`.

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from ray import serve
from safetensors.numpy import load as load_tensors

from benchmarks.serving.peers.forest import sklearn_forest
from deployments import app
from deployments.app import AppArgs
from deployments.equipment import Equipment
from devmind.settings import ServerSettings
from models.boosters import BOOSTER, OWN, Booster
from models.bundle import Bundle
from models.forest import from_bytes
from models.intelligence import FOREST, OWN_FORESTS
from models.names import BUILD_OPTIMIZER, TEST_INTELLIGENCE


class LibraryForest:
    """A forest that scikit-learn evaluates.

    Args:
        body: The forest's file in a bundle.
        features: How many columns a row has.
    """

    def __init__(self, body: bytes, features: int) -> None:
        self._forest = sklearn_forest(from_bytes(body), features=features)

    def predict(self, rows: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the share of the failing class for *rows* (n, k): (n,)."""
        if not len(rows):
            return np.empty(0)
        return np.asarray(self._forest.predict_proba(np.asarray(rows, dtype=np.float32))[:, 1])


class LibraryEquipment(Equipment):
    """Equipment whose trees are the libraries'."""

    def _bench(
        self,
        slot: tuple[str, Any, Callable[[Bundle], Any]],
        kind: type[Any],
        usual: Callable[..., str],
        eyes: Any,
    ) -> Any:
        name, versions, load = slot
        plain = (name, versions, lambda bundle: with_library(name, load(bundle), bundle))
        return super()._bench(plain, kind, usual, eyes)


def with_library(name: str, model: Any, bundle: Bundle) -> Any:
    """Return *model* with the trees of *bundle* in their library's predictor."""
    if name == BUILD_OPTIMIZER:
        model._regressor = Booster(bundle.file(BOOSTER))  # noqa: SLF001 - what it is made of
        own = load_tensors(bundle.file(OWN)) if model._own else {}  # noqa: SLF001 - as above
        model._own = {  # noqa: SLF001 - as above
            project: Booster(own[f"{place:04d}"].tobytes())
            for place, project in enumerate(bundle.manifest.config.get("own", ()))
        }
    if name == TEST_INTELLIGENCE:
        width = len(bundle.manifest.features)
        files = msgspec.json.decode(bundle.files.get(OWN_FORESTS, b"{}"), type=dict[str, str])
        model._forest = LibraryForest(bundle.file(FOREST), width)  # noqa: SLF001 - as above
        model._own = {  # noqa: SLF001 - as above
            project: LibraryForest(bundle.file(file), width) for project, file in files.items()
        }
    return model


def build_app(args: AppArgs) -> serve.Application:
    """Entry point of the configuration."""
    equipment = LibraryEquipment(
        settings=ServerSettings,
        instruments=app._instruments,  # noqa: SLF001 - the same as shipped
        runner=app.RayJobs,
        listens_on=app.proxy_host,
        projects=args.projects_per_replica,
        coalesce=args.coalesce,
    )
    return app.assemble(equipment)
