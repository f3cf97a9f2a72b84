"""What an endpoint needs at hand, made when the application starts."""

from collections.abc import Callable
from dataclasses import dataclass

from gqlnews.plan.audience import Audience
from gqlnews.schema.engine import Engine
from gqlnews.schema.feed import Feed
from gqlnews.schema.parts import ReadParts
from gqlnews.server.answers import Answers
from gqlnews.server.metrics import Metrics
from gqlnews.server.sockets import Sockets
from gqlnews.settings import ServerSettings
from gqlnews.store.access import Access

VersionOf = Callable[[Audience], bytes | None]


@dataclass(frozen=True, slots=True)
class Service:
    settings: ServerSettings
    engine: Engine
    version_of: VersionOf
    answers: Answers
    feed: Feed
    sockets: Sockets
    read_parts: ReadParts
    store: Access
    metrics: Metrics
