-- Authors, sections and translations of articles, and what the configuration says about the site.

ALTER TABLE article DROP COLUMN authors;
ALTER TABLE article ADD COLUMN author_slugs TEXT NOT NULL DEFAULT '';  -- list of texts
ALTER TABLE article ADD COLUMN section TEXT;                           -- the folder of the slug
ALTER TABLE article ADD COLUMN translation_key TEXT;
-- For neighbors only: a filter has no `> ''`, so it reads the covering indexes.
CREATE INDEX article_own_section_newest ON article (section, published_at DESC, slug, published)
    WHERE section > '';
CREATE INDEX article_language_newest ON article (language, published_at DESC, slug, published)
    WHERE language > '';
CREATE INDEX article_translation_key ON article (translation_key, language, slug, published)
    WHERE translation_key IS NOT NULL;

CREATE VIEW translation AS
SELECT original.id AS article_id, other.id AS target_id,
    iif(other.language IS NULL, '1', '0' || other.language || char(1)) || other.slug AS position
FROM article AS original CROSS JOIN article AS other ON other.translation_key = original.translation_key
WHERE other.id <> original.id AND other.language IS NOT original.language;

-- Copies of the article's order and visibility, as in `article_topic`.
CREATE TABLE article_author (
    article_id INTEGER NOT NULL REFERENCES article ON DELETE CASCADE,
    position INTEGER NOT NULL,
    author TEXT NOT NULL,              -- the author's slug
    name TEXT NOT NULL,                -- as written in this file, or in the author data of its site
    url TEXT,
    image TEXT NOT NULL,               -- JSON array of at most one image
    bio TEXT,
    is_described INTEGER NOT NULL,     -- 1: there is more than a name
    published INTEGER NOT NULL,
    published_at TEXT NOT NULL,
    slug TEXT NOT NULL,                -- the article's
    quality INTEGER,
    heat INTEGER,
    has_image INTEGER NOT NULL,
    PRIMARY KEY (article_id, position)
) STRICT, WITHOUT ROWID;
-- The newest articles that say something about an author.
CREATE INDEX article_author_described ON article_author (author, published_at DESC, slug, published)
    WHERE is_described = 1;
CREATE INDEX article_author_url ON article_author (author, published_at DESC, slug, published)
    WHERE url IS NOT NULL;
CREATE INDEX article_author_image ON article_author (author, published_at DESC, slug, published)
    WHERE image <> '[]';
CREATE INDEX article_author_bio ON article_author (author, published_at DESC, slug, published)
    WHERE bio IS NOT NULL;

-- A row for the section of an article, and for each section above it.
CREATE TABLE article_section (
    article_id INTEGER NOT NULL REFERENCES article ON DELETE CASCADE,
    position INTEGER NOT NULL,
    section TEXT NOT NULL,
    published INTEGER NOT NULL,
    published_at TEXT NOT NULL,
    slug TEXT NOT NULL,
    quality INTEGER,
    heat INTEGER,
    has_image INTEGER NOT NULL,
    PRIMARY KEY (article_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE author (
    scope INTEGER NOT NULL,
    slug TEXT NOT NULL,
    node_id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT,
    url TEXT,
    image TEXT NOT NULL,               -- JSON array
    bio TEXT,
    article_count INTEGER NOT NULL,
    PRIMARY KEY (scope, slug)
) STRICT, WITHOUT ROWID;
CREATE INDEX author_name ON author (scope, name, slug);

CREATE TABLE section (
    scope INTEGER NOT NULL,
    path TEXT NOT NULL,
    node_id TEXT NOT NULL,
    title TEXT NOT NULL,
    parent TEXT,
    article_count INTEGER NOT NULL,
    PRIMARY KEY (scope, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX section_parent ON section (scope, parent, path);

CREATE TABLE author_use (
    author TEXT NOT NULL,
    name TEXT NOT NULL,
    published INTEGER NOT NULL,
    articles INTEGER NOT NULL,
    PRIMARY KEY (author, name, published)
) STRICT, WITHOUT ROWID;

CREATE TABLE section_use (
    section TEXT NOT NULL,
    published INTEGER NOT NULL,
    articles INTEGER NOT NULL,
    PRIMARY KEY (section, published)
) STRICT, WITHOUT ROWID;

ALTER TABLE site ADD COLUMN node_id TEXT NOT NULL DEFAULT 'U2l0ZTo=';
ALTER TABLE site ADD COLUMN title TEXT;
ALTER TABLE site ADD COLUMN url TEXT;
ALTER TABLE site ADD COLUMN language TEXT;
ALTER TABLE provider ADD COLUMN url TEXT;

-- The base URL of each site in the folder, by host.
CREATE TABLE site_url (
    domain TEXT PRIMARY KEY,
    url TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The next ingest reads every file.
UPDATE store SET fingerprint = '';
