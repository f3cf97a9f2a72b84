"""Prometheus metrics at `/metrics`.

Only clients on this machine or in a private network can read them; others get 404.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gqlnews.database.protocol import DatabaseStatistics
from gqlnews.engine.execution import FieldCache
from gqlnews.errors import DatabaseError
from gqlnews.query.entities import Audience
from gqlnews.server.app_state import AppState, get_app_state
from gqlnews.server.forwarded import has_private_peers
from gqlnews.server.media import MEDIA
from gqlnews.server.observability.logs import log
from gqlnews.server.observability.metrics import BUCKET_SECONDS, Metrics, OperationOutcome
from gqlnews.server.response import WEBSOCKET
from gqlnews.server.response_cache import ResponseCache
from gqlnews.server.stream_framing import MULTIPART_INCREMENTAL, MULTIPART_SUBSCRIPTION, SSE

TRANSPORTS = (WEBSOCKET, SSE.name, MULTIPART_SUBSCRIPTION.name, MULTIPART_INCREMENTAL.name, MEDIA)

Values = Mapping[str, float] | float
"""The values of a metric by the value of its label, or the only value of a metric without a label."""


async def metrics_endpoint(request: Request) -> Response:
    """Serve the metrics. Raises HTTPException (404) for clients and proxies outside private networks."""
    if not has_private_peers(request.scope):
        raise HTTPException(404)
    app_state = get_app_state(request.scope)
    registry = CollectorRegistry()
    registry.register(_AppStateCollector(app_state, await _content(app_state)))
    ProcessCollector(registry=registry)
    encode, media = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"content-type": media, "cache-control": "no-store"})


class _AppStateCollector(Collector):
    """Collect the current values of the application state's counters and gauges."""

    def __init__(self, app_state: AppState, content: Mapping[str, float]) -> None:
        self._app_state, self._content = app_state, content

    def collect(self) -> Iterable[Metric]:
        yield from _operations(self._app_state.metrics)
        yield from _streams_and_jobs(self._app_state)
        yield from _store(self._app_state, self._content)


async def _content(app_state: AppState) -> Mapping[str, float]:
    """Read the numbers of the store. Returns {} if that fails, so that all other metrics are exposed."""
    try:
        return await app_state.store.counts()
    except DatabaseError as error:
        log.error("%s", error)
    except Exception:
        log.exception("cannot read the counts of articles and problems")
    return {}


def _operations(metrics: Metrics) -> Iterator[Metric]:
    operations = CounterMetricFamily(
        "gqlnews_operations", "Completed operations.", labels=("name", "outcome")
    )
    for name, row in metrics.outcome_counts.items():
        for outcome in OperationOutcome:
            if row[outcome]:
                operations.add_metric((name, outcome.name.lower()), float(row[outcome]))
    yield operations
    bounds = [*map(str, BUCKET_SECONDS), "+Inf"]
    yield HistogramMetricFamily(
        "gqlnews_operation_seconds",
        "Duration of operations, without subscriptions.",
        buckets=list(zip(bounds, accumulate(metrics.bucket_counts), strict=True)),
        sum_value=metrics.total_seconds,
    )
    yield _counter("gqlnews_errors", "Error responses, by error code.", metrics.errors, "code")
    media = {str(status): count for status, count in metrics.media.items()}
    yield _counter("gqlnews_media", "Responses of the media endpoint, by status.", media, "status")
    documentation = "Bodies compressed, by content coding; a cached response is compressed once."
    yield _counter("gqlnews_compressions", documentation, metrics.compressions, "coding")
    documentation = "Bytes before compression, by content coding."
    yield _counter("gqlnews_uncompressed_bytes", documentation, metrics.uncompressed_bytes, "coding")
    documentation = "Bytes after compression, by content coding."
    yield _counter("gqlnews_compressed_bytes", documentation, metrics.compressed_bytes, "coding")


def _streams_and_jobs(app_state: AppState) -> Iterator[Metric]:
    open_now = {transport: app_state.stream_limiter.open_by_transport[transport] for transport in TRANSPORTS}
    yield _gauge("gqlnews_open_streams", "Open streams.", open_now, "transport")
    hubs = app_state.subscription_hubs
    yield _gauge("gqlnews_active_subscriptions", "Active subscriptions.", hubs.active)
    documentation = "Subscriptions ended because their client exceeded its statement time."
    yield _counter("gqlnews_subscriptions_over_budget", documentation, hubs.over_budget)
    yield _counter("gqlnews_events", "Events sent to subscribers.", app_state.metrics.events)
    documentation = "Long requests prepared or executed by the worker thread."
    yield _counter("gqlnews_offloaded_jobs", documentation, app_state.offload.jobs)
    documentation = "Requests waiting for the worker thread."
    yield _gauge("gqlnews_offload_waiting", documentation, len(app_state.offload))


def _store(app_state: AppState, content: Mapping[str, float]) -> Iterator[Metric]:
    responses, fields = app_state.response_cache, app_state.engine.field_cache
    yield _cache_lookups("gqlnews_response_cache_lookups", "Response cache lookups.", responses)
    yield _gauge("gqlnews_response_cache_bytes", "Size of the response cache in bytes.", responses.size)
    yield _cache_lookups("gqlnews_field_cache_lookups", "Root field cache lookups.", fields)
    yield _gauge("gqlnews_field_cache_bytes", "Size of the root field cache in bytes.", fields.size)
    documentation = "Estimated size of the cached documents and prepared requests in bytes."
    yield _gauge("gqlnews_prepared_cache_bytes", documentation, app_state.engine.cache.size)

    store = app_state.store
    yield _counter("gqlnews_statements", "SQL statements that ran for operations.", store.statements)
    documentation = "Statements that shared the result of an identical one."
    yield _counter("gqlnews_coalesced_statements", documentation, fields.coalesced)
    documentation = "1 while the ingest fails: the content is outdated."
    yield _gauge("gqlnews_ingest_failing", documentation, store.is_ingest_failing)
    documentation = "1 while the database is known to be damaged."
    yield _gauge("gqlnews_database_damaged", documentation, store.is_damaged)
    yield _counter("gqlnews_database_replacements", "Replacements of the database file.", store.replacements)

    yield from _connections(store.statistics())
    scopes = {"public": Audience.PUBLIC, "all": Audience.EDITOR}
    versions = {scope: store.version(audience) for scope, audience in scopes.items()}
    changes = {scope: int(version.rpartition(b"-")[2]) for scope, version in versions.items() if version}
    yield _counter("gqlnews_changes", "Article changes ingested.", changes, "scope")
    articles = {scope: content[scope] for scope in scopes if scope in content}
    yield _gauge("gqlnews_articles", "Articles in the store.", articles, "scope")
    problems = {kind: content[kind] for kind in ("error", "warning") if kind in content}
    yield _gauge("gqlnews_problems", "Problems of the content.", problems, "severity")
    documentation = "When the next article appears or expires, in seconds since the Unix epoch."
    yield _gauge("gqlnews_next_due_timestamp_seconds", documentation, content.get("next_due", {}))


def _connections(statistics: DatabaseStatistics | None) -> Iterator[Metric]:
    """Yield the metrics of a database that is reached over the network."""
    if statistics is None:
        return
    connections = {
        "idle": statistics.connections - statistics.connections_in_use,
        "in_use": statistics.connections_in_use,
    }
    yield _gauge("gqlnews_database_connections", "Open connections to the database.", connections, "state")
    documentation = "Requests that wait for a connection to the database."
    yield _gauge("gqlnews_database_waiting", documentation, statistics.waiting)
    documentation = "1 while the version is polled from a standby, 0 from the primary."
    yield _gauge("gqlnews_database_standby", documentation, statistics.is_standby)
    documentation = "Seconds by which the standby lags behind the primary; 0 on the primary."
    lag: Values = {} if statistics.lag_seconds is None else statistics.lag_seconds
    yield _gauge("gqlnews_database_replication_lag_seconds", documentation, lag)
    documentation = "Seconds since the version was last read from the database."
    yield _gauge("gqlnews_database_version_age_seconds", documentation, statistics.version_age_seconds)
    documentation = "1 while an elected ingester publishes to the database."
    yield _gauge("gqlnews_database_ingester", documentation, statistics.has_ingester)


def _cache_lookups(name: str, documentation: str, cache: ResponseCache | FieldCache) -> Metric:
    lookups = {"hit": cache.hits, "miss": cache.misses}
    return _counter(name, documentation, lookups, "result")


def _counter(name: str, documentation: str, values: Values, label: str | None = None) -> Metric:
    return _add_values(CounterMetricFamily(name, documentation, labels=[label] if label else []), values)


def _gauge(name: str, documentation: str, values: Values, label: str | None = None) -> Metric:
    return _add_values(GaugeMetricFamily(name, documentation, labels=[label] if label else []), values)


def _add_values(family: CounterMetricFamily | GaugeMetricFamily, values: Values) -> Metric:
    if isinstance(values, Mapping):
        for label_value, value in values.items():
            family.add_metric([label_value], float(value))
    else:
        family.add_metric([], float(values))
    return family
