"""The example queries that the explorer opens with, each about what is being served."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Example(NamedTuple):
    """One tab. `name` is for people; the tab itself is titled with the operation's name."""

    name: str
    query: str
    variables: Mapping[str, Any] | None = None


def examples(
    slug: str | None, topic: str | None, domain: str | None, url: str | None = None
) -> tuple[Example, ...]:
    """Examples that find something, given an article, a topic, a provider and a URL that are served.

    `slug` is an article's, `topic` a topic's slug. None leaves out the example that needs it.
    """
    candidates = (
        (slug, Example("An article and its related coverage", _ARTICLE, {"slug": slug})),
        (True, Example("The front page, page by page", _FRONT_PAGE, {"first": 5, "after": None})),
        (topic, Example("A topic's page", _TOPIC, {"slug": topic})),
        (domain, Example("A provider's page", _PROVIDER, {"domain": domain})),
        (url, Example("The article behind a URL", _BY_URL, {"url": url})),
        (True, Example("What is served", _SITE)),
    )
    return tuple(example for served, example in candidates if served)


_ARTICLE = """\
# One round trip, however deep: an article, its
# related coverage, and the coverage of that.
query ArticleWithCoverage($slug: String!) {
  article(slug: $slug) {
    title
    excerpt
    publishedDateTime
    provider {
      name
      domain
    }
    relatedCount
    related(first: 3) {
      title
      providerName
      article {
        slug
        related(first: 3) {
          title
          providerName
        }
      }
    }
    topics {
      slug
      name
    }
    image {
      url
      width
      height
    }
  }
}
"""

_FRONT_PAGE = """\
# The newest first. For the next page, give this
# page's endCursor as "after".
query FrontPage($first: Int!, $after: String) {
  articles(first: $first, after: $after) {
    totalCount
    nodes {
      slug
      ...Card
    }
    pageInfo {
      endCursor
      hasNextPage
    }
  }
}

# Articles and related coverage share an
# interface: one card shows both.
fragment Card on Coverage {
  title
  excerpt
  url
  publishedDateTime
  providerName
  images(first: 1) {
    url
    attribution
  }
}
"""

_TOPIC = """\
# A topic, and the navigation bar beside it.
query TopicPage($slug: String!) {
  topic(slug: $slug) {
    name
    articles(first: 10) {
      totalCount
      nodes {
        slug
        title
        publishedDateTime
        providerName
      }
    }
  }
  topics {
    slug
    name
  }
}
"""

_PROVIDER = """\
query ProviderPage($domain: String!) {
  provider(domain: $domain) {
    name
    names
    images(first: 1) {
      url
    }
    articles(first: 10) {
      totalCount
      nodes {
        slug
        title
        publishedDateTime
        topics {
          name
        }
      }
    }
  }
}
"""

_BY_URL = """\
# From a web address to its article. The id is
# good for node(id: …), and outlives the store.
query ArticleBehindUrl($url: URL!) {
  articleByUrl(url: $url) {
    id
    slug
    title
    wordCount
    tableOfContents {
      level
      text
      anchor
    }
    html
  }
}
"""

_SITE = """\
query WhatIsServed {
  site {
    version
    articleCount
    providerCount
    topicCount
    firstPublished
    lastPublished
    ingestedAt
  }
  providers(first: 10) {
    nodes {
      domain
      name
    }
    pageInfo {
      hasNextPage
    }
  }
}
"""
