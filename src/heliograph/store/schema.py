"""The tables, as migrations: each runs once, forward only, inside the transaction that opens the store.

`device` leads every large key, so that the tables can be sharded by it.
"""

from __future__ import annotations

RULES = "2"
"""The edition of the rules by which totals are folded: those that another one made are made anew from the samples."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, body BLOB NOT NULL)",
        "CREATE TABLE plant (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, body BLOB NOT NULL)",
        "CREATE TABLE device (id INTEGER PRIMARY KEY, plant INTEGER NOT NULL, body BLOB NOT NULL)",
        "CREATE TABLE credential (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, dialect TEXT NOT NULL,"
        " name TEXT NOT NULL, secret BLOB NOT NULL, body BLOB NOT NULL, UNIQUE (dialect, name))",
        "CREATE TABLE alias (dialect TEXT NOT NULL, subject TEXT NOT NULL, scope TEXT NOT NULL, wire TEXT NOT NULL,"
        " id INTEGER NOT NULL, PRIMARY KEY (dialect, subject, scope, wire)) WITHOUT ROWID",
        "CREATE UNIQUE INDEX alias_id ON alias (dialect, subject, scope, id)",
        # Names of measurements are numbers on disk; shapes are the lists of names that records carry.
        "CREATE TABLE measurement (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE)",
        "CREATE TABLE shape (id INTEGER PRIMARY KEY, measurements BLOB NOT NULL UNIQUE)",
        "CREATE TABLE sample (device INTEGER NOT NULL, at INTEGER NOT NULL, shape INTEGER NOT NULL, body BLOB NOT NULL,"
        " text BLOB, PRIMARY KEY (device, at)) WITHOUT ROWID",
        "CREATE TABLE latest (device INTEGER NOT NULL, shape INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL,"
        " text BLOB, PRIMARY KEY (device, shape)) WITHOUT ROWID",
        # A chunk's columns have the numbers from its own, shifted: they lie together, and long ones stay in one page.
        "CREATE TABLE sealed (id INTEGER PRIMARY KEY, device INTEGER NOT NULL, since INTEGER NOT NULL,"
        " until INTEGER NOT NULL, rows INTEGER NOT NULL, times BLOB NOT NULL, UNIQUE (device, since))",
        "CREATE TABLE chunk (id INTEGER PRIMARY KEY, body BLOB NOT NULL)",
        "CREATE TABLE dirty (device INTEGER NOT NULL, day INTEGER NOT NULL, seq INTEGER NOT NULL,"
        " PRIMARY KEY (device, day)) WITHOUT ROWID",
        "CREATE INDEX dirty_day ON dirty (day)",
        "CREATE TABLE bucket (plant INTEGER NOT NULL, device INTEGER NOT NULL, level INTEGER NOT NULL,"
        " since INTEGER NOT NULL, body BLOB NOT NULL, carry BLOB,"
        " PRIMARY KEY (plant, device, level, since)) WITHOUT ROWID",
        "CREATE TABLE once (minute INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY (minute, key)) WITHOUT ROWID",
        "CREATE TABLE alarm (device INTEGER NOT NULL, raised INTEGER NOT NULL, code TEXT NOT NULL, cleared INTEGER,"
        " body BLOB NOT NULL, PRIMARY KEY (device, raised, code)) WITHOUT ROWID",
        "CREATE TABLE command (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, device INTEGER NOT NULL,"
        " key TEXT NOT NULL, state TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (account, key))",
        "CREATE INDEX command_open ON command (device, state)",
        "CREATE TABLE audit (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, account INTEGER NOT NULL,"
        " credential INTEGER NOT NULL, action TEXT NOT NULL, detail TEXT NOT NULL)",
    ),
    (
        "CREATE TABLE person (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, body BLOB NOT NULL)",
        "CREATE TABLE token (digest TEXT PRIMARY KEY, dialect TEXT NOT NULL, kind TEXT NOT NULL,"
        " credential INTEGER NOT NULL, family TEXT NOT NULL, expires INTEGER NOT NULL, body BLOB NOT NULL)"
        " WITHOUT ROWID",
        "CREATE INDEX token_credential ON token (credential)",
        "CREATE INDEX token_expires ON token (expires)",
        "CREATE TABLE firmware (id INTEGER PRIMARY KEY, model TEXT NOT NULL, version TEXT NOT NULL,"
        " body BLOB NOT NULL, UNIQUE (model, version))",
        "CREATE INDEX alarm_open ON alarm (device, raised) WHERE cleared IS NULL",
        "CREATE TABLE statement (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, credential INTEGER NOT NULL,"
        " author TEXT NOT NULL, dialect TEXT NOT NULL, operation TEXT NOT NULL, at INTEGER NOT NULL,"
        " sha256 TEXT NOT NULL, place INTEGER NOT NULL, stated TEXT NOT NULL, seal TEXT NOT NULL, body BLOB NOT NULL)",
        "CREATE INDEX statement_sha256 ON statement (account, sha256)",
        "CREATE INDEX statement_place ON statement (account, place)",
        "CREATE TABLE declared (device INTEGER NOT NULL, sequence INTEGER NOT NULL, period TEXT NOT NULL,"
        " revision INTEGER NOT NULL, remote TEXT NOT NULL, energy TEXT NOT NULL, accumulated TEXT,"
        " statement INTEGER NOT NULL, seal TEXT NOT NULL, PRIMARY KEY (device, sequence)) WITHOUT ROWID",
        "CREATE UNIQUE INDEX declared_period ON declared (device, period, revision)",
        "CREATE INDEX declared_statement ON declared (statement)",
        # How long each chain is and how it ends: without it, entries cut off the end would leave no trace.
        "CREATE TABLE chain (device INTEGER PRIMARY KEY, length INTEGER NOT NULL, seal TEXT NOT NULL)",
        # The same of the chain that the statements of an account are.
        "CREATE TABLE account_chain (account INTEGER PRIMARY KEY, length INTEGER NOT NULL, seal TEXT NOT NULL)",
    ),
    (
        "CREATE TABLE application (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, dialect TEXT NOT NULL,"
        " client TEXT NOT NULL, secret BLOB NOT NULL, body BLOB NOT NULL, UNIQUE (dialect, client))",
    ),
)
