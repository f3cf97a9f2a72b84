"""Prometheus metrics at `/metrics`.

Only clients on this machine or on a private network may read them; others get 404.
"""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv6Address, ip_address
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gqlnews.database.sqlite.job_queue import expected_seconds
from gqlnews.database.sqlite.read_pool import COUNTS, parse_counts
from gqlnews.engine.execution import FieldCache
from gqlnews.errors import DatabaseError
from gqlnews.query.fields import Audience
from gqlnews.server.observability.logs import log
from gqlnews.server.observability.metrics import BUCKET_SECONDS, Metrics, OperationOutcome
from gqlnews.server.preparation import OffloadQueue
from gqlnews.server.response_cache import ResponseCache
from gqlnews.server.services import AppState
from gqlnews.server.stream_framing import MULTIPART_INCREMENTAL, MULTIPART_SUBSCRIPTION, SSE
from gqlnews.server.websocket import WEBSOCKET

TRANSPORTS = (WEBSOCKET, SSE.name, MULTIPART_SUBSCRIPTION.name, MULTIPART_INCREMENTAL.name)

Value = tuple[tuple[str, ...], float]
"""A sample: its label values and its number."""


async def metrics_endpoint(request: Request) -> Response:
    """Serve the metrics; 404 for clients outside of private networks."""
    if not is_private_address(request.client.host if request.client else None):
        raise HTTPException(404)
    service: AppState = request.state.service
    registry = build_registry(service, await _content(service))
    encode, media = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"content-type": media, "cache-control": "no-store"})


def is_private_address(host: str | None) -> bool:
    """Return whether a client address is local or private.

    None, as for a Unix domain socket, counts as local.
    """
    if host is None:
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address.is_private or address.is_loopback or address.is_link_local


def build_registry(service: AppState, content: Mapping[str, int]) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_ServiceCollector(service, content))
    ProcessCollector(registry=registry)
    return registry


class _ServiceCollector(Collector):
    """Collect the current values of the service's counters and gauges."""

    def __init__(self, service: AppState, content: Mapping[str, int]) -> None:
        self._service, self._content = service, content

    def collect(self) -> Iterable[Metric]:
        yield from _operations(self._service.metrics)
        yield from _streams(self._service)
        yield from _offloaded(self._service.offload)
        yield from _store(self._service, self._content)


async def _content(service: AppState) -> Mapping[str, int]:
    """Count articles and problems. Returns {} if the store fails, so the other metrics are still exposed."""
    try:
        with expected_seconds(0.0):
            (row,) = await service.store.read(COUNTS)
    except DatabaseError as error:
        log.error("%s", error)
        return {}
    except Exception:
        log.exception("the store does not answer")
        return {}
    return parse_counts(row)


def _operations(metrics: Metrics) -> Iterator[Metric]:
    operations = [
        ((name, outcome.name.lower()), float(row[outcome]))
        for name, row in metrics.outcome_counts.items()
        for outcome in OperationOutcome
        if row[outcome]
    ]
    yield _counter("gqlnews_operations", "Completed operations.", ("name", "outcome"), operations)
    yield _seconds(metrics)
    errors = [((code,), float(count)) for code, count in metrics.errors.items()]
    yield _counter("gqlnews_errors", "Error responses, by error code.", ("code",), errors)


def _seconds(metrics: Metrics) -> Metric:
    family = HistogramMetricFamily(
        "gqlnews_operation_seconds", "Duration of operations, without subscriptions."
    )
    bounds = [*map(str, BUCKET_SECONDS), "+Inf"]
    family.add_metric(
        (), list(zip(bounds, accumulate(metrics.bucket_counts), strict=True)), metrics.total_seconds
    )
    return family


def _streams(service: AppState) -> Iterator[Metric]:
    open_now = [
        ((transport,), float(service.stream_limiter.open_by_transport[transport])) for transport in TRANSPORTS
    ]
    yield _gauge("gqlnews_open_streams", "Open streams.", ("transport",), open_now)
    yield _gauge(
        "gqlnews_active_subscriptions", "Active subscriptions.", (), [((), service.subscriptions.active)]
    )
    transport = [((), float(service.subscriptions.over_budget))]
    documentation = "Subscriptions ended because their client exceeded its statement time."
    yield _counter("gqlnews_subscriptions_over_budget", documentation, (), transport)
    yield _counter("gqlnews_events", "Events sent to subscribers.", (), [((), float(service.metrics.events))])


def _offloaded(queue: OffloadQueue) -> Iterator[Metric]:
    yield _counter(
        "gqlnews_offloaded_jobs",
        "Long requests prepared or executed by the worker thread.",
        (),
        [((), float(queue.jobs))],
    )
    yield _gauge("gqlnews_offload_waiting", "Requests waiting for the worker thread.", (), [((), len(queue))])


def _store(service: AppState, content: Mapping[str, int]) -> Iterator[Metric]:
    responses = service.response_cache
    yield _cache_lookups("gqlnews_response_cache_lookups", "Response cache lookups.", responses)
    yield _gauge(
        "gqlnews_response_cache_bytes", "Size of the response cache in bytes.", (), [((), responses.size)]
    )
    if (fields := service.engine.field_cache) is not None:
        yield _cache_lookups("gqlnews_field_cache_lookups", "Root field cache lookups.", fields)
        yield _gauge(
            "gqlnews_field_cache_bytes", "Size of the root field cache in bytes.", (), [((), fields.size)]
        )
    yield _counter(
        "gqlnews_statements",
        "SQL statements requested by operations.",
        (),
        [((), float(service.store.statements))],
    )
    yield _counter(
        "gqlnews_coalesced_statements",
        "Statements answered by the result of an identical one.",
        (),
        [((), float(service.store.stats.coalesced))],
    )
    damaged = [((), float(service.store.is_damaged))]
    yield _gauge("gqlnews_database_damaged", "1 while the database is known to be damaged.", (), damaged)
    yield _counter(
        "gqlnews_database_replacements",
        "Replacements of the database file.",
        (),
        [((), float(service.store.replacements))],
    )
    scopes = (("public", Audience.PUBLIC), ("all", Audience.EDITOR))
    changes = [
        ((scope,), float(version.rpartition(b"-")[2]))
        for scope, audience in scopes
        if (version := service.store.version(audience)) is not None
    ]
    yield _counter("gqlnews_changes", "Article changes ingested.", ("scope",), changes)
    articles = [((scope,), content[scope]) for scope, _ in scopes if scope in content]
    yield _gauge("gqlnews_articles", "Articles in the store.", ("scope",), articles)
    problems = [((kind,), content[kind]) for kind in ("error", "warning") if kind in content]
    yield _gauge("gqlnews_problems", "Problems of the content.", ("severity",), problems)


def _cache_lookups(name: str, documentation: str, cache: ResponseCache | FieldCache) -> Metric:
    lookups = [(("hit",), float(cache.hits)), (("miss",), float(cache.misses))]
    return _counter(name, documentation, ("result",), lookups)


def _counter(name: str, documentation: str, labels: tuple[str, ...], values: Iterable[Value]) -> Metric:
    family = CounterMetricFamily(name, documentation, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family


def _gauge(name: str, documentation: str, labels: tuple[str, ...], values: Iterable[Value]) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family
