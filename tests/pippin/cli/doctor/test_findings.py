"""The doctor's findings show no password."""

from pathlib import Path

from pydantic import SecretStr

from pippin.cli.doctor.findings import fault, redacted, redacted_url, secrets_in
from pippin.settings import Settings


def test_secrets_are_collected_encoded_and_decoded(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path,
        redis_url=SecretStr("rediss://worker:p%40ss@host/0"),
        blobs_url="https://mac:t0ken@host",
        url="https://someone:else@host",
    )
    known = secrets_in(settings, {"AWS_SECRET_ACCESS_KEY": "aws", "AWS_ACCESS_KEY_ID": "public"})
    assert known == {"p%40ss", "p@ss", "t0ken", "else", "aws"}


def test_longer_secrets_are_redacted_first() -> None:
    finding = redacted({"pass", "passport"}, fault("x", "passport and pass", "no pass"))
    assert (finding.result, finding.advice) == ("*** and ***", "no ***")


def test_redacted_url_has_no_user_password_or_query() -> None:
    assert redacted_url("rediss://a:b@host:1/0?ssl_ca_certs=x") == "rediss://host:1/0"
    assert redacted_url("unix:///run/valkey.sock") == "unix:///run/valkey.sock"
