"""The tables of the order book, version by version; the file's `user_version` counts them."""

from __future__ import annotations

# One script a version, never edited once released. `ended IS NULL` is what "unfinished" means
# to the index that keeps an order from being placed twice. AUTOINCREMENT: the number of a row
# that went must not reach another order.
MIGRATIONS = (
    """
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        identity_digest TEXT NOT NULL,
        origin TEXT NOT NULL,
        account TEXT NOT NULL,
        workflow TEXT NOT NULL,
        item INTEGER NOT NULL,
        instance TEXT NOT NULL,
        what TEXT NOT NULL,
        state TEXT NOT NULL,
        cancel TEXT NOT NULL DEFAULT '' CHECK (cancel IN ('', 'wanted', 'confirmed')),
        task_id TEXT,
        created REAL NOT NULL,
        placed REAL,
        started REAL,
        ended REAL,
        error_key TEXT NOT NULL DEFAULT '',
        code INTEGER,
        coins TEXT,
        money TEXT,
        third_party_money TEXT,
        seconds TEXT,
        CHECK (CASE WHEN ended IS NULL
            THEN state IN ('intended', 'placed', 'running', 'uncertain')
            ELSE state IN ('done', 'failed', 'cancelled') END)
    );
    CREATE UNIQUE INDEX unfinished ON orders (identity_digest) WHERE ended IS NULL;
    CREATE INDEX identities ON orders (identity_digest, id);
    CREATE TABLE results (
        order_id INTEGER NOT NULL REFERENCES orders ON DELETE CASCADE,
        node_id TEXT NOT NULL,
        "index" INTEGER NOT NULL,
        kind TEXT NOT NULL,
        url TEXT NOT NULL,
        path TEXT,
        size INTEGER,
        text TEXT,
        PRIMARY KEY (order_id, node_id, "index")
    ) WITHOUT ROWID;
    CREATE TABLE uploads (
        origin TEXT NOT NULL,
        account TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        name TEXT NOT NULL,
        url TEXT NOT NULL,
        expires REAL NOT NULL,
        PRIMARY KEY (origin, account, sha256)
    ) WITHOUT ROWID;
    CREATE TABLE hashes (
        path BLOB NOT NULL,
        algorithm TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        inode TEXT NOT NULL,
        hexdigest TEXT NOT NULL,
        PRIMARY KEY (path, algorithm)
    ) WITHOUT ROWID;
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        workflow TEXT NOT NULL,
        instance TEXT NOT NULL,
        seconds REAL NOT NULL
    );
    CREATE INDEX workflows ON runs (workflow, instance, id);
    """,
)
