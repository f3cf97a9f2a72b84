// graphql-yoga with graphql-jit: `node yoga.mjs DATABASE` prints its URL once it listens.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import { useGraphQlJit } from "@envelop/graphql-jit";
import { createSchema, createYoga } from "graphql-yoga";

import { loaders, resolvers } from "./resolvers.mjs";

const typeDefs = readFileSync(new URL("schema.graphql", import.meta.url), "utf8");

const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  context: loaders,
  plugins: [useGraphQlJit()],
  // What is not needed costs: each of these is a plugin that looks at every request.
  graphiql: false,
  landingPage: false,
  cors: false,
  multipart: false,
  logging: false,
});

const server = createServer(yoga);
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/graphql`));
