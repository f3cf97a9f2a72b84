"""The store in SQLite: one writer, a pool of readers."""
