"""A folder of wrong documents: every mistake is found at its place, and nothing else is."""

from pathlib import Path

import pytest

from gqlnews.config.settings import DEFAULT_LIMITS
from gqlnews.operations.check import OperationsReport, check_folder
from tests.operations.support import schema

FOLDER = Path(__file__).parent / "wrong_operations"

EXPECTED = [  # place, the text there, code, beginning of the message
    (
        "after-interpolation.ts:4:51",
        "count",
        "graphql-validation-failed",
        "Cannot query field 'count' on type 'Site'.",
    ),
    (
        "anonymous.graphql:1:1",
        "{",
        "graphql-validation-failed",
        "An operation without a name must be the only one of its document: give it a name.",
    ),
    (
        "apollo/local.ts:6:62",
        "bookmarked",
        "graphql-validation-failed",
        "Cannot query field 'bookmarked' on type 'Article'.",
    ),
    (
        "conflict.graphql:2:22",
        "name",
        "graphql-validation-failed",
        "Fields 'name' conflict because 'title' and 'slug' are different fields.",
    ),
    ("crlf.ts:4:7", "vrsion", "graphql-validation-failed", "Cannot query field 'vrsion' on type 'Site'."),
    (
        "duplicate-b.ts:1:28",
        "SameName",
        "duplicate-operation",
        "The operation `SameName` is also defined at duplicate-a.graphql:1:7",
    ),
    (
        "duplicate-b.ts:2:31",
        "SameFragment",
        "duplicate-fragment",
        "The fragment `SameFragment` is also defined at duplicate-a.graphql:2:10",
    ),
    (
        "emoji-before.ts:1:62",
        "verzion",
        "graphql-validation-failed",
        "Cannot query field 'verzion' on type 'Site'.",
    ),
    (
        "escapes-before.ts:1:108",
        "totl",
        "graphql-validation-failed",
        "Cannot query field 'totl' on type 'SearchConnection'.",
    ),
    (
        "fragment-cycle.graphql:2:36",
        "...CycleB",
        "graphql-validation-failed",
        "Cannot spread fragment 'CycleA' within itself via 'CycleB'. See also",
    ),
    (
        "fragment-on-unknown-type.graphql:1:27",
        "Artikel",
        "graphql-validation-failed",
        "Unknown type 'Artikel'.",
    ),
    (
        "fragments.ts:4:5",
        "articels",
        "graphql-validation-failed",
        "Cannot query field 'articels' on type 'Site'.",
    ),
    (
        "impossible-fragment.graphql:1:42",
        "...OnAuthor",
        "graphql-validation-failed",
        "Fragment 'OnAuthor' cannot be spread here as objects of type 'Topic' can never be of type",
    ),
    (
        "interpolation-as-value.tsx:1:71",
        "${",
        "interpolation",
        "The expression `${…}` is not between definitions",
    ),
    (
        "interpolation-in-selection.ts:3:55",
        "${",
        "interpolation",
        "The expression `${…}` is not between definitions",
    ),
    (
        "leaf-with-selection.mjs:1:78",
        "{",
        "graphql-validation-failed",
        "Field 'version' must not have a selection since type 'String!' has no subfields.",
    ),
    (
        "limits/bad-cursor.astro:2:36",
        "articles",
        "bad-cursor",
        "`after` is not a cursor: pass a cursor from `pageInfo` or from an edge of this list.",
    ),
    (
        "limits/bad-date.vue:2:54",
        "articles",
        "bad-date",
        "`yesterday` is not a date: pass one such as `2021-04-15T13:00:00Z` or `2021-04-15`.",
    ),
    (
        "limits/bad-duration.svelte:1:45",
        "trending",
        "bad-duration",
        "`a day` is not a duration: pass one such as `P2D`, `P1W` or `PT6H`, in whole numbers.",
    ),
    ("limits/bad-page.graphql:1:33", "articles", "bad-page", "`first` is 101: pass 0 to 100."),
    (
        "limits/both-pages.graphql:1:19",
        "articles",
        "bad-page",
        "`first` and `last` are both set: pass only one of them.",
    ),
    (
        "limits/too-costly-literal.graphql:1:26",
        "articles",
        "too-costly",
        "`TooCostlyLiteral` costs up to 110,201 objects; the limit is 20,000: with `first: 18` at",
    ),
    (
        "limits/too-costly.ts:3:5",
        "small",
        "too-costly",
        "`TooCostly` costs up to 20,204 objects with $count at its maximum of 100 and $full true;",
    ),
    (
        "limits/too-deep.graphql:1:1",
        "query",
        "too-deep",
        "The operation nests fields with selections 20 levels deep, and the limit is 16: send",
    ),
    (
        "limits/too-many-aliases.ts:1:26",
        "query",
        "too-many-aliases",
        "The operation has 31 aliases, and the limit is 30: send several requests.",
    ),
    (
        "limits/too-many-directives.graphql:1:1",
        "query",
        "too-many-directives",
        "The operation has 51 directives, and the limit is 50: send several requests.",
    ),
    (
        "limits/too-many-root-fields.js:2:3",
        "query",
        "too-many-root-fields",
        "The operation has 21 root fields, and the limit is 20: send several requests.",
    ),
    (
        "limits/too-many-tokens.graphql:1:1",
        "query",
        "too-many-tokens",
        "The document has more than 2,000 tokens, 2,000 comments or 10,000 lines: send several",
    ),
    (
        "line-continuation.js:3:5",
        "vers",
        "graphql-validation-failed",
        "Cannot query field 'vers' on type 'Site'.",
    ),
    (
        "missing-argument.ts:5:5",
        "article",
        "graphql-validation-failed",
        "Argument 'Query.article(slug:)' of type 'String!' is required, but it was not provided.",
    ),
    (
        "no-selection.jsx:2:88",
        "articles",
        "graphql-validation-failed",
        "Field 'articles' of type 'ArticleConnection!' must have a selection of subfields.",
    ),
    ("not-graphql.ts:1:26", "select", "graphql-parse-failed", "Syntax Error: Unexpected Name 'select'."),
    ("not-utf-8.ts:1:23", "ü", "not-utf-8", "The byte 0xfc is not UTF-8: save the file as UTF-8."),
    (
        "pages/Article.vue:11:37",
        "autor",
        "graphql-validation-failed",
        "Cannot query field 'autor' on type 'Article'.",
    ),
    (
        "pages/Topics.svelte:3:64",
        "nam",
        "graphql-validation-failed",
        "Cannot query field 'nam' on type 'Topic'.",
    ),
    (
        "pages/Topics.svelte:9:39",
        "pth",
        "graphql-validation-failed",
        "Cannot query field 'pth' on type 'Section'.",
    ),
    (
        "pages/index.astro:5:43",
        "TITEL",
        "graphql-validation-failed",
        "Value 'TITEL' does not exist in 'ArticleOrderField' enum.",
    ),
    (
        "pages/index.astro:12:82",
        "whatever",
        "graphql-validation-failed",
        "Cannot query field 'whatever' on type 'ArticleChange'.",
    ),
    (
        "relay/ArticleList.tsx:14:26",
        "$cursor",
        "graphql-validation-failed",
        "Variable '$cursor' of type 'Int' used in position expecting type 'String'. See also",
    ),
    (
        "relay/ArticleList.tsx:22:5",
        "heading",
        "graphql-validation-failed",
        "Cannot query field 'heading' on type 'Article'.",
    ),
    ("relay/TooMany.tsx:8:5", "articles", "bad-page", "`first` is 500: pass 0 to 100."),
    ("syntax.graphql:4:1", "", "graphql-parse-failed", "Syntax Error: Expected Name, found <EOF>."),
    ("syntax.ts:1:68", "`", "graphql-parse-failed", "Syntax Error: Expected Name, found <EOF>."),
    (
        "undefined-variable.cjs:1:72",
        "$slug",
        "graphql-validation-failed",
        "Variable '$slug' is not defined by operation 'UndefinedVariable'. See also",
    ),
    (
        "unknown-argument.gql:1:34",
        "frist",
        "graphql-validation-failed",
        "Unknown argument 'frist' on field 'Query.articles'.",
    ),
    (
        "unknown-directive.ts:1:66",
        "@uppercase",
        "graphql-validation-failed",
        "Unknown directive '@uppercase'.",
    ),
    (
        "unknown-enum.js:3:61",
        "TITLES",
        "graphql-validation-failed",
        "Value 'TITLES' does not exist in 'Collapse' enum.",
    ),
    (
        "unknown-field.graphql:4:18",
        "titel",
        "graphql-validation-failed",
        "Cannot query field 'titel' on type 'Article'.",
    ),
    (
        "unknown-fragment.graphql:1:47",
        "NowhereDefined",
        "graphql-validation-failed",
        "Unknown fragment 'NowhereDefined'.",
    ),
    (
        "unused-fragment.graphql:2:44",
        "subtitle",
        "graphql-validation-failed",
        "Cannot query field 'subtitle' on type 'Article'.",
    ),
    (
        "unused-variable.mts:2:56",
        "$unused",
        "graphql-validation-failed",
        "Variable '$unused' is never used in operation 'UnusedVariable'.",
    ),
    (
        "variable-in-fragment.graphql:1:26",
        "$size",
        "graphql-validation-failed",
        "Variable '$size' of type 'String' used in position expecting type 'Int'. See also",
    ),
    (
        "wrong-type.tsx:5:21",
        '"five"',
        "graphql-validation-failed",
        'Int cannot represent non-integer value: "five"',
    ),
]


@pytest.fixture(scope="module")
def report() -> OperationsReport:
    return check_folder(FOLDER, schema(), DEFAULT_LIMITS)


def test_exactly_the_expected_mistakes_are_found(report: OperationsReport) -> None:
    found = [(str(finding.place), finding.code) for finding in report.findings]
    assert sorted(found) == sorted((place, code) for place, _, code, _ in EXPECTED)


@pytest.mark.parametrize(("place", "at", "code", "message"), EXPECTED, ids=[row[0] for row in EXPECTED])
def test_a_mistake_has_its_message_and_place(
    report: OperationsReport, place: str, at: str, code: str, message: str
) -> None:
    (finding,) = (one for one in report.findings if (str(one.place), one.code) == (place, code))
    assert finding.message.startswith(message)
    text = (FOLDER / finding.place.path).read_bytes().decode("latin-1" if code == "not-utf-8" else "utf-8")
    line = text.split("\n")[finding.place.line - 1]
    assert line[finding.place.column - 1 :].startswith(at)


def test_the_documents_are_counted(report: OperationsReport) -> None:
    assert (report.operations, report.fragments, report.files) == (45, 13, 49)


def test_every_kind_of_file_has_a_mistake() -> None:
    suffixes = {place.partition(":")[0].rpartition(".")[2] for place, *_ in EXPECTED}
    assert suffixes == {
        *("graphql", "gql", "ts", "tsx", "mts", "js", "jsx", "mjs", "cjs", "vue", "svelte", "astro"),
    }
