// Mercurius with its JIT and its loaders: `node mercurius.mjs DATABASE` prints its URL once it listens.

import { readFileSync } from "node:fs";

import Fastify from "fastify";
import mercurius from "mercurius";

import * as store from "./store.mjs";

const schema = readFileSync(new URL("schema.graphql", import.meta.url), "utf8");

const resolvers = {
  Query: {
    article: (_, { slug }) => store.article(slug),
    articles: (_, given) => ({ nodes: store.articles(given) }),
  },
  Article: { images: (row, { first }) => store.images(row, first) },
  Related: { images: (row, { first }) => store.images(row, first) },
};

// Load the rows of a batch by key, without null keys, and return them in the order of the batch.
async function byKey(queries, key, rowsOf) {
  const keys = [...new Set(queries.map(({ obj }) => obj[key]).filter((value) => value !== null))];
  const found = new Map(keys.length ? rowsOf(keys).map((row, number) => [keys[number], row]) : []);
  return queries.map(({ obj }) => found.get(obj[key]) ?? null);
}

const provider = (queries) => byKey(queries, "providerDomain", store.providersOf);

const loaders = {
  Article: {
    provider,
    related: async (queries) =>
      store.relatedOf(queries.map(({ obj, params }) => ({ id: obj.id, first: params.first }))),
  },
  Related: { provider, article: (queries) => byKey(queries, "targetId", store.articlesOf) },
};

const app = Fastify({ logger: false });
app.register(mercurius, { schema, resolvers, loaders, jit: 1, graphiql: false });
const address = await app.listen({ port: 0, host: "127.0.0.1" });
console.log(`${address}/graphql`);
