-- The content of one folder, for two scopes: 0 is published content, 1 is all content.

CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    line TEXT NOT NULL,                -- epoch: identifies this store in version tokens
    last_version INTEGER NOT NULL,
    fingerprint TEXT NOT NULL          -- everything besides the bytes that decides how files are interpreted
) STRICT;

-- One row per audience: 0 the public, 1 everyone if unpublished articles are public, 2 editors.
CREATE TABLE site (
    audience INTEGER PRIMARY KEY,
    version TEXT NOT NULL,
    article_count INTEGER NOT NULL,
    provider_count INTEGER NOT NULL,
    topic_count INTEGER NOT NULL,
    first_published TEXT,
    last_published TEXT,
    ingested_at TEXT
) STRICT;

CREATE TABLE source (
    path TEXT PRIMARY KEY,
    slug TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    read_ns INTEGER NOT NULL,          -- when its bytes were last read, wall clock
    revision TEXT                      -- hash of its bytes; null if they could not be read
) STRICT, WITHOUT ROWID;
CREATE INDEX source_slug ON source (slug, path);

CREATE TABLE article (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    node_id TEXT NOT NULL,
    published INTEGER NOT NULL CHECK (published IN (0, 1)),
    published_at TEXT NOT NULL,        -- sorts by instant: UTC, no Z, no trailing zeros
    published_date_time TEXT NOT NULL, -- as served
    title TEXT NOT NULL,
    excerpt TEXT,
    url TEXT NOT NULL,
    web_url TEXT,
    original_url TEXT,
    amp_web_url TEXT,
    cdn_amp_web_url TEXT,
    category TEXT,
    type TEXT NOT NULL,
    quality INTEGER,
    heat INTEGER,
    provider_domain TEXT,
    provider_name TEXT,
    images TEXT NOT NULL,              -- JSON array
    related_count INTEGER NOT NULL,
    word_count INTEGER NOT NULL,
    reading_minutes INTEGER,
    updated_at TEXT NOT NULL,
    revision TEXT NOT NULL,
    provider_images TEXT,              -- JSON array: the images that this file gives its own provider
    url_line INTEGER,
    url_column INTEGER,
    published_line INTEGER,
    published_column INTEGER,
    path TEXT NOT NULL,                -- the file it was last read from
    table_of_contents TEXT NOT NULL,   -- JSON array
    featured_content TEXT,
    extra TEXT NOT NULL,               -- JSON object
    secured TEXT,
    body TEXT,
    html TEXT
) STRICT;
CREATE INDEX article_newest ON article (published_at DESC, slug);
CREATE INDEX article_newest_public ON article (published_at DESC, slug) WHERE published = 1;
CREATE INDEX article_provider ON article (provider_domain, published_at DESC, slug);
CREATE INDEX article_provider_public ON article (provider_domain, published_at DESC, slug) WHERE published = 1;

CREATE TABLE related (
    article_id INTEGER NOT NULL REFERENCES article ON DELETE CASCADE,
    position INTEGER NOT NULL,
    target_id INTEGER REFERENCES article ON DELETE SET NULL,  -- the article that owns `url`
    published_at TEXT,
    published_date_time TEXT,
    title TEXT NOT NULL,
    excerpt TEXT,
    url TEXT NOT NULL,
    web_url TEXT,
    original_url TEXT,
    amp_web_url TEXT,
    cdn_amp_web_url TEXT,
    type TEXT NOT NULL,
    quality INTEGER,
    provider_domain TEXT,
    provider_name TEXT,
    images TEXT NOT NULL,
    PRIMARY KEY (article_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX related_url ON related (url);
CREATE INDEX related_target ON related (target_id);
CREATE INDEX related_provider ON related (provider_domain, provider_name) WHERE provider_domain IS NOT NULL;

-- Every URL of every article, and the one article that owns each.
CREATE TABLE article_url (
    url TEXT NOT NULL,
    article_id INTEGER NOT NULL REFERENCES article ON DELETE CASCADE,
    PRIMARY KEY (url, article_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX article_url_article ON article_url (article_id);

CREATE TABLE url_owner (
    url TEXT PRIMARY KEY,
    article_id INTEGER NOT NULL REFERENCES article ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX url_owner_article ON url_owner (article_id);

-- Copies of the article's order and visibility, so that a topic's page is one index scan.
CREATE TABLE article_topic (
    article_id INTEGER NOT NULL REFERENCES article ON DELETE CASCADE,
    position INTEGER NOT NULL,
    topic TEXT NOT NULL,               -- the topic's slug
    name TEXT NOT NULL,                -- as written in this file
    published INTEGER NOT NULL,
    published_at TEXT NOT NULL,
    slug TEXT NOT NULL,                -- the article's
    PRIMARY KEY (article_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX article_topic_newest ON article_topic (topic, published_at DESC, slug);
CREATE INDEX article_topic_newest_public ON article_topic (topic, published_at DESC, slug) WHERE published = 1;

CREATE TABLE topic (
    scope INTEGER NOT NULL,
    slug TEXT NOT NULL,
    node_id TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (scope, slug)
) STRICT, WITHOUT ROWID;

CREATE TABLE provider (
    scope INTEGER NOT NULL,
    domain TEXT NOT NULL,
    node_id TEXT NOT NULL,
    name TEXT NOT NULL,
    names TEXT NOT NULL,               -- JSON array
    images TEXT NOT NULL,              -- JSON array
    PRIMARY KEY (scope, domain)
) STRICT, WITHOUT ROWID;

CREATE TABLE problem (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    line INTEGER,
    column_ INTEGER,
    severity TEXT NOT NULL CHECK (severity IN ('ERROR', 'WARNING')),
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    across INTEGER NOT NULL CHECK (across IN (0, 1)), -- 1: of several files together, derived again at each ingest
    subject TEXT                                      -- the slug or URL that those files share
) STRICT;
CREATE INDEX problem_place ON problem (path, line, column_, code);
CREATE INDEX problem_subject ON problem (subject) WHERE subject IS NOT NULL;

-- Change log. A version is one change; REMOVED rows have no article.
CREATE TABLE change (
    version INTEGER PRIMARY KEY,
    slug TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('ADDED', 'UPDATED', 'REMOVED')),
    was_public INTEGER NOT NULL,
    is_public INTEGER NOT NULL
) STRICT;
