"""An ordinary Strawberry server with resolvers, DataLoaders and aiosqlite, as its documentation suggests."""
