from pathlib import Path

import pytest

from pippin.api.tokens import issue
from pippin.client import AsyncClient, Client
from pippin.errors import PippinError
from pippin.http.token_file import TokenFileError

TOKEN = issue("submit", None).text
HERE, THERE = "http://127.0.0.1:8000", "http://pippin.example.com"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The token file named by PIPPIN_TOKEN_FILE."""
    path = tmp_path / "token"
    path.touch(mode=0o600)
    path.write_text(TOKEN)
    monkeypatch.setenv("PIPPIN_TOKEN_FILE", str(path))
    return path


def shown(client: Client | AsyncClient) -> str | None:
    return client._transport.http.headers.get("authorization")


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_token_argument_overrides_the_token_file(
    file: Path,  # noqa: ARG001 (is there)
    kind: type[Client] | type[AsyncClient],
) -> None:
    other = issue("read", None).text
    assert shown(kind(HERE)) == f"Bearer {TOKEN}"
    assert shown(kind(HERE, token=other)) == f"Bearer {other}"
    assert shown(kind(HERE, token="")) is None


def test_no_token_is_sent_without_a_token_file() -> None:
    assert shown(Client(HERE)) is None


def test_token_is_not_sent_unencrypted_over_a_network(file: Path) -> None:
    with pytest.raises(PippinError, match="unencrypted") as raised:
        Client(THERE)
    assert TOKEN not in str(raised.value)
    assert shown(Client(THERE.replace("http:", "https:"))) == f"Bearer {TOKEN}"
    assert shown(Client(THERE, token="")) is None
    file.chmod(0o644)
    with pytest.raises(TokenFileError, match="chmod 600"):
        Client(HERE)
