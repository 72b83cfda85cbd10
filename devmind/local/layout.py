"""Where a service on this machine keeps what: one folder, `DEVMIND_HOME`, for everything."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import devmind
from devmind.errors import UnreadableSource

LONGEST_RAY_FOLDER = 40
"""Ray adds about 60 characters for its sockets, and a socket's path may have 107."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The files and folders of a service.

    Attributes:
        root: The checkout.
        home: Folder of the state; absolute.
    """

    root: Path
    home: Path

    @property
    def logs(self) -> Path:
        """Folder of what the processes write."""
        return self.home / "logs"

    @property
    def run(self) -> Path:
        """Folder of process records and secrets of the running service."""
        return self.home / "run"

    @property
    def simulated(self) -> Path:
        """Folder of the simulated company's files."""
        return self.home / "simulated"

    @property
    def artifacts(self) -> Path:
        """Folder of the models' files."""
        return self.home / "artifacts"

    @property
    def token(self) -> Path:
        """File with the secret that Ray's dashboard and jobs ask for."""
        return self.run / "ray_token"

    @property
    def memory_of_steps(self) -> Path:
        """File in which `up` remembers what it has loaded and trained."""
        return self.home / "up.json"

    @property
    def tracking_uri(self) -> str:
        """MLflow's database: the same file that the service reads."""
        return f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def ray(self) -> Path:
        """Ray's folder: in `home` if that is short enough for sockets, else a temporary one."""
        near = self.home / "ray"
        if len(str(near)) <= LONGEST_RAY_FOLDER:
            return near
        digest = blake2b(str(self.home).encode(), digest_size=4).hexdigest()
        return Path(tempfile.gettempdir()) / f"devmind-{os.getuid()}-{digest}"

    def make(self) -> None:
        """Create the folders; only this user may look into them."""
        for folder in (self.home, self.logs, self.run, self.artifacts, self.ray):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def layout(env: Mapping[str, str], *, package: Path | None = None) -> Layout:
    """Find the checkout and the folder of its state.

    Args:
        env: `DEVMIND_HOME` names the folder; `var` in the checkout by default.
        package: The folder of the package `devmind`, by default this one.

    Raises:
        UnreadableSource: If DevMind is not installed from a checkout with the service in it.
    """
    root = (package or Path(devmind.__file__).parent).resolve().parent
    if not (root / "serve_config.yaml").is_file():
        reason = "there is no service here, only the client"
        advice = "Run it in a checkout of DevMind Pipeline: `make up`."
        raise UnreadableSource(str(root), reason, advice)
    return Layout(root=root, home=home(env, root=root))


def home(env: Mapping[str, str], *, root: Path) -> Path:
    """Return the absolute path of `DEVMIND_HOME`; a relative one is meant from here."""
    named = env.get("DEVMIND_HOME")
    return Path(named).expanduser().resolve() if named else root / "var"
