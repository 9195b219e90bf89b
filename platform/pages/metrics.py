"""The Prometheus endpoint: counters of every process from Valkey, gauges from the database."""

import ipaddress
from collections.abc import Iterator

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from budgets.selectors import count_open_holds
from chat.selectors import count_live_turns
from chat.turns.outages import list_outages
from chat.turns.outcomes import MEASURES
from labs.views import RUNS
from routing.registry import list_models
from telemetry.metric_store import read_totals


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Require METRICS_TOKEN. Without one set, answer 404, except to this machine in the demo."""
    if not settings.METRICS_TOKEN and not (settings.DEMO and _is_this_machine(request)):
        raise Http404
    if settings.METRICS_TOKEN and not _has_token(request):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(SiteCollector()), content_type=content_type)


def _is_this_machine(request: HttpRequest) -> bool:
    return ipaddress.ip_address(request.META["REMOTE_ADDR"]).is_loopback


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and constant_time_compare(token, settings.METRICS_TOKEN)


class SiteCollector:
    """A collector as prometheus_client defines it."""

    def collect(self) -> Iterator[Metric]:
        totals = read_totals()
        yield GaugeMetricFamily(
            "kitchen_valkey_up",
            "Whether Valkey answers; counters are missing while it does not.",
            totals is not None,
        )
        if totals is not None:
            yield from (measure.collect(totals) for measure in (*MEASURES, RUNS))
        yield GaugeMetricFamily("kitchen_holds_open", "Holds that are not resolved yet.", count_open_holds())
        down_since = {outage.model_id: outage.began_at for outage in list_outages()}
        outage_seconds = GaugeMetricFamily(
            "kitchen_model_outage_seconds",
            "How long each model has been out; 0 while it answers.",
            labels=["model"],
        )
        for model in list_models():
            began_at = down_since.get(model.pk)
            seconds = (timezone.now() - began_at).total_seconds() if began_at else 0
            outage_seconds.add_metric([model.name], seconds)
        yield outage_seconds
        live = GaugeMetricFamily(
            "kitchen_turns_live", "Turns that wait or are being written.", labels=["state"]
        )
        for state, count in count_live_turns().items():
            live.add_metric([state], count)
        yield live
