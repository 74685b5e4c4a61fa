-- What is kept of runs. Texts that stand for a choice are the names of the run record's JSON form.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    started_at TEXT NOT NULL,
    project TEXT NOT NULL,
    -- What makes runs comparable, as a JSON object with its keys in order.
    question TEXT NOT NULL,
    version TEXT,
    commit_id TEXT,
    verdict TEXT,
    compared INTEGER NOT NULL,
    total INTEGER NOT NULL,
    worse INTEGER NOT NULL,
    fixed INTEGER NOT NULL,
    -- 0: what each test did is not kept any more.
    has_details INTEGER NOT NULL
) STRICT;

CREATE TABLE legs (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    environment TEXT NOT NULL,
    toolchain TEXT,
    UNIQUE (run, role)
) STRICT;

-- A test's id is long, and the same every night.
CREATE TABLE test_ids (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE tests (
    leg INTEGER NOT NULL REFERENCES legs ON DELETE CASCADE,
    test INTEGER NOT NULL REFERENCES test_ids,
    outcome TEXT NOT NULL,
    passed INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    -- Median of its attempts, in seconds.
    wall_s REAL,
    PRIMARY KEY (leg, test)
) STRICT, WITHOUT ROWID;

CREATE TABLE changes (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    test INTEGER NOT NULL REFERENCES test_ids,
    change TEXT NOT NULL,
    -- 1: the candidate is the worse side.
    is_worse INTEGER NOT NULL,
    PRIMARY KEY (run, test)
) STRICT, WITHOUT ROWID;

CREATE TABLE findings (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    code TEXT NOT NULL,
    severity TEXT NOT NULL,
    confidence TEXT NOT NULL,
    tests INTEGER NOT NULL,
    PRIMARY KEY (run, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE times (
    leg INTEGER NOT NULL REFERENCES legs ON DELETE CASCADE,
    quantity TEXT NOT NULL,
    -- Median, in seconds, and of how many values.
    seconds REAL NOT NULL,
    value_count INTEGER NOT NULL,
    PRIMARY KEY (leg, quantity)
) STRICT, WITHOUT ROWID;

CREATE TABLE images (
    leg INTEGER NOT NULL REFERENCES legs ON DELETE CASCADE,
    flavour TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    gzip_bytes INTEGER NOT NULL,
    PRIMARY KEY (leg, flavour)
) STRICT, WITHOUT ROWID;
