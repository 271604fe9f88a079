"""Traces, sent to an OpenTelemetry collector where the environment names one.

A trace begins with the request that submits a job and continues in the worker: the job's record contains its
`traceparent` (W3C Trace Context). Without OTEL_EXPORTER_OTLP_ENDPOINT, or without the extra `otel`, nothing is
imported, and every function here does nothing. An unreachable collector loses spans, but never affects a training.
"""

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog

from pippin.system.extras import install_command

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExportResult

_log = structlog.get_logger(__name__)

# How long the end of a process waits for the delivery of the last spans; a live collector takes milliseconds.
_FLUSH_SECONDS = 1.0
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

_provider: "TracerProvider | None" = None


def is_enabled() -> bool:
    """Whether the environment enables traces, with the SDK's own variables."""
    return (
        any(os.environ.get(name) for name in _ENDPOINTS)
        and os.environ.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower() != "none"
        and os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() != "true"
    )


def prepare() -> None:
    """Import the tracing libraries in a parent whose forked children trace, so that not every child imports them."""
    if is_enabled():
        _import()


def configure(service: str) -> None:
    """Trace this process from now on, if the environment enables traces. To be called after a fork, not before.

    Args:
        service: The service name of the process, unless OTEL_SERVICE_NAME is set.
    """
    global _provider  # noqa: PLW0603 - global to the process, like its logging
    if _provider is not None or not is_enabled() or not _import():
        return
    try:
        _provider = _make_provider(service)
    except Exception as error:  # noqa: BLE001 - bad values in the variables must not stop the program
        _log.warning("tracing is disabled: OpenTelemetry cannot be set up", error=str(error))


def provider() -> "TracerProvider | None":
    """The provider that receives spans; None when tracing is off."""
    return _provider


def close() -> None:
    """Deliver the last spans, in one second at most, and stop tracing."""
    global _provider  # noqa: PLW0603 - see configure
    if _provider is None:
        return
    # In a thread, since the exporter retries for longer than the end of the process may take.
    flushing = threading.Thread(target=_provider.shutdown, name="last spans", daemon=True)
    _provider = None
    flushing.start()
    flushing.join(_FLUSH_SECONDS)


def span(name: str, **attributes: str | int) -> AbstractContextManager[None]:
    """A span around the `with` block. An exception that leaves the block sets its type on the span, not its text."""
    return nullcontext() if _provider is None else _span(_provider, name, attributes)


def completed(name: str, seconds: float, **attributes: str | int) -> None:
    """Add a span that has just ended and lasted `seconds`."""
    if _provider is not None:
        ended = time.time_ns()
        began = ended - int(seconds * 1e9)
        _provider.get_tracer("pippin").start_span(name, attributes=attributes, start_time=began).end(ended)


def traceparent() -> str:
    """The current span in the form of a `traceparent` header; "" when tracing is off."""
    if _provider is None:
        return ""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", "")


def continuing(parent: str) -> AbstractContextManager[None]:
    """Spans in the `with` block belong to the trace of `parent`, or to a new trace when `parent` is ""."""
    return nullcontext() if _provider is None else _continuing(parent)


@contextmanager
def _span(provider: "TracerProvider", name: str, attributes: dict[str, str | int]) -> Iterator[None]:
    from opentelemetry.trace import StatusCode  # noqa: PLC0415

    tracer = provider.get_tracer("pippin")
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except BaseException as error:
            current.set_attribute("error.type", type(error).__name__)
            current.set_status(StatusCode.ERROR)
            raise


@contextmanager
def _continuing(parent: str) -> Iterator[None]:
    from opentelemetry import context  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    token = context.attach(TraceContextTextMapPropagator().extract({"traceparent": parent}, context.Context()))
    try:
        yield
    finally:
        context.detach(token)


def _import() -> bool:
    """Import the SDK and return whether that succeeded. It takes most of a second, so only tracing processes do it."""
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter  # noqa: PLC0415
        import opentelemetry.sdk.trace.export  # noqa: F401, PLC0415
    except ImportError:
        _log.warning("tracing is disabled: OTEL_EXPORTER_OTLP_ENDPOINT needs the extra: %s", install_command("otel"))
        return False
    return True


def _make_provider(service: str) -> "TracerProvider":
    """A provider that sends spans by OTLP over HTTP to the environment's endpoint, in batches, from its own thread.

    Args:
        service: The service name, unless OTEL_SERVICE_NAME is set.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - see _import
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult  # noqa: PLC0415

    class Exporter(OTLPSpanExporter):
        """Delivers spans, drops undeliverable ones, and logs once when failures begin and once when they end."""

        failing = False

        def export(self, spans: "Sequence[ReadableSpan]") -> "SpanExportResult":
            result = super().export(spans)
            failed = result is not SpanExportResult.SUCCESS
            if failed and not self.failing:
                _log.warning("traces cannot be delivered; their spans are dropped")
            elif self.failing and not failed:
                _log.info("traces are delivered again")
            self.failing = failed
            return result

    # The SDK logs every failed delivery, with a traceback; the exporter above logs once.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    names = {"service.name": os.environ.get("OTEL_SERVICE_NAME") or service, "service.version": version("pippin")}
    provider = TracerProvider(resource=Resource.create(names), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Exporter()))
    return provider
