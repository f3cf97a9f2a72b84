-- Number of articles per name of a topic or provider, updated incrementally.

CREATE TABLE topic_use (
    topic TEXT NOT NULL,
    name TEXT NOT NULL,
    published INTEGER NOT NULL,
    articles INTEGER NOT NULL,
    PRIMARY KEY (topic, name, published)
) STRICT, WITHOUT ROWID;
INSERT INTO topic_use SELECT topic, name, published, count(*) FROM article_topic GROUP BY topic, name, published;

-- `own`: the article gives the name to its own provider; else it lists coverage under that name.
CREATE TABLE provider_use (
    domain TEXT NOT NULL,
    name TEXT NOT NULL,
    own INTEGER NOT NULL,
    published INTEGER NOT NULL,
    articles INTEGER NOT NULL,
    PRIMARY KEY (domain, name, own, published)
) STRICT, WITHOUT ROWID;
INSERT INTO provider_use
SELECT provider_domain, provider_name, 1, published, count(*) FROM article
WHERE provider_domain IS NOT NULL GROUP BY provider_domain, provider_name, published;
INSERT INTO provider_use
SELECT domain, name, 0, published, count(*)
FROM (
    SELECT DISTINCT provider_domain AS domain, provider_name AS name, article_id
    FROM related WHERE provider_domain IS NOT NULL
) JOIN article ON id = article_id
GROUP BY domain, name, published;

-- The newest article with images of its provider.
CREATE INDEX article_provider_images ON article (provider_domain, published_at DESC, slug, published)
    WHERE provider_images IS NOT NULL;
