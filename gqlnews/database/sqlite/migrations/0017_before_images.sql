-- What an article was before each change, as far as filters read it. The ingest adds the columns of custom fields.

-- The two versions are the numbers of the change in scope 1 and in scope 0, where it is null if the public did not see
-- the change. All columns after them are null if the article was added again after a removal.
CREATE TABLE article_before (
    id INTEGER PRIMARY KEY,            -- ascends with the versions
    slug TEXT NOT NULL,
    version INTEGER NOT NULL,
    public_version INTEGER,
    title TEXT,
    category TEXT,
    type TEXT,
    language TEXT,
    topic_slugs TEXT,
    author_slugs TEXT,
    section TEXT,
    provider_domain TEXT,
    published_at TEXT,
    updated_key TEXT,
    modified_at TEXT,
    quality INTEGER,
    heat INTEGER,
    published INTEGER,
    has_image INTEGER,
    related_count INTEGER,
    slug_folded TEXT,
    title_folded TEXT,
    category_folded TEXT,
    type_folded TEXT,
    language_folded TEXT,
    provider_domain_folded TEXT,
    text BLOB                          -- its searchable text, compressed; null if the change left it as it was
) STRICT;
CREATE INDEX article_before_version ON article_before (slug, version);
CREATE INDEX article_before_public_version ON article_before (slug, public_version) WHERE public_version IS NOT NULL;

-- The newest version whose image was pruned: what an article was at earlier versions is unknown.
ALTER TABLE site ADD COLUMN images_pruned INTEGER NOT NULL DEFAULT 0;
UPDATE site SET images_pruned = number;
