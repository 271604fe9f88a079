import subprocess
import sys
import threading

import pytest

from pippin.system import tracing

_REPORT = "import json, sys; print(json.dumps([name for name in sys.modules if name.startswith('opentelemetry')]))"


@pytest.fixture(autouse=True)
def untraced(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


def run(program: str) -> str:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def test_without_an_endpoint_nothing_is_imported_or_traced() -> None:
    uses = "from pippin.system import tracing as t; t.prepare(); t.configure('x'); s = t.span('a'); s.__enter__(); "
    assert run(f"{uses} t.completed('b', 1); assert t.traceparent() == ''; t.close(); {_REPORT}") == "[]"


def test_missing_extra_disables_tracing_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    hidden = "import sys; sys.modules['opentelemetry.sdk'] = None; "
    uses = "from pippin.system import tracing as t; t.prepare(); t.configure('x'); print(t.provider())"
    *hint, provider = run(hidden + uses).splitlines()
    assert provider == "None"
    assert "pip install -e '.[otel]'" in "".join(hint)


@pytest.mark.parametrize(("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")])
def test_standard_variables_disable_tracing(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    assert tracing.is_enabled()
    monkeypatch.setenv(name, value)
    assert not tracing.is_enabled()


def test_unreachable_collector_neither_raises_nor_delays_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    tracing.configure("test")
    parent = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
    with tracing.continuing(parent), tracing.span("outer", job="job_1"):
        assert tracing.traceparent().startswith("00-0123456789abcdef0123456789abcdef-")
        tracing.completed("inner", 0.5, epoch=1)
    with pytest.raises(ValueError, match="wrong"), tracing.span("failing"):
        raise ValueError("wrong")
    monkeypatch.setattr(tracing, "_FLUSH_SECONDS", 0.01)
    tracing.close()
    # The exporter still retries.
    assert "last spans" in [thread.name for thread in threading.enumerate()]
    assert tracing.provider() is None
    assert tracing.traceparent() == ""
