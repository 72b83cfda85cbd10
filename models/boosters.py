"""XGBoost models as files of a bundle."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from devmind.errors import CorruptBundle

BOOSTER = "booster.ubj"
OWN = "own.safetensors"


class Booster:
    """A fitted booster that predicts in this process.

    Args:
        body: `booster.save_raw("ubj")`.

    Raises:
        xgboost.core.XGBoostError: If *body* is something else.
    """

    def __init__(self, body: bytes) -> None:
        import xgboost  # noqa: PLC0415 - heavy; only a replica that serves this model pays

        self._booster = xgboost.Booster({"nthread": 1})
        self._booster.load_model(bytearray(body))

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.floating]:
        """Return the quantiles (n, q) of *rows* (n, k)."""
        found = np.asarray(self._booster.inplace_predict(rows, validate_features=False))
        return found.reshape(len(rows), -1)

    @property
    def features(self) -> int:
        """How many numbers it takes."""
        return int(self._booster.num_features())

    def as_json(self) -> bytes:
        """Return the booster as XGBoost's JSON."""
        return bytes(self._booster.save_raw("json"))


def read_booster(
    body: bytes, bundle: str, shape: tuple[int, int], *, file: str = BOOSTER
) -> Booster:
    """Return the booster in *body*, tried out.

    Args:
        body: `booster.save_raw("ubj")` of a model with the objective `reg:quantileerror`.
        bundle: Its bundle, for messages.
        shape: How many numbers it must take, and how many give.
        file: Its file, for messages.

    Raises:
        CorruptBundle: If it is not such a booster.
    """
    import xgboost  # noqa: PLC0415 - as above

    takes, gives = shape
    try:
        found = Booster(body)
        got = found.predict(np.zeros((1, takes), dtype=np.float32)).shape
    except (xgboost.core.XGBoostError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise CorruptBundle(bundle, f"{file} does not hold a booster ({reason})") from error
    if got != (1, gives):
        raise CorruptBundle(bundle, f"{file} predicts {got[1:]} numbers a build, not {gives}")
    return found


def own_bodies(body: bytes, count: int, bundle: str) -> list[bytes]:
    """Return the boosters of *count* projects, each as `save_raw` wrote it, from the file `OWN`.

    Raises:
        CorruptBundle: If one is missing, or the file damaged.
    """
    try:
        tensors = load_tensors(body)
        return [tensors[f"{place:04d}"].tobytes() for place in range(count)]
    except (SafetensorError, KeyError, ValueError) as error:
        raise CorruptBundle(bundle, f"{OWN} does not hold boosters ({error})") from error


def files(booster: bytes, own: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """Return the files of a bundle for boosters.

    Args:
        booster: Of all projects: `save_raw("ubj")` of an XGBoost model with the objective
            `reg:quantileerror` at the manifest's levels, cut to its best iteration.
        own: Project -> its own; the manifest's configuration lists them as `own`, in this order.
    """
    found = {BOOSTER: bytes(booster)}
    if own:
        tensors = {f"{i:04d}": np.frombuffer(b, np.uint8) for i, b in enumerate(own.values())}
        found[OWN] = save_tensors(tensors)
    return found
