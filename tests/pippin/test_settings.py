import re
from itertools import product
from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from pippin.settings import Settings, SettingsError


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.environ", {"HOME": str(tmp_path)})


def refusal() -> str:
    """The message with which the settings are refused."""
    with pytest.raises(SettingsError) as refused:
        Settings()
    return str(refused.value)


def test_settings_have_defaults(tmp_path: Path) -> None:
    settings = Settings()
    assert settings.home == tmp_path / ".pippin"
    assert settings.blobs_url == (tmp_path / ".pippin" / "blobs").as_uri()
    assert settings.redis_url is None
    assert settings.url == "http://127.0.0.1:8000"
    assert (settings.lease_seconds, settings.lease_renew_seconds) == (20, 5)
    assert settings.longest_gap_seconds == 7.5


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("PIPPIN_REDIS_URL", "rediss://:secret@host:6380/0", "redis_url", SecretStr("rediss://:secret@host:6380/0")),
        ("PIPPIN_BLOBS_URL", "s3://bucket/prefix", "blobs_url", "s3://bucket/prefix"),
        ("PIPPIN_URL", "https://pippin.example/", "url", "https://pippin.example"),
        ("PIPPIN_PORT", "0", "port", 0),
        ("PIPPIN_LOG_LEVEL", "debug", "log_level", "debug"),
    ],
)
def test_variable_replaces_the_default(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, field: str, expected: object
) -> None:
    monkeypatch.setenv(variable, value)
    assert getattr(Settings(), field) == expected


def test_blobs_are_in_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIPPIN_HOME", "~/elsewhere")
    settings = Settings()
    assert settings.home == tmp_path / "elsewhere"
    assert settings.blobs_url == (tmp_path / "elsewhere" / "blobs").as_uri()


def test_arguments_override_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_PORT", "1234")
    assert Settings(port=4321).port == 4321


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PIPPIN_PORT", "http"),
        ("PIPPIN_PORT", "65536"),
        ("PIPPIN_REDIS_URL", "hunter2@redis.example"),
        ("PIPPIN_BLOBS_URL", "just/a/path"),
        ("PIPPIN_URL", "localhost:8000"),
        ("PIPPIN_URL", "ftp://host"),
        ("PIPPIN_LOG_LEVEL", "loud"),
        ("PIPPIN_MAX_DATASET_BYTES", "-1"),
        ("PIPPIN_LEASE_SECONDS", "nan"),
        ("PIPPIN_HOST", ""),
    ],
)
def test_invalid_value_gives_one_sentence_with_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    message = refusal()
    assert message.startswith(f"{variable} cannot be used: ")
    assert message.count("cannot be used") == 1
    assert "\n" not in message


def test_every_fault_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_PORT", "http")
    monkeypatch.setenv("PIPPIN_LOG_LEVEL", "loud")
    with pytest.raises(SettingsError, match=r"PIPPIN_PORT cannot be used: .*; PIPPIN_LOG_LEVEL cannot be used: "):
        Settings()


def test_misspelt_variable_is_refused_with_a_suggestion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_ULR", "redis://:hunter2@host")
    assert refusal() == "PIPPIN_REDIS_ULR is not a setting of Pippin; did you mean PIPPIN_REDIS_URL?"


def test_unknown_variable_is_refused_with_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_QQQQ", "1")
    with pytest.raises(SettingsError, match=r"PIPPIN_QQQQ is not a setting of Pippin; .*PIPPIN_HOME, PIPPIN_REDIS_URL"):
        Settings()


def test_lease_must_last_two_renewals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_LEASE_SECONDS", "8")
    with pytest.raises(SettingsError, match=r"PIPPIN_LEASE_RENEW_SECONDS is 5, .*PIPPIN_LEASE_SECONDS"):
        Settings()


def test_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", "redis://:hunter2@host")
    settings = Settings()
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "hunter2" not in text
    monkeypatch.setenv("PIPPIN_REDIS_URL", "redis:hunter2 is no address")
    monkeypatch.setenv("PIPPIN_PORT", "http")
    assert "hunter2" not in refusal()


def test_every_setting_has_a_description() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


# No message holds any four characters of these.
_UNENCODED = (
    *("qXzK@9vWj", "qXzK/9vWj", "qXzK#9vWj", "qXzK?9vWj", "qXzK%9vWj", "qXzK%", "qXzK:9vWj", "4711:9vWj"),
    *("qXzK 9vWj", "qXzK\t9vWj", "qXzKü9vWj", "qXzK℀9vWj", "qXzK[9vWj]x", "[qXzK]9vWj", 'qXzK"9vWj\\'),
    *("4711/9vWj", "4711?9vWj=qXzK", "4711#9vWj", "4711@9vWj/qXzK", "@@//qXzK9vWj"),
)
PIECES = frozenset(password[at : at + 4] for password in _UNENCODED for at in range(len(password) - 3))


@pytest.mark.parametrize("password", _UNENCODED)
def test_unencoded_password_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    for variable, form in product(
        ("PIPPIN_REDIS_URL", "PIPPIN_WORKER_REDIS_URL"),
        ("redis://:{}@redis.example:6379/0", "rediss://me:{}@redis.example", "unix://:{}@/r.sock"),
    ):
        monkeypatch.setenv(variable, form.format(password))
        message = refusal()
        monkeypatch.delenv(variable)
        assert re.search(f"{variable} cannot be used: .*percent-encode", message), form
        assert not [piece for piece in PIECES if piece in message], form


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://:secret@valkey:6379/0",
        "redis://worker:5e-c_r.e~t!@valkey_1.internal:6379/15",
        "rediss://:secret@[::1]:6380/0?ssl_ca_certs=/etc/ca.pem",
        "redis://10.0.0.5:6379/",
        "unix:///run/valkey.sock?db=1",
        "unix://:secret@/run/valkey.sock",
        *(f"redis://:{quote(password, safe='')}@redis.example:6379/0" for password in _UNENCODED),
    ],
)
def test_redis_address_of_every_usual_form_is_accepted(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", url)
    assert Settings().redis_url == SecretStr(url)


@pytest.mark.parametrize("variable", ["PIPPIN_URL", "PIPPIN_BLOBS_URL", "PIPPIN_CORS_ORIGINS"])
@pytest.mark.parametrize("password", ["[qXzK]9vWj", "qXzK℀9vWj", "qXzK/9vWj", "4711/9vWj"])
def test_unparsable_address_is_not_shown(monkeypatch: pytest.MonkeyPatch, variable: str, password: str) -> None:
    monkeypatch.setenv(variable, f"http://me:{password}@host")
    message = refusal()
    assert not [piece for piece in PIECES if piece in message]
