-- Followed timelines.
CREATE TABLE accounts (
    source    TEXT NOT NULL,
    id        TEXT NOT NULL,              -- as its service names it; stays when the handle changes
    handle    TEXT NOT NULL,
    name      TEXT,
    link      TEXT NOT NULL,
    bot       INTEGER NOT NULL,
    protected INTEGER NOT NULL,
    unlisted  INTEGER NOT NULL,
    blocked   INTEGER NOT NULL DEFAULT 0, -- its owner opted out
    PRIMARY KEY (source, id)
) STRICT;

-- What is read, whoever follows it. The cursor moves in one transaction with the claim of the posts that it covers.
CREATE TABLE feeds (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    source     TEXT NOT NULL,
    feed       TEXT NOT NULL,              -- 'home', 'author:ID', 'list:ID'
    cursor     TEXT,                       -- the adapter's own words
    next_poll  INTEGER NOT NULL,
    polled_at  INTEGER,
    polls      INTEGER NOT NULL DEFAULT 0,
    failures   INTEGER NOT NULL DEFAULT 0, -- since the last poll that succeeded
    last_post  INTEGER,                    -- when the newest post that was seen was posted
    error      TEXT,
    error_code TEXT,
    UNIQUE (source, feed)
) STRICT;

CREATE TABLE follows (
    scope    TEXT NOT NULL,
    feed     INTEGER NOT NULL REFERENCES feeds (id) ON DELETE CASCADE,
    added_by TEXT NOT NULL,                -- as a rater is named
    added_at INTEGER NOT NULL,
    PRIMARY KEY (scope, feed)
) STRICT;
CREATE INDEX follows_by_feed ON follows (feed);

-- What a scope settled about the pictures of one account.
CREATE TABLE account_rules (
    scope   TEXT NOT NULL,
    source  TEXT NOT NULL,
    account TEXT NOT NULL,
    muted   INTEGER NOT NULL DEFAULT 0,
    share   REAL,                          -- only its best pictures, so much of them; NULL: all may be picks
    whole   INTEGER NOT NULL DEFAULT 0,    -- its owner agreed that whole pictures are shown
    PRIMARY KEY (scope, source, account)
) STRICT;

-- Services that are let alone for a while, and why.
CREATE TABLE pauses (
    source   TEXT PRIMARY KEY,
    until    INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    code     TEXT NOT NULL,
    error    TEXT NOT NULL
) STRICT;

-- Of a post from a timeline; its external_id is SCOPE/ORIGINAL/PICTURE.
ALTER TABLE posts ADD COLUMN original TEXT;    -- as its service names it
ALTER TABLE posts ADD COLUMN account TEXT;     -- its author's
ALTER TABLE posts ADD COLUMN feed INTEGER;     -- which brought it first
ALTER TABLE posts ADD COLUMN held TEXT;        -- shown nowhere else: why
ALTER TABLE posts ADD COLUMN check_at INTEGER; -- when to ask whether it is still there
CREATE INDEX posts_by_original ON posts (source, original) WHERE original IS NOT NULL;
CREATE INDEX posts_by_account ON posts (source, account) WHERE account IS NOT NULL;
CREATE INDEX posts_to_check ON posts (source, check_at) WHERE check_at IS NOT NULL;

-- Posts from timelines that were let go after a while, neither picked nor rated: not to be taken again.
CREATE TABLE forgotten_posts (
    source      TEXT NOT NULL,
    external_id TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (source, external_id)
) STRICT, WITHOUT ROWID;
