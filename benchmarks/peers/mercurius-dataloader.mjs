// Mercurius with its JIT, and DataLoaders in place of its loaders, which make a key of each whole object.
// `node mercurius-dataloader.mjs DATABASE` prints its URL once it listens.

import { readFileSync } from "node:fs";

import Fastify from "fastify";
import mercurius from "mercurius";

import { loaders, resolvers } from "./resolvers.mjs";

const schema = readFileSync(new URL("schema.graphql", import.meta.url), "utf8");

const app = Fastify({ logger: false });
app.register(mercurius, { schema, resolvers, context: loaders, jit: 1, graphiql: false });
const address = await app.listen({ port: 0, host: "127.0.0.1" });
console.log(`${address}/graphql`);
