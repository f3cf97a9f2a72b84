"""While an audience's version stays the same, every response does: the invariant behind caching.

Random histories of a small folder; after each ingest one request queries everything.
"""

from pathlib import Path

from hypothesis import given

from gqlnews.database.sqlite.inline_executor import InlineExecutor
from gqlnews.engine.requests import GraphQLRequest
from gqlnews.query.entities import Audience
from tests.effort import examples
from tests.ingest.histories import Edit, histories
from tests.ingest.model import run_history, temporary_store
from tests.product import Product

EVERYTHING = """
{
  site { version articleCount providerCount topicCount firstPublished lastPublished ingestedAt
    problems { path line column severity code message } }
  articles(first: 100) {
    totalCount
    facets { topics { topic { slug } count } providers { provider { domain name } count }
      types { value count } }
    nodes {
      id slug url title excerpt publishedDateTime quality heat published revision updatedAt html wordCount
      images { url } provider { domain name names images { url } } topics { slug name } extra secured
      related { title url position provider { domain name } drift { field listed stored }
        article { slug related { article { slug title } } } }
      referencedBy { totalCount nodes { slug } } similar { slug }
      story { id title size lead { slug } articles { nodes { slug } } }
    }
  }
  providers(first: 100) { nodes { domain name names images { url } articles { totalCount } } }
  topics { slug name articles { totalCount nodes { slug } } }
  stories { totalCount nodes { id title size providers { provider { domain } count } } }
  search(query: "one OR two OR café") { totalCount edges { score snippet node { slug } } }
  trending(asOf: "2024-06-01", collapse: STORY) { nodes { slug } }
  changes { version nodes { kind slug article { slug } } }
  byUrl: articleByUrl(url: "https://example.com/1") { slug }
}
"""


def answers(database: Path) -> dict[Audience, bytes]:
    with Product(database) as product:
        return {who: product.answer(GraphQLRequest(EVERYTHING), who).body for who in Audience}


@examples(10)
@given(histories)
def test_an_answer_stays_as_long_as_its_version(history: list[list[Edit]]) -> None:
    revision = InlineExecutor()
    with temporary_store() as (root, db, model):
        revision.open(root / "store.db")
        before: dict[Audience, tuple[bytes | None, bytes]] = {}
        for _ in run_history(db, model, history):
            for who, body in answers(root / "store.db").items():
                assert b'"errors"' not in body, body
                version = revision.version(who)
                assert version is not None
                if who in before:
                    assert (before[who][0] == version) is (before[who][1] == body), (before[who], body)
                before[who] = (version, body)
        revision.close()
