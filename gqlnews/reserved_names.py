"""Names that a custom field cannot have, because the schema has them, or a version to come will.

A test compares them with `schema.graphql`.
"""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


RESERVED_NAMES = {
    "Article": _names(
        "ampWebUrl article authors body category cdnAmpWebUrl excerpt extra featuredContent heat html "
        "id image images language modifiedDateTime next originalUrl path previous provider "
        "providerName published publishedDateTime quality readingMinutes referencedBy related "
        "relatedCount revision section secured similar slug story tableOfContents title topics "
        "translations type updatedAt url webUrl wordCount"
    ),
    "Coverage": _names(
        "ampWebUrl article cdnAmpWebUrl excerpt image images originalUrl provider providerName "
        "publishedDateTime quality title type url webUrl"
    ),
    "ArticleFilter": _names(
        "and author category hasImage hasRelated heat language matches modifiedDateTime not or "
        "provider published publishedDateTime quality section slug title topic type updatedAt"
    ),
    "ArticleFacets": _names(
        "authors categories heat languages providers published quality sections topics types"
    ),
    "ArticleOrderField": _names("HEAT MODIFIED_DATE_TIME PUBLISHED_DATE_TIME QUALITY TITLE UPDATED_AT"),
    "a version to come": _names(
        "ALL AUTHOR Article ArticleFacets ArticleFilter ArticleOrderField Author AuthorConnection "
        "AuthorCount AuthorEdge AuthorOrder AuthorOrderField COUNT Coverage DOMAIN Image LANGUAGE "
        "MODIFIED_DATE_TIME NAME Neighbours Provider ProviderOrder ProviderOrderField Query "
        "Related SECTION SLUG Section SectionCount SectionFilter Site TOPIC Topic TopicOrder "
        "TopicOrderField after alt article articleCount articles author authors before bio "
        "caption children count cursor direction edges eq field first id image in language "
        "languages last mimeType modifiedDateTime name next node nodes orderBy pageInfo parent "
        "path previous section sections slug title totalCount translations under url where within"
    ),
}
"""By the type that has the names; those of `ArticleOrderField` are compared in upper snake case."""
