"""Example queries for the GraphiQL page, with values from the content."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Example(NamedTuple):
    """An example. Its `name` is in the menu; the title of its tab is the operation's name."""

    name: str
    query: str
    variables: Mapping[str, Any] | None = None


class ExampleValues(NamedTuple):
    """One value of each kind from the content; None if there is none or it is unknown.

    `slug` is an article's slug, `topic` a topic's slug, `word` a search term, `story` a story's id, `author`
    an author's slug, and `section` a section's path.
    """

    slug: str | None = None
    topic: str | None = None
    domain: str | None = None
    url: str | None = None
    word: str | None = None
    story: str | None = None
    author: str | None = None
    section: str | None = None


def build_examples(values: ExampleValues) -> tuple[Example, ...]:
    """Return examples with results in the content; an example is omitted if the value it needs is None."""
    slug, topic, domain, url, word, story, author, section = values
    candidates = (
        (slug, Example("An article and its related coverage", _ARTICLE, {"slug": slug})),
        (True, Example("The front page, page by page", _FRONT_PAGE, {"first": 5, "after": None})),
        (topic, Example("A topic's page", _TOPIC, {"slug": topic})),
        (domain, Example("A provider's page", _PROVIDER, {"domain": domain})),
        (author, Example("An author's page, and all authors", _AUTHOR, {"slug": author})),
        (section, Example("A section's page, and all sections", _SECTION, {"path": section})),
        (word, Example("A search, with the matches marked", _SEARCH, {"query": word})),
        (topic, Example("A filter, with facets of its results", _FACETS, _topic_filter(topic))),
        (story, Example("Stories, and the articles of one story", _STORIES, {"id": story})),
        (slug, Example("Trending articles, one per story", _TRENDING, {"halfLife": "P7D"})),
        (slug, Example("Changes since a version, to update a copy", _CHANGES, {"since": None})),
        (slug, Example("A subscription to changes", _LIVE)),
        (url, Example("The article with a URL", _BY_URL, {"url": url})),
        (True, Example("An overview of the site", _SITE)),
    )
    return tuple(example for needed, example in candidates if needed)


def _topic_filter(topic: str | None) -> Mapping[str, Any]:
    return {"where": {"topic": {"any": [topic]}}, "orderBy": [{"field": "QUALITY"}]}


_ARTICLE = """\
# An article, its related coverage, and the
# related coverage of that, in one request.
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
# The newest articles first. For the next page,
# set "after" to the endCursor of this page.
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

# Articles and related entries implement the same
# interface, so one fragment fits both.
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
# A topic with its newest articles, and all
# topics for the navigation bar.
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

_AUTHOR = """\
# An author with their newest articles, and
# all authors.
query AuthorPage($slug: String!) {
  author(slug: $slug) {
    name
    bio
    articles(first: 10) {
      totalCount
      nodes {
        slug
        title
        publishedDateTime
      }
    }
  }
  authors(first: 10) {
    nodes {
      slug
      name
      articleCount
    }
  }
}
"""

_SECTION = """\
# A folder of articles with everything below
# it, and all folders for the navigation bar.
query SectionPage($path: String!) {
  section(path: $path) {
    title
    articles(first: 10) {
      totalCount
      nodes {
        slug
        title
        authors {
          name
        }
      }
    }
  }
  sections {
    path
    title
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

_SEARCH = """\
# The best matches first. Try "a phrase", -not,
# a OR b, prefix* and title:word.
query Search($query: String!) {
  search(query: $query, first: 5) {
    totalCount
    edges {
      score
      snippet
      node {
        slug
        title
      }
    }
  }
}
"""

_FACETS = """\
# Facets count all articles that match the filter,
# not only those of this page.
query FilterAndFacets(
  $where: ArticleFilter
  $orderBy: [ArticleOrder!]
) {
  articles(
    first: 3
    where: $where
    orderBy: $orderBy
  ) {
    totalCount
    nodes {
      slug
      title
      quality
    }
    facets {
      topics(first: 5) {
        count
        topic {
          slug
          name
        }
      }
      providers(first: 5) {
        count
        provider {
          domain
          name
        }
      }
    }
  }
}
"""

_STORIES = """\
# A story is a group of articles that list each
# other as related.
query Stories($id: ID!) {
  stories(first: 5) {
    totalCount
    nodes {
      id
      title
      size
      lastPublished
    }
  }
  node(id: $id) {
    ... on Story {
      title
      articles(first: 10) {
        nodes {
          title
          publishedDateTime
          providerName
        }
      }
    }
  }
}
"""

_TRENDING = """\
# Heat is halved every halfLife. Set asOf as well
# to get the same order again later.
query Trending($halfLife: Duration!) {
  trending(
    first: 10
    halfLife: $halfLife
    collapse: STORY
  ) {
    nodes {
      slug
      title
      heat
      publishedDateTime
    }
  }
}
"""

_CHANGES = """\
# Send "version" as "since" in the next request
# to get only the changes after this one.
query Changes($since: String) {
  changes(since: $since, first: 5) {
    nodes {
      kind
      slug
      article {
        title
      }
    }
    version
    hasMore
  }
}
"""

_LIVE = """\
# Run it, then save a file in the content folder:
# the change appears here. "Stop" ends it.
subscription LiveChanges {
  articleChanged {
    kind
    slug
    article {
      title
      publishedDateTime
    }
    version
  }
}
"""

_BY_URL = """\
# Find an article by its URL. The id works with
# node(id: …), also after the store is rebuilt.
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
query SiteOverview {
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
