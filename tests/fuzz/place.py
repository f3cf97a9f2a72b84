"""A content folder with secrets, and the names in it that a stranger may know.

Everything that the public may not see contains `SECRET`, and no request contains it: if a response
does, it leaked.
"""

from pathlib import Path

from tests.ingest.folder import BROKEN, Folder, keys_of, text_of

SECRET = "xyzzyquux"  # noqa: S105 - opens nothing
PUBLISHED = tuple(f"open-{number}" for number in range(8))
HIDDEN = tuple(f"hidden-{number}" for number in range(4))
WORDS = ("quagga", "quokka", "lemur", "harbour", "tunnel")


def url_of(slug: str) -> str:
    return f"https://x.example/{slug}"


def write_content(root: Path) -> Folder:
    """Write published articles, unpublished ones, and broken files, all of which link to each other."""
    folder = Folder(root)
    for number, slug in enumerate(PUBLISHED):
        write_published(folder, slug, number)
    for slug in (*HIDDEN, f"{SECRET}-slug"):
        write_hidden(folder, slug, 7)
    folder.write(f"{SECRET}-broken.md", BROKEN)
    folder.write("broken.md", f"---\ntitle: {SECRET}\npublishedDateTime: {SECRET}\n{SECRET}: [\n---\n")
    folder.article(
        "shared.md",
        url_of(PUBLISHED[0]),
        title=SECRET,
        published=False,
        publishedDateTime="2030-01-01",
        topics=[f"{SECRET} of a shared URL"],
    )
    return folder


def write_published(folder: Folder, slug: str, number: int) -> None:
    """Write a published article. Only the sealed payload and extra keys, for editors, hold the secret."""
    targets = (PUBLISHED[number % 8 - 1], HIDDEN[number % len(HIDDEN)])
    folder.write(
        f"{slug}.md",
        _text(
            slug,
            f"The {WORDS[number % 5]} and the {WORDS[number // 2 % 5]}. " * 5,
            title=f"Of the {WORDS[number % 5]} {number}",
            excerpt=f"{WORDS[number % 3]} again",
            publishedDateTime=f"2021-0{number % 8 + 1}-15T13:00:00Z",
            heat=number * 3,
            quality=number % 4 * 10,
            topics=["Animals", f"Topic {number % 3}"],
            provider={"name": f"P{number % 2}", "domain": f"p{number % 2}.example"},
            images=[{"url": f"/{slug}.jpg", "width": 10}],
            related=[{"title": "A summary", "webUrl": url_of(one)} for one in targets],
            secured=f"{SECRET}AAA;c2Vj",
            unheard=SECRET,
        ),
    )


def write_hidden(folder: Folder, slug: str, heat: int) -> None:
    """Write an unpublished article. All fields contain the secret, except for links to other articles."""
    folder.write(
        f"{slug}.md",
        _text(
            slug,
            f"# {SECRET} heading\n\nquagga {SECRET}",
            title=f"{SECRET} quagga",
            excerpt=f"{SECRET} excerpt",
            published=False,
            publishedDateTime="2021-03-03T03:03:03Z",
            heat=heat,
            type=f"{SECRET}type",
            category=f"{SECRET} category",
            topics=["Animals", f"{SECRET} topic"],
            provider={"name": f"{SECRET} name", "domain": f"{SECRET}.example"},
            images=[{"url": f"/{SECRET}.jpg"}],
            related=[{"title": f"{SECRET} summary", "webUrl": url_of(PUBLISHED[0])}],
        ),
    )


def _text(slug: str, body: str, **keys: object) -> str:
    return text_of(keys_of(url_of(slug), **keys)) + body + "\n"
