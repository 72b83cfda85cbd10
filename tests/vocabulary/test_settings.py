"""What the environment says reaches the settings; secrets stay secret."""

import pytest

from devmind.settings import ClientSettings, ServerSettings


def test_operators_names_are_understood(monkeypatch):
    """
    DATABASE_URL, MLFLOW_TRACKING_URI and MIN_TRAINING_SAMPLES are read as they are known.
    """
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://u:s3cret@db/ci")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    monkeypatch.setenv("MIN_TRAINING_SAMPLES", "250")

    settings = ServerSettings()

    assert settings.database == "postgresql+psycopg://u:s3cret@db/ci"
    assert settings.tracking_uri == "http://mlflow:5000"
    assert settings.min_training_samples == 250
    assert "s3cret" not in repr(settings)


def test_a_laptop_needs_no_servers(monkeypatch, tmp_path):
    """
    Without addresses, history and registry are SQLite files in the home folder.
    """
    for name in ("DATABASE_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DEVMIND_HOME", str(tmp_path))

    settings = ServerSettings()

    assert f"sqlite:///{tmp_path}/history.db" == settings.database
    assert f"sqlite:///{tmp_path}/mlflow.db" == settings.tracking_uri


@pytest.mark.parametrize("where", ["environment", "file"])
def test_a_key_comes_from_the_environment_or_a_file(monkeypatch, tmp_path, where):
    """
    The client's key is found where secrets are kept, without the file's newline.
    """
    if where == "environment":
        monkeypatch.setenv("DEVMIND_API_KEY", "abc")
    else:
        (tmp_path / "key").write_text("abc\n")
        monkeypatch.setenv("DEVMIND_API_KEY_FILE", str(tmp_path / "key"))

    settings = ClientSettings()

    assert settings.key() == "abc"
    assert "abc" not in repr(settings)
