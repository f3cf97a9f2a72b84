// Statements of better-sqlite3. Columns are named like the fields of the schema; batches use IN-lists.

import Database from "better-sqlite3";

const EVERYTHING = 1; // the scope of provider rows that include unpublished articles

const COVERAGE = `title, excerpt, url, published_date_time AS publishedDateTime, type,
  provider_domain AS providerDomain, images`;
const ARTICLE = `article.id, article.slug, ${COVERAGE}, category, article.quality, article.heat,
  article.published, word_count AS wordCount, related_count AS relatedCount`;
const RELATED = `article_id AS articleId, ${COVERAGE}, quality, target_id AS targetId`;

const db = new Database(process.argv[2], { readonly: true });
db.pragma(`mmap_size = ${2 ** 30}`);

// Statements are prepared once for each text.
const statements = new Map();

function prepared(sql) {
  let statement = statements.get(sql);
  if (!statement) statements.set(sql, (statement = db.prepare(sql)));
  return statement;
}

const marks = (keys) => keys.map(() => "?").join(", ");

export function article(slug) {
  return prepared(`SELECT ${ARTICLE} FROM article WHERE slug = ?`).get(slug);
}

// Newest first, after the cursor. A single topic is read by its own index, which contains the order and the quality.
export function articles({ first, after, where }) {
  const topics = where?.topic?.any ?? [];
  const alone = topics.length === 1;
  const listed = alone ? "article_topic" : "article";
  const conditions = [];
  const values = [];
  if (after) {
    const [publishedAt, slug] = Buffer.from(after, "base64url").toString().split(" ");
    conditions.push(`${listed}.published_at <= ? AND (${listed}.published_at < ? OR ${listed}.slug > ?)`);
    values.push(publishedAt, publishedAt, slug);
  }
  if (alone) conditions.push("topic = ?");
  else if (topics.length > 1)
    conditions.push(
      `EXISTS (SELECT 1 FROM article_topic WHERE article_id = article.id AND +topic IN (${marks(topics)}))`,
    );
  values.push(...topics);
  if (where?.quality?.gte != null) {
    conditions.push(`${listed}.quality >= ?`);
    values.push(where.quality.gte);
  }
  const source = alone ? "article_topic JOIN article ON article.id = article_id" : "article";
  const sql = `SELECT ${ARTICLE} FROM ${source} WHERE ${conditions.join(" AND ") || "true"}
    ORDER BY ${listed}.published_at DESC, ${listed}.slug LIMIT ?`;
  return prepared(sql).all(...values, first);
}

// Keys → rows, in the order of the keys.

export function articlesOf(keys) {
  const rows = prepared(`SELECT ${ARTICLE} FROM article WHERE id IN (${marks(keys)})`).all(...keys);
  const found = new Map(rows.map((row) => [row.id, row]));
  return keys.map((key) => found.get(key) ?? null);
}

export function providersOf(domains) {
  const sql = `SELECT domain, name FROM provider WHERE scope = ? AND domain IN (${marks(domains)})`;
  const found = new Map(prepared(sql).all(EVERYTHING, ...domains).map((row) => [row.domain, row]));
  return domains.map((domain) => found.get(domain) ?? null);
}

// [{ id, first }] → rows of each: one statement for each `first` that occurs.
export function relatedOf(wanted) {
  const found = new Map();
  for (const first of new Set(wanted.map((one) => one.first ?? null))) {
    const keys = wanted.filter((one) => (one.first ?? null) === first).map((one) => one.id);
    const rows = Map.groupBy(relatedRows(keys, first), (row) => row.articleId);
    found.set(first, rows);
  }
  return wanted.map(({ id, first }) => found.get(first ?? null).get(id) ?? []);
}

function relatedRows(keys, first) {
  if (first === null) {
    const sql = `SELECT ${RELATED} FROM related WHERE article_id IN (${marks(keys)}) ORDER BY article_id, position`;
    return prepared(sql).all(...keys);
  }
  const sql = `SELECT ${RELATED} FROM (
      SELECT *, row_number() OVER (PARTITION BY article_id ORDER BY position) AS number
      FROM related WHERE article_id IN (${marks(keys)})
    ) WHERE number <= ? ORDER BY article_id, number`;
  return prepared(sql).all(...keys, first);
}

export function images(row, first) {
  const all = JSON.parse(row.images);
  return first == null ? all : all.slice(0, first);
}
