"""The store in SQLite: one writer and a pool of readers."""
