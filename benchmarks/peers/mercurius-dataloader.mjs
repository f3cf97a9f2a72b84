// Mercurius with its JIT, and DataLoaders instead of its loaders, which use the whole object as the key.
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
