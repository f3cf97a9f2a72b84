-- Find the story of an article by its slug. SQLite estimates that a scope has ten articles, so it does not use an
-- index of (scope, slug) that needs a visit to the table; it reads all articles of the scope.

DROP INDEX story_article_slug;
CREATE INDEX story_article_slug ON story_article (scope, slug, story);
