-- Find the story of an article by its slug. With (scope, slug) alone, SQLite reads all articles of the scope
-- instead, which it estimates to be ten.

DROP INDEX story_article_slug;
CREATE INDEX story_article_slug ON story_article (scope, slug, story);
