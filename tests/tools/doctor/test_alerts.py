"""docs/guides/alerts.yml: rules for Prometheus, on metrics that exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics_core import Metric

from oms.domain.concepts import REGISTRY
from oms.domain.diagnosis.causes import causes
from oms.domain.diagnosis.operations import Operations
from oms.domain.diagnosis.vital_signs import VitalSigns
from oms.domain.work.queries import QueueStats
from oms.platform.settings import PROJECT_DIR
from oms.platform.tasks import Pulse
from oms.web.live.open_streams import OpenStreams
from oms.web.server.metrics import ProcessMetrics, _SystemMetrics

RULES: Path = PROJECT_DIR / "docs" / "guides" / "alerts.yml"


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def exported() -> set[str]:
    """Names of all samples that /metrics can export."""
    own = ProcessMetrics(OpenStreams(), Pulse(1))
    own.count("/graphql", "POST", 200, 0.001)
    signs = VitalSigns(
        Operations(tuple(QueueStats(queue, 1, 1, 1.0) for queue in REGISTRY.work_kinds), 1.0),
        parked=1,
        held=1,
        open_orders={"PENDING": 1},
        standing_still={},
        oldest_transaction_s=0.0,
        tokens_expiring=0,
    )
    metrics: list[Metric] = [*own.registry.collect(), *_SystemMetrics(signs).collect()]
    return {sample.name for metric in metrics for sample in metric.samples}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_each_rule_uses_metrics_that_exist_and_says_what_to_do(rule: dict[str, Any]) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert set(re.findall(r"\boms_\w+", rule["expr"])) <= exported()
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) == {"summary", "action"}
    assert f"**{rule['alert']}**" in (PROJECT_DIR / "docs" / "guides" / "operating.md").read_text()


def test_causes_named_in_rules_are_causes() -> None:
    named = re.findall(r'cause=~"([A-Z_|]+)"', RULES.read_text())
    assert named
    assert {cause for names in named for cause in names.split("|")} <= {cause.name for cause in causes()}
