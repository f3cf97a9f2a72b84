"""The PostgreSQL store, of finished rows that the ingester publishes from its SQLite store.

Nothing outside imports this package before a command has the URL of a PostgreSQL database: its driver,
asyncpg, is installed only by `gqlnews[postgres]`.
"""
