-- Transactional outbox: the changed rows of each ingest, for registered consumers (outbox.py).

-- The position of the store: the number and the random token of the last batch.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL,
    token TEXT NOT NULL
) STRICT;
INSERT INTO outbox VALUES (1, 0, lower(hex(randomblob(8))));

-- The position that each consumer has acknowledged; null if it has to start from a copy of the store.
CREATE TABLE outbox_consumer (
    name TEXT PRIMARY KEY,
    sequence INTEGER,
    token TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox_batch (
    sequence INTEGER PRIMARY KEY,
    token TEXT NOT NULL,
    previous_token TEXT NOT NULL,      -- of the batch before
    row_count INTEGER NOT NULL,
    page_count INTEGER NOT NULL,
    byte_count INTEGER NOT NULL
) STRICT;

CREATE TABLE outbox_page (
    sequence INTEGER NOT NULL,         -- of the batch
    number INTEGER NOT NULL,           -- from 0
    content BLOB NOT NULL,             -- array of `TableChanges`, MessagePack and zlib
    PRIMARY KEY (sequence, number)
) STRICT;
