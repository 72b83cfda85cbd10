"""What the environment says. Read once in an entry point and handed on; never on import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from devmind.logs import Level

Environment = Literal["development", "production"]
XGBoostBackend = Literal["xgboost_ray", "ray_train"]
_CONFIG = SettingsConfigDict(env_prefix="DEVMIND_", extra="ignore", populate_by_name=True)


class ClientSettings(BaseSettings):
    """What the command line needs to reach a service."""

    model_config = _CONFIG

    url: str = "http://127.0.0.1:8000"
    """Address of the service (`DEVMIND_URL`)."""
    api_key: SecretStr | None = None
    """Key of this client (`DEVMIND_API_KEY`)."""
    api_key_file: Path | None = None
    """File that holds the key (`DEVMIND_API_KEY_FILE`)."""
    timeout_s: Annotated[float, Field(gt=0)] = 30.0
    """Longest silence of the service; a call takes twice as long at most (`DEVMIND_TIMEOUT_S`)."""
    access_client_id: str | None = None
    """Service token for a service behind Cloudflare Access (`DEVMIND_ACCESS_CLIENT_ID`)."""
    access_client_secret: SecretStr | None = None
    """The other half of it (`DEVMIND_ACCESS_CLIENT_SECRET`)."""

    def key(self) -> str | None:
        """Return the API key: from the environment, from its file, or `None`."""
        if self.api_key is not None:
            return self.api_key.get_secret_value()
        return self.api_key_file.read_text().strip() if self.api_key_file else None

    def access(self) -> dict[str, str]:
        """Return the headers that Cloudflare Access wants from a program; none without a token.

        Raises:
            ValueError: If only one half of the token is set.
        """
        if not self.access_client_id and not self.access_client_secret:
            return {}
        if not self.access_client_id or not self.access_client_secret:
            reason = "DEVMIND_ACCESS_CLIENT_ID and DEVMIND_ACCESS_CLIENT_SECRET go together"
            raise ValueError(reason)
        return {
            "CF-Access-Client-Id": self.access_client_id,
            "CF-Access-Client-Secret": self.access_client_secret.get_secret_value(),
        }


class ServerSettings(BaseSettings):
    """What the service and its training jobs need."""

    model_config = _CONFIG

    home: Path = Path("var")
    """Folder of everything that has no address of its own (`DEVMIND_HOME`)."""
    environment: Annotated[Environment, Field(validation_alias="ENVIRONMENT")] = "development"
    database_url: Annotated[SecretStr | None, Field(validation_alias="DATABASE_URL")] = None
    mlflow_tracking_uri: Annotated[
        SecretStr | None, Field(validation_alias="MLFLOW_TRACKING_URI")
    ] = None
    min_training_samples: Annotated[int, Field(ge=10, validation_alias="MIN_TRAINING_SAMPLES")] = (
        100
    )
    host: str = "127.0.0.1"
    """Address the service listens on (`DEVMIND_HOST`)."""
    api_keys: SecretStr | None = None
    """Hashed keys, one `name:scope+scope:sha256` a line (`DEVMIND_API_KEYS`)."""
    api_keys_file: Path | None = None
    """File of such lines (`DEVMIND_API_KEYS_FILE`)."""
    max_body_bytes: Annotated[int, Field(gt=0)] = 64 * 2**20
    """Largest request body, after unpacking (`DEVMIND_MAX_BODY_BYTES`)."""
    training_workers: Annotated[int, Field(ge=1)] = 2
    """Ray workers that share a fit (`DEVMIND_TRAINING_WORKERS`)."""
    training_cpus_each: Annotated[float, Field(gt=0)] = 0.5
    """CPUs that each of them claims (`DEVMIND_TRAINING_CPUS_EACH`)."""
    xgboost_backend: XGBoostBackend = "xgboost_ray"
    """What runs distributed XGBoost (`DEVMIND_XGBOOST_BACKEND`)."""
    access_team_domain: str | None = None
    """Cloudflare Access team, `team.cloudflareaccess.com` (`DEVMIND_ACCESS_TEAM_DOMAIN`)."""
    access_audience: str | None = None
    """Audience tags of its applications, by commas (`DEVMIND_ACCESS_AUDIENCE`)."""
    state_max_age_s: Annotated[float, Field(ge=0)] = 1.0
    """How long a replica answers without looking for newer events (`DEVMIND_STATE_MAX_AGE_S`)."""
    states_mib: Annotated[int, Field(ge=16)] = 1024
    """Memory for projects' states in a model replica, in MiB (`DEVMIND_STATES_MIB`)."""
    log_level: Level = "info"
    """Lines below it are not logged (`DEVMIND_LOG_LEVEL`); each answer is one line of `info`."""
    trace_ratio: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the requests that begin a trace, where any are sent (`DEVMIND_TRACE_RATIO`)."""
    answers_logged_per_s: Annotated[int, Field(ge=0)] = 20
    """Of more answers a second a process logs so many (`DEVMIND_ANSWERS_LOGGED_PER_S`)."""
    examples: Path | None = None
    """Folder of kept examples, reached by every training worker (`DEVMIND_EXAMPLES`)."""
    replay_memory_mb: Annotated[int, Field(ge=256)] = 1024
    """Memory that a replay worker may use, in MiB (`DEVMIND_REPLAY_MEMORY_MB`)."""
    register_patience_s: Annotated[float, Field(ge=0)] = 600.0
    """How long a trained job waits for MLflow to answer (`DEVMIND_REGISTER_PATIENCE_S`)."""
    retrain_every_h: Annotated[float, Field(ge=0)] = 0.0
    """Hours between retrainings that the service starts itself (`DEVMIND_RETRAIN_EVERY_H`)."""
    auto_retrain: Annotated[bool, Field(validation_alias="AUTO_RETRAIN")] = False
    """Whether a model that has become worse is trained again by itself (`AUTO_RETRAIN`)."""
    retrain_threshold: Annotated[float, Field(gt=1, validation_alias="RETRAIN_THRESHOLD")] = 1.25
    """Rolling error over promised error beyond which that happens (`RETRAIN_THRESHOLD`)."""
    watch_window: Annotated[int, Field(ge=30, le=2_000)] = 200
    """Newest finished builds of a project that figures are measured on (`DEVMIND_WATCH_WINDOW`)."""

    @property
    def examples_folder(self) -> Path:
        """Return the folder of kept examples; one in `home` by default."""
        return (self.examples or self.home / "examples").resolve()

    @property
    def database(self) -> str:
        """Return the history's database URL; an SQLite file in `home` by default."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home.resolve() / 'history.db'}"

    @property
    def tracking_uri(self) -> str:
        """Return MLflow's tracking URI; an SQLite file in `home` by default."""
        if self.mlflow_tracking_uri is not None:
            return self.mlflow_tracking_uri.get_secret_value()
        return f"sqlite:///{self.home.resolve() / 'mlflow.db'}"

    @property
    def artifacts(self) -> Path:
        """Return the folder of model artifacts when MLflow has no server of its own."""
        return self.home.resolve() / "artifacts"
