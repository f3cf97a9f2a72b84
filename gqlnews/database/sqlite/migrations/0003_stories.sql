-- Stories, for two scopes: the connected components of mutual links, of two or more articles.

CREATE TABLE story (
    scope INTEGER NOT NULL,
    slug TEXT NOT NULL,                -- the least slug of its articles
    node_id TEXT NOT NULL,
    title TEXT NOT NULL,               -- the lead's
    lead_id INTEGER NOT NULL,
    lead_slug TEXT NOT NULL,
    size INTEGER NOT NULL,
    first_published TEXT NOT NULL,     -- as served; of equal instants the first slug's
    last_published TEXT NOT NULL,
    last_at TEXT NOT NULL,             -- of `last_published`; orders as instants do
    PRIMARY KEY (scope, slug)
) STRICT, WITHOUT ROWID;
CREATE INDEX story_latest ON story (scope, last_at DESC, lead_slug);
CREATE INDEX story_size ON story (scope, size DESC, last_at DESC, lead_slug);

CREATE TABLE story_article (
    scope INTEGER NOT NULL,
    article_id INTEGER NOT NULL,
    story TEXT NOT NULL,               -- the story's slug
    slug TEXT NOT NULL,                -- the article's
    PRIMARY KEY (scope, article_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX story_article_story ON story_article (scope, story, article_id);
CREATE INDEX story_article_slug ON story_article (scope, slug);

-- The next ingest reads every file, and finds the stories on the way.
UPDATE store SET fingerprint = '';
