"""The tables of the journal, version by version; the file's `user_version` counts them."""

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
    """
    ALTER TABLE orders ADD COLUMN told TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE orders ADD COLUMN missing TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE results ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
    """,
    # What looks back: searched texts, orders by task, state, day and program, and rows whose
    # content a person deleted while what they cost still counts.
    """
    ALTER TABLE orders ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE words (
        order_id INTEGER PRIMARY KEY REFERENCES orders ON DELETE CASCADE,
        text TEXT NOT NULL
    );
    CREATE INDEX tasks ON orders (task_id);
    CREATE INDEX states ON orders (state, id);
    CREATE INDEX days ON orders (created);
    CREATE INDEX spent ON orders
        (account, origin, ended, coins, money, third_party_money) WHERE ended IS NOT NULL;
    CREATE INDEX programs ON orders
        (account, origin, workflow, ended, coins, money, third_party_money)
        WHERE ended IS NOT NULL;
    """,
    """
    CREATE TABLE reservations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        order_id INTEGER UNIQUE,
        origin TEXT NOT NULL,
        account TEXT NOT NULL,
        program TEXT NOT NULL,
        scope TEXT NOT NULL,
        at REAL NOT NULL,
        seconds REAL,
        booked REAL
    );
    CREATE INDEX reserved_days ON reservations (origin, account, at);
    CREATE INDEX scopes ON reservations (scope, origin, account);
    CREATE INDEX unbooked ON reservations (origin, account) WHERE booked IS NULL;
    CREATE TABLE amounts (
        reservation_id INTEGER NOT NULL REFERENCES reservations ON DELETE CASCADE,
        unit TEXT NOT NULL CHECK (unit IN ('coins', 'CNY', 'USD')),
        held INTEGER NOT NULL DEFAULT 0,
        cost INTEGER,
        PRIMARY KEY (reservation_id, unit)
    ) WITHOUT ROWID;
    CREATE TABLE limits (
        origin TEXT NOT NULL,
        account TEXT NOT NULL,
        scope TEXT NOT NULL,
        unit TEXT NOT NULL,
        amount INTEGER NOT NULL,
        PRIMARY KEY (origin, account, scope, unit)
    ) WITHOUT ROWID;
    INSERT INTO reservations (order_id, origin, account, program, scope, at, booked)
        SELECT id, origin, account, workflow, '', coalesce(placed, created), CASE
            WHEN coalesce(coins, money, third_party_money) IS NOT NULL THEN ended END
        FROM orders WHERE ended IS NULL OR state = 'done';
    INSERT INTO amounts (reservation_id, unit, cost)
        SELECT r.id, 'coins', CAST(round(CAST(o.coins AS REAL) * 1000000) AS INTEGER)
        FROM orders o JOIN reservations r ON r.order_id = o.id
        WHERE CAST(o.coins AS REAL) > 0 AND CAST(o.coins AS REAL) < 1000000000;
    INSERT INTO amounts (reservation_id, unit, cost)
        SELECT id, CASE WHEN origin LIKE '%.cn' THEN 'CNY' ELSE 'USD' END,
            CAST(round(paid * 1000000) AS INTEGER)
        FROM (
            SELECT r.id, o.origin, coalesce(CAST(o.money AS REAL), 0)
                + coalesce(CAST(o.third_party_money AS REAL), 0) AS paid
            FROM orders o JOIN reservations r ON r.order_id = o.id
        )
        WHERE paid > 0 AND paid < 1000000000;
    """,
    # How nodes of local graphs ended, in the words of their host.
    """
    CREATE TABLE ends (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        graph TEXT NOT NULL,
        node TEXT NOT NULL,
        "end" TEXT NOT NULL,
        UNIQUE (graph, node)
    );
    """,
    # Unread since webhooks are only passed on; kept so that this version's files stay as they are.
    """
    CREATE TABLE webhooks (
        order_id INTEGER PRIMARY KEY REFERENCES orders ON DELETE CASCADE,
        token TEXT NOT NULL UNIQUE,
        address TEXT NOT NULL,
        heard REAL
    );
    """,
)
