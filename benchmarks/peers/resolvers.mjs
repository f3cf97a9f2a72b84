// Resolvers over DataLoaders: one per link, created for each request.

import DataLoader from "dataloader";

import * as store from "./store.mjs";

const coverage = {
  provider: ({ providerDomain }, _, { providers }) => providerDomain && providers.load(providerDomain),
  images: (row, { first }) => store.images(row, first),
};

export const resolvers = {
  Query: {
    article: (_, { slug }) => store.article(slug),
    articles: (_, given) => ({ nodes: store.articles(given) }),
  },
  Article: {
    ...coverage,
    related: ({ id }, { first }, { related }) => related.load({ id, first }),
  },
  Related: {
    ...coverage,
    article: ({ targetId }, _, { articles }) => targetId && articles.load(targetId),
  },
};

export const loaders = () => ({
  articles: new DataLoader(async (keys) => store.articlesOf(keys)),
  providers: new DataLoader(async (domains) => store.providersOf(domains)),
  related: new DataLoader(async (wanted) => store.relatedOf(wanted), {
    cacheKeyFn: ({ id, first }) => `${id} ${first}`,
  }),
});
