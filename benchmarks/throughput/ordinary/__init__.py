"""The ordinary Strawberry server: resolvers, DataLoaders and aiosqlite, as its documentation has them."""
