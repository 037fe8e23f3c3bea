-- Accounts of X as they were when they were last paid for.
CREATE TABLE x_users (
    id        TEXT PRIMARY KEY,
    handle    TEXT NOT NULL COLLATE NOCASE,
    name      TEXT,
    protected INTEGER NOT NULL,
    read_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX x_users_by_handle ON x_users (handle);
