-- Money for services that are paid by what is read, in millionths of a US dollar.
-- `day` is YYYY-MM-DD, UTC; a month's account is the sum of its days.
CREATE TABLE spending (
    source  TEXT NOT NULL,
    day     TEXT NOT NULL,
    purpose TEXT NOT NULL,     -- reading, rechecking; lost: answers that never came, in full
    posts   INTEGER NOT NULL,
    users   INTEGER NOT NULL,
    spent   INTEGER NOT NULL,
    PRIMARY KEY (source, day, purpose)
) STRICT;

-- Put aside before a request leaves, taken away when its answer is counted. What a kill leaves here was perhaps billed: it
-- counts in full.
CREATE TABLE reservations (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    source  TEXT NOT NULL,
    day     TEXT NOT NULL,
    purpose TEXT NOT NULL,
    amount  INTEGER NOT NULL
) STRICT;
