"""OpenTelemetry's SDK, set up to send spans by OTLP over HTTP. Needs the extra `otel`."""

import logging
import os
from collections.abc import Sequence
from importlib.metadata import version

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

_log = structlog.get_logger(__name__)


def make_provider(service: str) -> TracerProvider:
    """A provider that sends spans, in batches and from a thread of its own, to where the environment says.

    Args:
        service: The name of the service, unless OTEL_SERVICE_NAME has one.
    """
    # The SDK tells of every failed delivery, with a traceback; ours below tells once.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME") or service, "service.version": version("pippin")}
    made = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    made.add_span_processor(BatchSpanProcessor(_Exporter()))
    return made


class _Exporter(SpanExporter):
    """Delivers spans, and says once when that begins to fail and once when it works again."""

    def __init__(self) -> None:
        self._inner = OTLPSpanExporter()
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Deliver them; what cannot be delivered is dropped."""
        result = self._inner.export(spans)
        failed = result is not SpanExportResult.SUCCESS
        if failed and not self._failing:
            _log.warning("traces cannot be delivered; their spans are dropped")
        elif self._failing and not failed:
            _log.info("traces are delivered again")
        self._failing = failed
        return result

    def shutdown(self) -> None:
        """Deliver no more."""
        self._inner.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is held back here."""
        return self._inner.force_flush(timeout_millis)
