-- Stories, for two scopes: the connected components of mutual links, of two or more articles.

CREATE TABLE story (
    scope INTEGER NOT NULL,
    slug TEXT NOT NULL,                -- the first slug of its articles
    node_id TEXT NOT NULL,
    title TEXT NOT NULL,               -- of the lead article
    lead_id INTEGER NOT NULL,
    lead_slug TEXT NOT NULL,
    size INTEGER NOT NULL,
    first_published TEXT NOT NULL,     -- as served; of equal instants, that of the first slug
    last_published TEXT NOT NULL,
    last_at TEXT NOT NULL,             -- key of `last_published`; sorts by instant
    PRIMARY KEY (scope, slug)
) STRICT, WITHOUT ROWID;
CREATE INDEX story_latest ON story (scope, last_at DESC, lead_slug);
CREATE INDEX story_size ON story (scope, size DESC, last_at DESC, lead_slug);

CREATE TABLE story_article (
    scope INTEGER NOT NULL,
    article_id INTEGER NOT NULL,
    story TEXT NOT NULL,               -- the story's slug
    slug TEXT NOT NULL,                -- the article's slug
    PRIMARY KEY (scope, article_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX story_article_story ON story_article (scope, story, article_id);
CREATE INDEX story_article_slug ON story_article (scope, slug);

-- The next ingest reads every file and derives the stories.
UPDATE store SET fingerprint = '';
