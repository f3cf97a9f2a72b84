"""Addresses and instants that were worked out by hand, from each site's configuration and files alone.

The path of each file is relative to the folder of the site.
"""

Table = dict[str, tuple[str, str]]

REAL: dict[str, Table] = {
    # config/_default/hugo.toml: baseURL, permalinks.post = "/:year/:month/:day/:slug/", uglyURLs.post = true;
    # languages.en.toml: contentDir = "content/en", English is the default language. Slugs become lower case.
    "letsencrypt": {
        "content/en/post/2025-01-30-Scaling-Rate-Limits.md": (
            "https://letsencrypt.org/2025/01/30/scaling-rate-limits.html",
            "2025-01-30T00:00:00Z",
        ),
        "content/en/post/2025-05-14-ending-tls-client-authorization.md": (
            "https://letsencrypt.org/2025/05/14/ending-tls-client-authentication.html",
            "2025-05-14T00:00:00Z",
        ),
        "content/en/post/2025-08-06-ocsp-service-has-reached-end-of-life.md": (
            "https://letsencrypt.org/2025/08/06/ocsp-service-has-reached-end-of-life.html",
            "2025-08-06T00:00:00Z",
        ),
        "content/en/post/2025-09-16-ARI-RFC.md": (
            "https://letsencrypt.org/2025/09/16/ari-rfc.html",
            "2025-09-16T00:00:00Z",
        ),
        "content/en/post/2025-10-07-Ten-yrs-community-forum.md": (
            "https://letsencrypt.org/2025/10/07/ten-yrs-community-forum.html",
            "2025-10-07T00:00:00Z",
        ),
        "content/en/post/2025-12-09-10-years.md": (
            "https://letsencrypt.org/2025/12/09/10-years.html",
            "2025-12-09T00:00:00Z",
        ),
        "content/en/post/2026-01-15-IP-and-6day-general-availability.md": (
            "https://letsencrypt.org/2026/01/15/6day-and-ip-general-availability.html",
            "2026-01-15T00:00:00Z",
        ),
        "content/en/post/2026-02-05-FOSDEM2026.md": (
            "https://letsencrypt.org/2026/02/05/fosdem2026.html",
            "2026-02-05T00:00:00Z",
        ),
        "content/en/post/2026-02-18-DNS-PERSIST-01.md": (
            "https://letsencrypt.org/2026/02/18/dns-persist-01.html",
            "2026-02-18T00:00:00Z",
        ),
        "content/en/post/2026-06-03-PQ-Certs.md": (
            "https://letsencrypt.org/2026/06/03/pq-certs.html",
            "2026-06-03T00:00:00Z",
        ),
    },
    # next.config.mjs is code: no host. A page's path is that below `pages`, without a slash at the end.
    "nodejs": {
        f"apps/site/pages/en/blog/{path}.md": (f"/en/blog/{path}", instant)
        for path, instant in {
            "weekly/weekly-update.2015-05-08": "2015-05-08T12:00:00.000Z",
            "weekly/weekly-update.2015-05-15": "2015-05-15T12:00:00.000Z",
            "weekly/weekly-update.2015-06-12": "2015-06-12T12:00:00.000Z",
            "weekly/weekly-update.2015-10-02": "2015-10-02T12:00:00.000Z",
            "weekly/weekly-update.2016-01-01": "2016-01-01T12:00:00.000Z",
            "weekly/weekly-update.2016-02-22": "2016-02-23T12:00:00.000Z",  # unlike its name
            "weekly/weekly-update.2016-06-16": "2016-06-16T12:00:00.000Z",
            "weekly/weekly-update.2016-12-25": "2016-12-25T12:00:00.000Z",
            "weekly/weekly-update.2017-02-10": "2017-02-10T12:00:00.000Z",
            "wg/diag-wg-update-2017-02": "2017-02-28T08:00:00.000Z",
        }.items()
    },
    # nuxt.config.ts is code: no host. The order prefix of a name goes.
    "nuxt": {
        "content/blog/1.v3.md": ("/blog/v3", "2022-11-16T00:00:00Z"),
        "content/blog/2.vision-2023.md": ("/blog/vision-2023", "2023-01-17T00:00:00Z"),
        "content/blog/3.nuxt3-rc.md": ("/blog/nuxt3-rc", "2022-04-12T00:00:00Z"),
        "content/blog/5.going-full-static.md": ("/blog/going-full-static", "2020-06-18T00:00:00Z"),
        "content/blog/7.understanding-how-fetch-works-in-nuxt-2-12.md": (
            "/blog/understanding-how-fetch-works-in-nuxt-2-12",
            "2020-04-06T00:00:00Z",
        ),
        "content/blog/18.nuxt-devtools-v1-0.md": ("/blog/nuxt-devtools-v1-0", "2023-11-13T00:00:00Z"),
        "content/blog/27.v3-13.md": ("/blog/v3-13", "2024-08-22T10:00:00.000Z"),
        "content/blog/27.v3-14.md": ("/blog/v3-14", "2024-11-04T10:00:00.000Z"),
        "content/blog/40.building-nuxt-mcp.md": ("/blog/building-nuxt-mcp", "2025-11-13T10:00:00.000Z"),
        "content/blog/47.v4-5-security.md": ("/blog/v4-5-security", "2026-07-27T00:00:00.000Z"),
    },
    # config.toml: baseurl; English is the default language, at the root; no permalinks: path and slash.
    "redox": {
        f"content/news/{name}.md": (f"https://www.redox-os.org/news/{name}/", instant)
        for name, instant in {
            "this-month-240531": "2024-05-31T00:00:00Z",
            "this-month-260228": "2026-02-28T00:00:00Z",
            "this-summer-in-redox-15": "2016-09-26T11:54:15Z",
            "this-week-in-redox-1": "2015-10-06T14:42:56Z",
            "this-week-in-redox-4": "2015-10-30T15:01:00Z",
            "this-week-in-redox-14": "2016-04-30T18:47:46Z",
            "this-week-in-redox-22": "2017-06-15T13:00:00Z",
            "this-year-in-redox-18": "2016-12-31T21:49:00Z",
            "toolchain-upgrade-1": "2023-09-12T00:00:00Z",
            "visual-refresh-19": "2017-02-23T03:16:00Z",
        }.items()
    },
    # _config.yml: permalink: pretty, timezone: UTC; the folders above `_posts` are categories of the address.
    "ruby": {
        f"{language}/news/_posts/{day}-{name}.md": (
            f"https://www.ruby-lang.org/{language}/news/{day.replace('-', '/')}/{name}/",
            instant,
        )
        for language, day, name, instant in (
            ("en", "2025-07-15", "ruby-3-4-5-released", "2025-07-15T17:00:00Z"),
            ("en", "2025-07-24", "ruby-3-2-9-released", "2025-07-24T08:51:53Z"),
            ("en", "2025-09-18", "dos-rexml-cve-2025-58767", "2025-09-18T03:00:00Z"),
            ("en", "2025-12-22", "redesign-site-identity", "2025-12-22T05:46:09Z"),
            ("en", "2026-04-21", "erb-cve-2026-41316", "2026-04-21T07:51:00Z"),
            ("fr", "2021-05-02", "os-command-injection-in-rdoc", "2021-05-02T09:00:00Z"),
            ("fr", "2021-08-03", "fukuoka-ruby-award-2022", "2021-08-03T00:00:00Z"),
            ("fr", "2021-11-24", "buffer-overrun-in-cgi-escape_html-cve-2021-41816", "2021-11-24T12:00:00Z"),
            ("fr", "2025-02-14", "ruby-3-4-2-released", "2025-02-14T21:55:17Z"),
            ("fr", "2025-12-22", "redesign-site-identity", "2025-12-22T05:46:09Z"),
        )
    },
    # src/config.yaml: site https://safedep.io, base /, no slash at the end, permalink '/%slug%'.
    "safedep": {
        f"src/content/post/{slug}.mdx": (f"https://safedep.io/{slug}", f"{day}T00:00:00Z")
        for slug, day in {
            "agentic-workflows-for-malicious-package-analysis": "2025-03-28",
            "burp-collaborator-for-dependency-confusion-attack": "2025-01-16",
            "introducing-gitlab-ci-component": "2025-03-31",
            "introducing-vetpkg-dev": "2025-02-18",
            "malicious-npm-package-impersonating-slf4j": "2025-04-21",
            "nyc-config-malicious-package": "2025-03-13",
            "safe-and-secure-oss-consumption": "2024-09-15",
            "vet-defect-dojo-integration": "2025-04-14",
            "what-is-next-gen-sca": "2025-02-06",
            "why-oss-risks-larger-than-sca": "2024-10-03",
        }.items()
    },
}

FIXTURES: dict[str, Table] = {
    "zola": {
        f"content/news/{path}": (f"https://zola.example.org/blog{address}", instant)
        for path, address, instant in (
            ("2021-04-15-first-steps.md", "/news/first-steps/", "2021-04-15T00:00:00Z"),
            ("second_post.md", "/news/second-post/", "2021-05-01T00:00:00Z"),
            ("2021-06-01_third.md", "/news/the-third/", "2021-06-01T08:30:00Z"),
            ("deep/nested-one.md", "/news/deep/nested-one/", "2021-06-02T08:00:00Z"),
            ("own-path.md", "/2021/07/07/own/", "2021-07-07T00:00:00Z"),
            ("2021-08-08-bundle/index.md", "/news/bundle/", "2021-08-08T00:00:00Z"),
            ("bonjour.md", "/news/bonjour/", "2021-09-01T00:00:00Z"),
            ("bonjour.fr.md", "/fr/news/bonjour/", "2021-09-01T00:00:00Z"),
            ("2999-01-01-future.md", "/news/future/", "2999-01-01T00:00:00Z"),
            ("Été à Rome.md", "/news/ete-a-rome/", "2021-11-01T00:00:00Z"),
            ("2021-12-24-no-title.md", "/news/no-title/", "2021-12-24T00:00:00Z"),
        )
    },
    "eleventy": {
        f"src/posts/{path}": (address, instant)
        for path, address, instant in (
            ("2021-01-05-first-post.md", "/posts/first-post/", "2021-01-05T00:00:00Z"),
            ("second.md", "/posts/second/", "2021-02-01T00:00:00Z"),
            ("third/index.md", "/posts/third/", "2021-03-01T09:30:00Z"),
            ("2021-03-03-bundle/index.md", "/posts/2021-03-03-bundle/", "2021-03-03T00:00:00Z"),
            ("custom.md", "/articles/custom/", "2021-04-01T00:00:00Z"),
            ("custom-file.md", "/feeds/special/", "2021-04-02T00:00:00Z"),
            ("old-page.md", "/old/page.html", "2021-04-03T00:00:00Z"),
            ("templates.md", "/posts/templates/", "2021-06-01T00:00:00Z"),
            ("link.md", "/posts/link/", "2021-07-01T00:00:00Z"),
            ("shouting/2021-12-01-LOUD.md", "/posts/shouting/LOUD/", "2021-12-01T00:00:00Z"),
        )
    },
    "docusaurus": {
        f"blog/{path}": (f"/blog/{address}", instant)
        for path, address, instant in (
            ("2019-05-28-first-blog-post.md", "first-blog-post", "2019-05-28T00:00:00Z"),
            ("2019-05-29-long-blog-post.mdx", "2019/05/29/long-blog-post", "2019-05-29T00:00:00Z"),
            ("2021-08-26-welcome/index.md", "2021/08/26/welcome", "2021-08-26T00:00:00Z"),
            ("2021/09/13/by-path.md", "2021/09/13/by-path", "2021-09-13T00:00:00Z"),
            ("2021-10-01-no-header.md", "2021/10/01/no-header", "2021-10-01T00:00:00Z"),
            ("dated-by-key.md", "dated-by-key", "2022-01-02T10:00:00Z"),
            ("releases/2022-03-04-v2.md", "2022/03/04/releases/v2", "2022-03-04T00:00:00Z"),
            ("absolute-slug.md", "elsewhere/entirely", "2022-04-05T12:00:00.000Z"),
            ("2022-07-08-described/index.mdx", "2022/07/08/described", "2022-07-08T00:00:00Z"),
            ("2022-08-09-zone.md", "2022/08/09/zone", "2022-08-10T04:30:00Z"),
        )
    },
    "pelican": {
        f"content/{path}": (address, f"{instant}Z")
        for path, address, instant in (
            ("first-post.md", "/my-super-post.html", "2010-12-03T10:20:00"),
            ("news/second.md", "/elan-vital-more.html", "2011-01-02T00:00:00"),
            ("2012-12-01-from-name.md", "/from-the-name.html", "2012-12-01T00:00:00"),
            ("status-hidden.md", "/hidden.html", "2013-01-02T00:00:00"),
            ("multi.md", "/many-lines.html", "2013-02-01T00:00:00"),
            ("punctuation.md", "/version-20-released-now.html", "2013-03-01T00:00:00"),
            ("fenced.md", "/fenced.html", "2013-04-01T00:00:00"),
            ("image.md", "/with-an-image.html", "2013-05-01T00:00:00"),
            ("capitals.md", "/capital-letters.html", "2013-06-01T00:00:00"),
            ("month-name.md", "/month-by-name.html", "2013-04-15T00:00:00"),
            ("crlf.md", "/line-ends.html", "2013-07-01T00:00:00"),
        )
    },
    "jekyll": {  # the zone is New York: five hours behind UTC, four in summer
        path: (f"https://jekyll.example.org{address}", instant)
        for path, address, instant in (
            (
                "_posts/2021-01-01-happy-new-year.md",
                "/2021/01/01/happy-new-year.html",
                "2021-01-01T05:00:00Z",
            ),
            ("_posts/2021-02-03-late-night.md", "/2021/02/04/late-night.html", "2021-02-04T07:30:00Z"),
            (
                "_posts/2021-03-04-with-categories.md",
                "/world/politics/2021/03/04/with-categories.html",
                "2021-03-04T05:00:00Z",
            ),
            (
                "sports/_posts/2021-04-05-match.md",
                "/sports/football/2021/04/05/match.html",
                "2021-04-05T04:00:00Z",
            ),
            ("_posts/nested/2021-05-06-inner.md", "/2021/05/06/inner.html", "2021-05-06T04:00:00Z"),
            ("_posts/press/2021-06-07-statement.md", "/press/statement/", "2021-06-07T04:00:00Z"),
            ("_posts/2021-07-08-own-permalink.md", "/special/2021/own-permalink/", "2021-07-08T04:00:00Z"),
            ("_posts/2021-08-09-slugged.md", "/2021/08/09/other-name.html", "2021-08-09T04:00:00Z"),
            (
                "_posts/2021-11-12-Mixed_Case Title.md",
                "/2021/11/12/Mixed_Case-Title.html",
                "2021-11-12T05:00:00Z",
            ),
            ("_recipes/pasta.md", "/cooking/pasta/", "2021-01-02T17:00:00Z"),
            ("_notes/deep/idea.md", "/notes/deep/idea.html", "2021-01-03T12:00:00Z"),
        )
    },
    "hugo_json": {  # the zone is Paris: one hour before UTC, two in summer
        f"content/{path}": (f"https://json.example.org{address}", instant)
        for path, address, instant in (
            ("posts/first.md", "/2021/04/first/", "2021-04-15T11:00:00Z"),
            ("posts/Second Post.md", "/2021/05/second-post/", "2021-04-30T22:00:00Z"),
            ("posts/slugged.md", "/2021/05/own-slug/", "2021-06-01T03:30:00Z"),
            ("posts/capitals.md", "/2021/06/capitals/", "2021-05-31T22:00:00Z"),
            ("notes/default.md", "/notes/default/", "2021-06-01T22:00:00Z"),
            ("wire/ugly.md", "/wire/ugly.html", "2021-06-02T22:00:00Z"),
            ("misc/contact.md", "/contact-us/", "2021-06-03T22:00:00Z"),
            ("misc/plain.md", "/plain/address/", "2021-06-04T22:00:00Z"),
            ("misc/naive.md", "/misc/naive/", "2021-07-14T07:00:00Z"),
            ("misc/toml.md", "/misc/toml/", "2021-07-16T00:00:00Z"),
            ("misc/yaml.md", "/misc/yaml/", "2021-07-17T06:00:00Z"),
        )
    },
    "hugo_bundles": {
        f"content/{path}": (f"https://trips.example.org{address}", f"{instant}Z")
        for path, address, instant in (
            ("trips/alps/index.md", "/trips/alps/", "2021-01-01T00:00:00"),
            ("trips/rome/index.md", "/trips/rome/", "2021-01-02T00:00:00"),
            ("trips/rome/index.fr.md", "/fr/trips/rome/", "2021-01-02T00:00:00"),
            ("trips/sea/index.md", "/trips/sea/", "2021-01-03T00:00:00"),
            ("trips/wood/index.md", "/trips/wood/", "2021-01-04T00:00:00"),
            ("trips/shore/index.md", "/trips/the-shore/", "2021-01-06T00:00:00"),
            ("trips/plain.md", "/trips/plain/", "2021-01-07T00:00:00"),
            ("trips/two.fr.md", "/fr/trips/two/", "2021-01-08T00:00:00"),
            ("trips/Été.md", "/trips/%C3%A9t%C3%A9/", "2021-01-09T00:00:00"),
            ("archive/old/form.md", "/archive/2011/old-form-new-site/", "2012-01-01T04:30:00"),
        )
    },
    "generic": {
        path: (address, f"{instant}Z")
        for path, address, instant in (
            ("2021/04/15/story.md", "/2021/04/15/story/", "2021-04-15T00:00:00"),
            ("notes/2021-05-06-item.md", "/notes/2021-05-06-item/", "2021-05-06T00:00:00"),
            ("april.md", "/april/", "2021-04-15T00:00:00"),
            ("unpadded.md", "/unpadded/", "2021-04-05T00:00:00"),
            ("slashes.md", "/slashes/", "2021-04-05T10:00:00"),
            ("hour.md", "/hour/", "2021-04-15T07:05:00"),
            ("compact.md", "/compact/", "2021-04-15T11:00:00.250"),
            ("both/index.md", "/both/", "2021-04-18T00:00:00"),
            ("mapped-url.md", "https://generic.example/story", "2021-04-19T00:00:00"),
            ("fr/hello.md", "/fr/hello/", "2021-04-22T00:00:00"),
        )
    },
}

GIVEN: dict[str, tuple[str, ...]] = {
    "letsencrypt": (".", "content", "content/en/post"),
    "nodejs": (".", "apps/site/pages/en/blog"),
    "nuxt": (".", "content"),
    "redox": (".", "content"),
    "ruby": (".", "en/news/_posts"),
    "safedep": (".", "src/content/post"),
    "zola": (".", "content"),
    "eleventy": (".", "src"),
    "docusaurus": (".", "blog"),
    "pelican": (".", "content"),
    "jekyll": (".", "_posts"),
    "hugo_json": (".", "content"),
    "hugo_bundles": (".", "content"),
    "generic": (".",),
}
"""Which folders of each site are given to gqlnews: that of the site, and those of its content."""

PRESETS = {
    "letsencrypt": ("hugo", "config/_default/hugo.toml", 29),
    "nodejs": ("next", "apps/site/next.config.mjs", 60),
    "nuxt": ("nuxt", "nuxt.config.ts", 50),
    "redox": ("hugo", "config.toml", 60),
    "ruby": ("jekyll", "_config.yml", 60),
    "safedep": ("astro", "astro.config.ts", 21),
    "zola": ("zola", "config.toml", 12),
    "eleventy": ("eleventy", "eleventy.config.js", 15),
    "docusaurus": ("docusaurus", "docusaurus.config.js", 13),
    "pelican": ("pelican", "pelicanconf.py", 13),
    "jekyll": ("jekyll", "_config.yml", 16),
    "hugo_json": ("hugo", "hugo.yaml", 14),
    "hugo_bundles": ("hugo", "config.toml", 14),
    "generic": ("generic", None, 14),
}
"""The preset of each site, the file that it is found by, and how many articles the whole site has."""
