"""Authors and instants of the last change that were worked out by hand, from the files of each site alone."""

AuthorRow = tuple[str, str, str | None, str | None, str | None]

AUTHORS: dict[str, dict[str, list[AuthorRow]]] = {
    # One text names several only where every part has two to four words, each beginning with a letter.
    "letsencrypt": {
        "content/en/post/2026-02-05-FOSDEM2026.md": [
            ("shannon-robinson", "Shannon Robinson", None, None, None),
            ("sarah-gran", "Sarah Gran", None, None, None),
            ("jonathan-weber-mendez", "Jonathan Weber-Mendez", None, None, None),
        ],
    },
    "nuxt": {
        "content/blog/1.v3.md": [
            ("pooya-parsa", "Pooya Parsa", "https://x.com/_pi0_", "https://github.com/pi0.png", None)
        ],
    },
    "docusaurus": {
        "blog/2021-08-26-welcome/index.md": [
            (
                "endi",
                "Endilie Yacop Sucipto",
                "https://github.com/endiliey",
                "https://github.com/endiliey.png",
                None,
            ),
            ("guest-writer", "Guest Writer", "/blog/2021/08/guest", "/blog/2021/08/26/me.png", None),
        ],
        "blog/2021/09/13/by-path.md": [
            ("joel", "Joël & Co.", "/people/joel", "/joel.png", "Writes about people."),
        ],
        "blog/2022-08-09-zone.md": [("nameless", "nameless", "https://nameless.example/", None, None)],
        "blog/absolute-slug.md": [("endilie-yacop-sucipto", "Endilie Yacop Sucipto", None, None, None)],
        "blog/releases/2022-03-04-v2.md": [("ghost-writer", "ghost writer", None, None, None)],
    },
    "zola": {
        "content/news/2021-06-01_third.md": [
            ("grace-hopper", "Grace Hopper", None, None, None),
            ("alan-turing", "Alan Turing", None, None, None),
        ],
        "content/news/second_post.md": [("oyvind-as", "Øyvind Ås", None, None, None)],
        "content/news/bonjour.fr.md": [
            (
                "ada",
                "Ada Lovelace",
                "https://ada.example/",
                "https://zola.example.org/blog/ada.png",
                None,
            ),
            ("grace-hopper", "Grace Hopper", None, None, None),
            ("alan-turing", "Alan Turing", None, None, None),
        ],
    },
    "eleventy": {
        "src/posts/second.md": [
            ("max", "Max Mustermann", "https://max.example/", "/img/max.png", "Tests."),
            ("zoe", "Zoë Zeta", None, None, None),
            ("nobody-else", "Nobody Else", None, None, None),
        ],
        "src/posts/third/index.md": [
            ("ribbon-and-ron-williams", "Ribbon and Ron Williams", None, None, None)
        ],
        "src/posts/custom.md": [("the-wire-inc", "The Wire, Inc.", None, None, None)],
        "src/posts/entities.md": [
            ("tom-o-neill", "Tom O'Neill", None, None, None),
            ("ann-lee", "Ann Lee", None, None, None),
        ],
        "src/posts/long.md": [("老舍", "老舍", None, None, None)],
        "src/posts/nulls.md": [("extra-person", "Extra Person", None, None, None)],
    },
    "generic": {
        "april.md": [("desk", "The Desk", "/desk/", None, None)],
        "both/index.md": [
            ("nuxt-writer", "Nuxt Writer", "https://social.example/w", "https://img.example/w.png", None)
        ],
        "native.md": [
            ("native-writer", "Native Writer", "https://generic.example/writer", None, None),
            ("second-writer", "Second Writer", None, None, None),
        ],
        "slashes.md": [("ann-lee", "Ann Lee", "/ann/", None, None)],
    },
    "hugo_json": {
        "content/misc/contact.md": [
            (
                "jane",
                "Jane Doe",
                "https://jane.example/",
                "https://json.example.org/img/jane.jpg",
                "Writes about things.",
            ),
            ("john-roe", "John R. Roe", None, "https://json.example.org/john.jpg", None),
            ("kim", "Kim", None, None, None),
        ],
        "content/posts/capitals.md": [
            ("cap-itals", "Cap Itals", None, "https://json.example.org/img/cap.png", "In capitals."),
        ],
    },
    "hugo_bundles": {
        "content/trips/rome/index.fr.md": [
            (
                "guide",
                "The Guide",
                "https://trips.example.org/guide/",
                "https://trips.example.org/guide.jpg",
                None,
            ),
        ],
    },
    "pelican": {
        "content/first-post.md": [
            ("alexis-metaireau", "Alexis Metaireau", None, None, None),
            ("conan-doyle", "Conan Doyle", None, None, None),
        ],
        "content/capitals.md": [("conan", "Conan", None, None, None)],
    },
    "jekyll": {
        "_posts/2021-02-03-late-night.md": [
            (
                "ann",
                "Ann Reporter",
                "https://ann.example/",
                "https://jekyll.example.org/img/ann.png",
                "Reports.",
            ),
            ("bob", "Bob O'Neill", None, None, None),
        ],
        "_posts/2021-08-09-slugged.md": [("kate", "Kate & Co", "https://people.example/kate", None, None)],
        "_posts/press/2021-06-07-statement.md": [("press-office", "Press Office", None, None, None)],
        "_recipes/pasta.md": [
            (
                "chef",
                "Cook",
                "https://jekyll.example.org/chef/",
                "https://jekyll.example.org/cooking/pasta/chef.jpg",
                None,
            ),
        ],
    },
}
"""Slug, name, URL, image and biography of each author, as the file and the site's author data say."""

WHOLE: dict[str, dict[str, AuthorRow]] = {
    "docusaurus": {
        # The newest article wins; the site says nothing in `bio`.
        "endi": (
            "endi",
            "Endilie Yacop Sucipto",
            "https://github.com/endiliey",
            "https://github.com/endiliey.png",
            "Where the site says nothing.",
        ),
        # The newest article that describes them, not the newest one; the ghost is described in a draft only.
        "guest-writer": (
            "guest-writer",
            "Guest Writer",
            "/blog/2021/08/guest",
            "/blog/2021/08/26/me.png",
            None,
        ),
        "ghost-writer": ("ghost-writer", "ghost writer", None, None, None),
        "joel": ("joel", "Joël & Co.", "/people/joel", "/joel.png", "Writes about people."),
    },
    "hugo_json": {  # the later of two mappings has no image and is hidden
        "cap-itals": ("cap-itals", "Cap Itals", None, "https://json.example.org/img/cap.png", "In capitals."),
    },
    "zola": {"grace-hopper": ("grace-hopper", "Grace Hopper", None, None, None)},
    "hugo_bundles": {"jane-doe": ("jane-doe", "jane doe", None, None, None)},
    "pelican": {
        "alexis-metaireau": ("alexis-metaireau", "Alexis Métaireau", None, None, None),
        "conan": ("conan", "Conan", "https://conan.example/", None, None),
    },
    "jekyll": {"carla-diaz": ("carla-diaz", "Carla Diaz", None, None, None)},
}
"""Authors as the public sees them over the whole site."""

MODIFIED: dict[str, dict[str, str]] = {
    "docusaurus": {"blog/2022-08-09-zone.md": "2022-08-10T06:00:00Z"},
    "zola": {"content/news/2021-06-01_third.md": "2021-06-03T08:00:00Z"},
    "eleventy": {
        "src/posts/third/index.md": "2021-03-02T00:00:00Z",
        "src/posts/2021-03-03-bundle/index.md": "2021-03-04T09:00:00Z",
        "src/posts/nulls.md": "2021-11-02T10:00:00Z",
    },
    "generic": {"native.md": "2021-04-21T08:00:00Z", "en/hello.md": "2021-04-23T08:00:00Z"},
    "hugo_json": {  # the zone is Paris
        "content/posts/slugged.md": "2021-06-02T08:00:00Z",
        "content/posts/capitals.md": "2021-06-01T22:00:00Z",
    },
    "hugo_bundles": {"content/trips/rome/index.fr.md": "2021-01-03T00:00:00Z"},
    "pelican": {
        "content/first-post.md": "2010-12-05T19:30:00Z",
        "content/image.md": "2013-05-02T00:00:00Z",
        "content/capitals.md": "2013-06-02T08:30:00Z",
    },
    "jekyll": {  # the zone is New York
        "_posts/2021-02-03-late-night.md": "2021-02-05T15:00:00Z",
        "_posts/2021-03-04-with-categories.md": "2021-03-05T05:00:00Z",
    },
}
