-- A picture is known by the SHA-256 of its bytes (hex). Times are Unix milliseconds, UTC.
CREATE TABLE pictures (
    id               TEXT PRIMARY KEY,
    width            INTEGER NOT NULL,
    height           INTEGER NOT NULL,
    format           TEXT NOT NULL,
    perceptual_hash  INTEGER NOT NULL,
    drawing          REAL NOT NULL,
    explicit_drawing REAL NOT NULL,
    neutral          REAL NOT NULL,
    explicit_photo   REAL NOT NULL,
    suggestive       REAL NOT NULL,
    embedding        BLOB NOT NULL,      -- f32, little endian
    colour           BLOB NOT NULL,      -- f32, little endian
    preview          TEXT NOT NULL,      -- blob
    models           TEXT NOT NULL,      -- which models looked at it
    analysed_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE faces (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    picture    TEXT NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
    x1         REAL NOT NULL,
    y1         REAL NOT NULL,
    x2         REAL NOT NULL,
    y2         REAL NOT NULL,
    confidence REAL NOT NULL,
    embedding  BLOB NOT NULL,
    colour     BLOB NOT NULL,
    crop       TEXT NOT NULL             -- blob
) STRICT;
CREATE INDEX faces_by_picture ON faces (picture);

-- One place where a picture was seen. (source, external_id) is claimed once, ever.
CREATE TABLE posts (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    source            TEXT NOT NULL,
    external_id       TEXT NOT NULL,
    origin            TEXT NOT NULL,     -- JSON: where the bytes are to be had
    title             TEXT,
    author_name       TEXT,
    author_link       TEXT,
    link              TEXT,
    posted_at         INTEGER NOT NULL,
    marked_restricted INTEGER NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('claimed', 'fetched', 'analysed', 'decided', 'published', 'failed')),
    attempts          INTEGER NOT NULL DEFAULT 0,  -- begun analyses that did not end, not even in an error
    tries             INTEGER NOT NULL DEFAULT 0,  -- failed tries of its steps
    retry_at          INTEGER NOT NULL DEFAULT 0,
    error             TEXT,
    error_code        TEXT,              -- of a failed post
    picture           TEXT,              -- known once fetched
    UNIQUE (source, external_id)
) STRICT;
CREATE INDEX posts_by_picture ON posts (picture);
CREATE INDEX posts_pending ON posts (retry_at, id) WHERE state NOT IN ('published', 'failed');
