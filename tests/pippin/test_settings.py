from pathlib import Path
from urllib.parse import quote

import pytest

from pippin.settings import Settings, SettingsError


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.environ", {"HOME": str(tmp_path)})


def test_settings_have_defaults(tmp_path: Path) -> None:
    settings = Settings()
    assert settings.home == tmp_path / ".pippin"
    assert settings.blobs_url == (tmp_path / ".pippin" / "blobs").as_uri()
    assert settings.redis_url is None
    assert settings.url == "http://127.0.0.1:8000"
    assert (settings.lease_seconds, settings.lease_renew_seconds) == (20, 5)
    assert settings.longest_gap_seconds == 7.5


def test_variables_replace_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIPPIN_HOME", "~/elsewhere")
    monkeypatch.setenv("PIPPIN_REDIS_URL", "rediss://:secret@redis.example:6380/0")
    monkeypatch.setenv("PIPPIN_URL", "https://pippin.example/")
    monkeypatch.setenv("PIPPIN_PORT", "0")
    monkeypatch.setenv("PIPPIN_LOG_LEVEL", "debug")
    settings = Settings()
    assert settings.home == tmp_path / "elsewhere"
    assert settings.blobs_url == (tmp_path / "elsewhere" / "blobs").as_uri()
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == "rediss://:secret@redis.example:6380/0"
    assert settings.url == "https://pippin.example"
    assert settings.port == 0
    assert settings.log_level == "debug"


def test_arguments_override_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIPPIN_PORT", "1234")
    assert Settings(port=4321, home=tmp_path).port == 4321


def test_blobs_url_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_BLOBS_URL", "s3://bucket/prefix")
    assert Settings().blobs_url == "s3://bucket/prefix"


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
    with pytest.raises(SettingsError) as refused:
        Settings()
    assert str(refused.value).startswith(f"{variable} cannot be used: ")
    assert str(refused.value).count("cannot be used") == 1
    assert "\n" not in str(refused.value)


def test_every_fault_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_PORT", "http")
    monkeypatch.setenv("PIPPIN_LOG_LEVEL", "loud")
    with pytest.raises(SettingsError, match=r"PIPPIN_PORT cannot be used: .*; PIPPIN_LOG_LEVEL cannot be used: "):
        Settings()


def test_misspelt_variable_is_refused_with_a_suggestion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_ULR", "redis://:hunter2@host")
    with pytest.raises(SettingsError) as refused:
        Settings()
    assert str(refused.value) == "PIPPIN_REDIS_ULR is not a setting of Pippin; did you mean PIPPIN_REDIS_URL?"


def test_unknown_variable_is_refused_with_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_QQQQ", "1")
    with pytest.raises(SettingsError, match=r"PIPPIN_QQQQ is not a setting of Pippin; .*PIPPIN_HOME, PIPPIN_REDIS_URL"):
        Settings()


def test_lease_must_last_two_renewals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_LEASE_SECONDS", "8")
    with pytest.raises(SettingsError, match=r"PIPPIN_LEASE_RENEW_SECONDS is 5, .*PIPPIN_LEASE_SECONDS"):
        Settings()


def test_the_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", "redis://:hunter2@host")
    settings = Settings()
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "hunter2" not in text
    monkeypatch.setenv("PIPPIN_REDIS_URL", "redis:hunter2 is no address", prepend=None)
    monkeypatch.setenv("PIPPIN_PORT", "http")
    with pytest.raises(SettingsError) as refused:
        Settings()
    assert "hunter2" not in str(refused.value)


def test_every_setting_has_a_description() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


# No message holds any four characters of these.
_UNENCODED = (
    "qXzK@9vWj",
    "qXzK/9vWj",
    "qXzK#9vWj",
    "qXzK?9vWj",
    "qXzK%9vWj",
    "qXzK%",
    "qXzK:9vWj",
    "4711:9vWj",
    "qXzK 9vWj",
    "qXzK\t9vWj",
    "qXzKü9vWj",
    "qXzK℀9vWj",
    "qXzK[9vWj]x",
    "[qXzK]9vWj",
    'qXzK"9vWj\\',
    "4711/9vWj",
    "4711?9vWj=qXzK",
    "4711#9vWj",
    "4711@9vWj/qXzK",
    "@@//qXzK9vWj",
)
PIECES = frozenset(password[at : at + 4] for password in _UNENCODED for at in range(len(password) - 3))


@pytest.mark.parametrize("password", _UNENCODED)
@pytest.mark.parametrize(
    "form", ["redis://:{}@redis.example:6379/0", "rediss://me:{}@redis.example", "unix://:{}@/r.sock"]
)
@pytest.mark.parametrize("variable", ["PIPPIN_REDIS_URL", "PIPPIN_WORKER_REDIS_URL"])
def test_unencoded_password_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, form: str, password: str
) -> None:
    monkeypatch.setenv(variable, form.format(password))
    with pytest.raises(SettingsError, match=f"{variable} cannot be used: .*percent-encode") as refused:
        Settings()
    assert not [piece for piece in PIECES if piece in str(refused.value)]


@pytest.mark.parametrize("password", _UNENCODED)
def test_percent_encoded_password_is_accepted(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    url = f"redis://:{quote(password, safe='')}@redis.example:6379/0"
    monkeypatch.setenv("PIPPIN_REDIS_URL", url)
    redis_url = Settings().redis_url
    assert redis_url is not None
    assert redis_url.get_secret_value() == url


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
    ],
)
def test_redis_addresses_of_every_usual_form_are_accepted(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", url)
    redis_url = Settings().redis_url
    assert redis_url is not None
    assert redis_url.get_secret_value() == url


@pytest.mark.parametrize("variable", ["PIPPIN_URL", "PIPPIN_BLOBS_URL", "PIPPIN_CORS_ORIGINS"])
@pytest.mark.parametrize(
    "url",
    ["http://me:[qXzK]9vWj@host", "http://me:qXzK℀9vWj@host", "http://me:qXzK/9vWj@host", "http://me:4711/9vWj@host"],
)
def test_unparsable_address_is_not_shown(monkeypatch: pytest.MonkeyPatch, variable: str, url: str) -> None:
    monkeypatch.setenv(variable, url)
    with pytest.raises(SettingsError) as refused:
        Settings()
    assert not [piece for piece in PIECES if piece in str(refused.value)]
