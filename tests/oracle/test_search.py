"""Searches: how a text is parsed, what matches, ranking compared with FTS5, and valid snippets."""

from __future__ import annotations

import sqlite3
import string
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples

from .acting import snippet
from .fulltext import SCALE, WEIGHTS, TextIndex, columns
from .records import Article
from .similar import faults
from .small import article, ask, entry, slugs, world
from .snippets import Snippet
from .terms import Term, parse
from .tokens import sqlite_tokens, tokens

TOKENS = [
    ("Don't PANIC", "don t panic"),
    ("Ünder_score É e\u0301x", "under score e ex"),
    ("日本 x², Ⅷ", "日本 x² ⅷ"),
    ("a\0b \u0301c a\ue000b", "a b c a\ue000b"),
]


@pytest.mark.parametrize(("text", "expected"), TOKENS)
def test_tokens_of_a_text(text: str, expected: str) -> None:
    assert tokens(text) == expected.split(" ")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_tokens_are_those_of_sqlite(text: str) -> None:
    assert tokens(text) == sqlite_tokens(text)


# (text, groups of terms, negatives). A term is its tokens, with `*` if the last one is a prefix.
SYNTAX = [
    ("", "", ""),
    ("a b", "a, b", ""),
    ("a OR b", "a | b", ""),
    ("a b OR c OR d e", "a, b | c | d, e", ""),
    ("OR a", "or, a", ""),
    ("a OR", "a, or", ""),
    ("a OR OR b", "a, or, or, b", ""),
    ("a OR -b", "a, or", "b"),
    ("a or b", "a, or, b", ""),
    ('a "OR" b', "a, or, b", ""),
    ("a OR * b", "a, b", ""),
    ("* OR *", "", ""),
    ('"a b" c', "a b, c", ""),
    ('"a b', "a b", ""),
    ('5"disk', "5, disk", ""),
    ('"a""b"', "a, b", ""),
    ("a-b don't", "a b, don t", ""),
    ("a\0b\u0085c\u2028d", "a, b, c, d", ""),
    ("-a -", "", "a"),
    ("--a", "", "a"),
    ('-"a b"', "", "a b"),
    ("- a", "a", ""),
    ("title:a", "title:a", ""),
    ('title:"a b" -title:c', "title:a b", "title:c"),
    ("title: a", "title, a", ""),
    ("Title:a", "title a", ""),
    ("title:title:a", "title:title a", ""),
    ("-title:", "", "title"),
    ("a:b", "a b", ""),
    ("comput*", "comput*", ""),
    ("title:a* -b*", "title:a*", "b*"),
    ("a-b*", "a b*", ""),
    ("*a a*b *", "a, a b", ""),
    ('"a*" "b"*', "a, b", ""),
]


def shown(term: Term) -> str:
    return f"{'title:' * term.title}{' '.join(term.tokens)}{'*' * term.prefix}"


@pytest.mark.parametrize(("text", "groups", "without"), SYNTAX)
def test_parsed_queries(text: str, groups: str, without: str) -> None:
    query = parse(text)
    assert ", ".join(" | ".join(shown(term) for term in group) for group in query.groups) == groups
    assert ", ".join(shown(term) for term in query.without) == without


TEXTS = [
    article("title", title="Robots learn to see"),
    article("excerpt", excerpt="robots, they say", published="2020-01-02"),
    article("body", body="See the robots learn", published="2020-01-03"),
    article("related", related=(entry(0, "/x", title="Robots learn"), entry(1, "/y", title="to see"))),
    article("topic", topics=("Robots", "Learn"), provider="see.example"),
]
FOUND = [
    ("robots", "title excerpt topic body related"),
    ("title:robots", "title"),
    ('"robots learn"', "title body related"),
    ('"learn to"', "title"),
    ("robots -learn", "excerpt"),
    ("robots see", "title topic body related"),
    ("-robots", ""),
    ("robo* say OR the", "excerpt body"),
    ("ROBÖTS learn -title:see -excerpt", "topic body related"),
    ('"robots learn see"', ""),
]


@pytest.mark.parametrize(("query", "expected"), FOUND)
def test_search_results(query: str, expected: str) -> None:
    found = ask(TEXTS, "query ($text: String!) { search(query: $text) { nodes { slug } } }", text=query)
    assert {one["slug"] for one in found["search"]["nodes"]} == set(expected.split())


def test_the_title_has_the_highest_weight_and_ties_go_to_the_newest() -> None:
    texts = [
        article("b", title="robot"),
        article("c", title="robot", published="2020-01-02"),
        article("a", title="robot"),
        article("d", title="other", excerpt="robot"),
    ]
    assert slugs(texts, 'search(query: "robot")') == "c a b d"


# ---------------------------------------------------------------- rank, by SQLite itself

WORDS = st.sampled_from(["a", "b", "ab", "É", "c-d", "\ue000"])
PASSAGES = st.lists(WORDS, max_size=6).map(" ".join)
ARTICLES = st.lists(
    st.builds(
        lambda title, excerpt, topics, related: article(
            "x", title=title, excerpt=excerpt, topics=tuple(topics), related=tuple(related)
        ),
        PASSAGES,
        PASSAGES,
        st.lists(PASSAGES, max_size=3),
        st.lists(PASSAGES.map(lambda title: entry(0, "/x", title=title)), max_size=3),
    ),
    min_size=1,
    max_size=8,
)
TERMS = st.sampled_from(["a", "b", "ab", "e", "a*", '"a b"', "c-d", "title:a", "title:b*", "e c"])


def match(text: str) -> str:
    """Return the query of positive terms in FTS5's syntax."""
    return " AND ".join(f"({' OR '.join(phrase(term) for term in group)})" for group in parse(text).groups)


def phrase(term: Term) -> str:
    return f'{"title:" * term.title} "{" ".join(term.tokens)}"{" *" * term.prefix}'


def scores_of_sqlite(articles: list[Article], text: str) -> dict[int, float]:
    with closing(sqlite3.connect(":memory:")) as db:
        names = "title, excerpt, provider, topics, body, related"
        db.execute(f'create virtual table t using fts5({names}, tokenize = "unicode61 remove_diacritics 2")')
        db.executemany("insert into t values (?, ?, ?, ?, ?, ?)", [columns(one) for one in articles])
        weights = ", ".join(map(str, WEIGHTS))
        query = f"select rowid - 1, -bm25(t, {weights}) from t where t match ?"  # noqa: S608 - no value of a user
        return dict(db.execute(query, (match(text),)).fetchall())


@examples(200)
@given(ARTICLES, st.lists(TERMS, min_size=1, max_size=4), st.sampled_from([" ", " OR "]))
def test_scores_are_those_of_fts5(articles: list[Article], terms: list[str], between: str) -> None:
    text = between.join(terms)
    found = TextIndex(articles).found(text)
    expected = scores_of_sqlite(articles, text)
    assert found.keys() == expected.keys()
    assert [found[number] / SCALE for number in expected] == pytest.approx(list(expected.values()), abs=1e-11)


# ---------------------------------------------------------------- snippets, and what is similar

MARKED = article("x", title='Say "AT&T" <b> isn\'t it', topics=("Big data", "Small data"))
SNIPPETS = [
    ("at", "Say &quot;<mark>AT</mark>&amp;T&quot;", None),
    ('"at t"', "…<mark>AT&amp;T</mark>&quot; &lt;b&gt; isn&#x27;t…", None),
    ("data", "Big <mark>data</mark> · Small <mark>data</mark>", None),
    ("say", '<mark>Say</mark> "AT', "the text is not escaped"),
    ("say", "<mark>Say &quot;", "the marks are not balanced"),
    ("say", "</mark>Say<mark> &quot;", "the marks are not balanced"),
    ("say", "<mark>Said</mark>", "the text is not the article's"),
    ("say", "Say", "nothing is marked"),
    ("say", "<mark>Say &quot;AT</mark>", "'Say \"AT' is marked and is no match"),
    ("sa*", "<mark>Say</mark>", None),
]


@pytest.mark.parametrize(("query", "text", "fault"), SNIPPETS)
def test_a_snippet_is_a_passage_of_the_article(query: str, text: str, fault: str | None) -> None:
    assert Snippet(MARKED, query).fault(text) == fault


@given(st.text(string.printable, max_size=20))
def test_any_text_can_be_highlighted(text: str) -> None:
    marker = Snippet(article("x", title=f"{text} word"), "word")
    assert marker.fault(snippet(marker)) is None


LIKE = [
    article("a", "listed", title="Some words", web_url="/a"),
    article("b", title="More words"),
    article("listed", title="Listed words"),
    article("c", title="Other", amp_web_url="/a"),
    article("d", title="Nothing"),
    article("e", title="Hidden words", is_published=False),
    article("f", title="Words"),
]
ANSWERS = [
    (["b", "f"], 0),
    (["f"], 0),
    (["b", "b"], 1),
    (["b", "f", "b"], 2),
    (["a"], 1),
    (["listed"], 1),
    (["c"], 1),
    (["d"], 1),
    (["e"], 1),
]


@pytest.mark.parametrize(("answer", "count"), ANSWERS)
def test_similar_results_satisfy_the_contract(answer: list[str], count: int) -> None:
    assert len(faults(world(LIKE), LIKE[0], 2, answer)) == count
