"""Settings come from the environment, and the demo's secret does not leave the demo."""

import pytest

from orderloom.plumbing.settings import SecretMissing, Settings


def test_the_environment_decides(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/orders")
    monkeypatch.setenv("ORDERLOOM_API_PORT", "9000")
    settings = Settings()
    assert (settings.database_url, settings.api_port) == ("postgresql://db/orders", 9000)


@pytest.mark.parametrize("secret", [None, "short"])
def test_a_secret_that_is_none_is_refused(monkeypatch, tmp_path, secret):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ORDERLOOM_SECRET_KEY", raising=False)
    with pytest.raises(SecretMissing, match="32 characters"):
        (Settings(secret_key=secret) if secret else Settings()).require_secret()


def test_a_secret_of_ones_own_is_accepted():
    Settings(secret_key="a" * 32).require_secret()


def test_secrets_are_not_printed():
    assert "a" * 32 not in repr(Settings(secret_key="a" * 32))
