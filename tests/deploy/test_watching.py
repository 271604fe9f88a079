"""The Grafana dashboard and the alerts use the metrics that the service exports, and no others."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from pippin.store import Store, SweepReport, keys
from service.telemetry.collector import StoreCollector
from service.telemetry.meters import Meters
from tests.support.paths import DEPLOY

RULES = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "pippin.json"
# Labels that Prometheus adds.
TARGET_LABELS = {"job", "instance"}


@pytest.fixture
def exported(store: Store) -> dict[str, set[str]]:
    """Every sample that the service exports, with the names of its labels."""
    store.blob_stats.record(1, 2)
    store.blob_ledger.report(SweepReport(blobs=1, unnamed=1, at=1))
    store.redis.sadd(keys.TENANTS, "default")
    meters = Meters()
    meters.requests.labels("GET", "/jobs", "200").inc()
    meters.latency.labels("GET", "/jobs").observe(0.1)
    meters.waiting("predictions", 1)
    meters.refused("predictions")
    meters.registry.register(StoreCollector(store.overviews, store.members))
    labels_by_sample = {"up": TARGET_LABELS}
    for family in meters.registry.collect():
        for sample in family.samples:
            labels_by_sample[sample.name] = set(sample.labels) | TARGET_LABELS
    return labels_by_sample


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


def dashboard_expressions() -> Iterator[str]:
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def metrics_in(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:pippin|process)_[a-z_]+|\bup\b", expression))


def test_dashboard_and_alerts_use_only_exported_metrics(exported: dict[str, set[str]]) -> None:
    expressions = [*dashboard_expressions(), *(rule["expr"] for rule in rules())]
    for expression in expressions:
        used = metrics_in(expression)
        assert used, expression
        assert used <= exported.keys(), expression
        labels = set().union(*(exported[name] for name in used))
        grouped = re.findall(r"\b(?:by|on) \(([^)]*)\)", expression)
        assert {name.strip() for names in grouped for name in names.split(",")} <= labels, expression
        assert set(re.findall(r"[{,]\s*([a-z_]+)[=!]", expression)) <= labels, expression


def test_every_pippin_metric_is_on_the_dashboard_or_in_an_alert(exported: dict[str, set[str]]) -> None:
    expressions = [*dashboard_expressions(), *(rule["expr"] for rule in rules())]
    used = set().union(*map(metrics_in, expressions))
    families = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in used}
    ours = {name for name in exported if name.startswith("pippin_") and not name.endswith(("_created", "_info"))}
    unused = {name for name in ours if re.sub(r"_(bucket|count|sum)$", "", name) not in families}
    # These concern one of several services, or the age and size of a count.
    assert unused == {
        "pippin_reaper_acting",
        "pippin_blobs",
        "pippin_blobs_unnamed",
        "pippin_blob_count_timestamp_seconds",
        "pippin_sweep_timestamp_seconds",
    }


def test_metric_names_have_base_units_and_labels_have_no_ids(exported: dict[str, set[str]]) -> None:
    for name, labels in exported.items():
        assert not re.search(r"(ms|millis|minutes|kb|mb|percent)(_|$)", name)
        # The ten tenants with the most bytes in Redis have their own label value.
        allowed = {"tenant"} if name == "pippin_tenant_redis_bytes" else set()
        assert not labels & {"id", "job_id", "tenant", "name", "path"} - allowed


def test_every_alert_has_a_severity_and_a_description() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["description"]


def test_scrape_configuration_includes_the_rules() -> None:
    configuration = yaml.safe_load((RULES.parent / "prometheus.yml").read_text())
    assert configuration["rule_files"] == [RULES.name]
    (scrape,) = configuration["scrape_configs"]
    # `up{job="pippin"}` in the rules and on the dashboard.
    assert scrape["job_name"] == "pippin"


def test_every_alert_is_documented() -> None:
    explained = (DEPLOY.parent / "docs" / "operations.md").read_text()
    for rule in rules():
        assert f"`{rule['alert']}`" in explained
