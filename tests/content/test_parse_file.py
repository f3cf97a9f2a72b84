"""One file parsed from a real folder."""

import os
from hashlib import blake2b
from pathlib import Path

import pytest

from gqlnews.content.models import ParseOptions, ParseResult, SourceFile
from gqlnews.content.parse_file import MAX_BYTES, parse_article, parse_file
from tests.content.bad_files import NEEDED, fenced

OPTIONS = ParseOptions()
LISTED = SourceFile("a.md", 0, 0, 0)


def codes(outcome: ParseResult) -> list[str]:
    return [problem.code for problem in outcome.problems]


def test_size_and_times_come_from_the_open_file(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(fenced(NEEDED))
    status = (tmp_path / "a.md").stat()
    outcome = parse_file(tmp_path, LISTED, OPTIONS)
    assert outcome.source == SourceFile("a.md", status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    assert outcome.revision == blake2b(fenced(NEEDED), digest_size=16).hexdigest()
    assert outcome.article is not None
    assert outcome.problems == ()


def test_a_broken_file_has_a_revision(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\xff")
    outcome = parse_file(tmp_path, LISTED, OPTIONS)
    assert outcome.revision == blake2b(b"\xff", digest_size=16).hexdigest()
    assert codes(outcome) == ["not-utf-8"]


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    outcome = parse_file(tmp_path, LISTED, OPTIONS)
    assert (codes(outcome), outcome.revision, outcome.source) == (["unreadable"], None, LISTED)


@pytest.mark.parametrize("path", ["a.md", "deep/a.md"])
def test_links_are_followed_only_inside_the_folder(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "content"
    (folder / "deep").mkdir(parents=True)
    (folder / "real.txt").write_bytes(fenced(NEEDED))
    (tmp_path / "secret.md").write_bytes(fenced(NEEDED))
    listed = SourceFile(path, 0, 0, 0)
    (folder / path).symlink_to(folder / "real.txt")
    assert parse_file(folder, listed, OPTIONS).article is not None
    (folder / path).unlink()
    (folder / path).symlink_to(tmp_path / "secret.md")
    assert codes(parse_file(folder, listed, OPTIONS)) == ["unreadable"]


def test_a_folder_replaced_by_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "a.md").write_bytes(fenced(NEEDED))
    (tmp_path / "content" / "deep").symlink_to(tmp_path / "secrets")
    outcome = parse_file(tmp_path / "content", SourceFile("deep/a.md", 0, 0, 0), OPTIONS)
    assert codes(outcome) == ["unreadable"]


def test_a_named_pipe_is_rejected_without_blocking(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.md")
    assert codes(parse_file(tmp_path, LISTED, OPTIONS)) == ["unreadable"]


def test_files_of_up_to_one_mebibyte_are_read(tmp_path: Path) -> None:
    good = fenced(NEEDED)
    (tmp_path / "a.md").write_bytes(good.ljust(MAX_BYTES, b"a"))
    assert parse_file(tmp_path, LISTED, OPTIONS).article is not None
    (tmp_path / "a.md").write_bytes(good.ljust(MAX_BYTES + 1, b"a"))
    outcome = parse_file(tmp_path, LISTED, OPTIONS)
    assert (codes(outcome), outcome.revision) == (["too-large"], None)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_a_byte_order_mark_do_not_change_values(end: str, mark: str) -> None:
    text = f"---\n\n{NEEDED}quality: x\nexcerpt: |\n  one\n  two\n---\n\none  \n\ntwo\n\n"
    article, problems = parse_article("a.md", (mark + text.replace("\n", end)).encode(), OPTIONS)
    assert article is None
    assert [(problem.code, problem.line, problem.column) for problem in problems] == [("wrong-type", 6, 10)]
    good = (mark + text.replace("quality: x", "quality: 1").replace("\n", end)).encode()
    article, problems = parse_article("a.md", good, OPTIONS)
    assert problems == ()
    assert article is not None
    assert (article.title, article.excerpt, article.body) == ("A title", "one\ntwo", f"one  {end}{end}two")


def test_a_body_may_contain_horizontal_rules() -> None:
    article, _ = parse_article("a.md", fenced(NEEDED, "one\n\n---\n\ntwo\n\n---\n"), OPTIONS)
    assert article is not None
    assert article.body == "one\n\n---\n\ntwo\n\n---"


@pytest.mark.parametrize("closing", ["---", "----", "---  "])
def test_a_fence_may_be_longer(closing: str) -> None:
    article, problems = parse_article("a.md", f"{closing}\n{NEEDED}{closing}".encode(), OPTIONS)
    assert article is not None
    assert problems == ()


@pytest.mark.parametrize(
    ("web_url", "base_url", "link"),
    [
        ("https://a.org/2021/a/", None, "https://a.org/2021/a/b.png"),
        ("https://a.org/2021/a/", "https://site.org/", "https://a.org/2021/a/b.png"),
        ("/2021/a/", "https://site.org/", "https://site.org/2021/a/b.png"),
        ("/2021/a/", None, "/2021/a/b.png"),
    ],
)
def test_links_of_a_body_are_resolved_against_the_url_of_its_article(
    web_url: str, base_url: str | None, link: str
) -> None:
    file = fenced(NEEDED.replace("https://a.org/1", web_url), "[x](b.png) ![](b.png)")
    article, _ = parse_article("a.md", file, ParseOptions(base_url=base_url))
    assert article is not None
    assert article.html == (
        f'<p><a href="{link}" rel="noopener noreferrer">x</a> <img src="{link}" alt=""></p>\n'
    )


def test_iframes_of_a_body_may_be_of_the_allowed_hosts() -> None:
    file = fenced(NEEDED, '<iframe src="https://video.org/1"></iframe>')
    for hosts, shown in ((("video.org",), True), ((), False), (("other.org",), False)):
        article, _ = parse_article("a.md", file, ParseOptions(iframe_hosts=hosts))
        assert article is not None
        assert ("video.org" in (article.html or "")) is shown


def test_jsx_is_removed_only_from_mdx() -> None:
    for path, words in (("a.mdx", 1), ("a.md", 2)):
        article, _ = parse_article(path, fenced(NEEDED, "<A>x</A> {y}"), OPTIONS)
        assert article is not None
        assert article.word_count == words


def test_unsafe_urls_of_a_body_have_positions() -> None:
    body = "one\n\n[a](data:x)\n[b](javascript:y) <a href='java&#9;script:z'>c</a> [d](data:x)\n"
    _, problems = parse_article("a.md", fenced(NEEDED, body), OPTIONS)
    assert [(each.code, each.line, each.column) for each in problems] == [
        ("unsafe-url", 6, 1),
        ("unsafe-url", 8, 5),
        ("unsafe-url", 9, 5),
    ]


def test_at_most_ten_unsafe_urls_of_a_body_are_reported() -> None:
    body = " ".join(f"[a](data:{number})" for number in range(20))
    assert len(parse_article("a.md", fenced(NEEDED, body), OPTIONS)[1]) == 10


def test_the_problems_of_a_body_are_reported_besides_errors() -> None:
    article, problems = parse_article("a.md", fenced("webUrl: https://a.example/\n", "[a](data:x)"), OPTIONS)
    assert article is None
    assert [each.code for each in problems] == ["missing-key", "missing-key", "unsafe-url"]
