-- Several people may ask about one message: each answer has a row, so that each follows its source. What the bot says of its
-- own accord is claimed once, as before. SQLite cannot drop the old constraint, so the table is made anew.
CREATE TABLE sends_new (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL CHECK (kind IN ('reply', 'pick', 'answer', 'digest')),
    scope      TEXT NOT NULL,
    source     TEXT NOT NULL,            -- the message it speaks of
    post       INTEGER NOT NULL DEFAULT 0, -- of a pick; 0: all posts of the message
    channel    INTEGER NOT NULL,         -- where it goes
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'silent', 'failed', 'deleting', 'gone')),
    message    INTEGER,                  -- what was sent
    changed    INTEGER NOT NULL DEFAULT 0, -- what it shows has changed since: to be edited
    tries      INTEGER NOT NULL DEFAULT 0,
    retry_at   INTEGER NOT NULL DEFAULT 0,
    error      TEXT,
    claimed_at INTEGER NOT NULL,
    sent_at    INTEGER,
    published_at INTEGER,                -- crossposted from an announcement channel
    announce   INTEGER NOT NULL DEFAULT 0, -- sent to an announcement channel: to be published
    digest     INTEGER,                  -- the digest that lists this pick
    companion  INTEGER,                  -- the forward that was sent after it; 0: still owed
    asker      INTEGER,                  -- of an answer: who asked,
    lang       TEXT,                     -- and the language they were answered in
    failure    TEXT                      -- of one that was given up: why, as a name
) STRICT;
INSERT INTO sends_new (id, kind, scope, source, post, channel, state, message, changed, tries, retry_at, error, claimed_at,
    sent_at, published_at, announce, digest, companion)
SELECT id, kind, scope, source, post, channel, state, message, changed, tries, retry_at, error, claimed_at, sent_at,
    published_at, announce, digest, companion FROM sends;
-- An id is never used again: messages on Discord are named after it.
DELETE FROM sqlite_sequence WHERE name = 'sends_new';
INSERT INTO sqlite_sequence (name, seq) SELECT 'sends_new', seq FROM sqlite_sequence WHERE name = 'sends';
DROP TABLE sends;
ALTER TABLE sends_new RENAME TO sends;

CREATE UNIQUE INDEX sends_once ON sends (kind, source, post) WHERE kind <> 'answer';
CREATE INDEX sends_due ON sends (retry_at, id) WHERE state IN ('waiting', 'sending', 'deleting');
CREATE INDEX sends_changed ON sends (retry_at, id) WHERE state = 'sent' AND changed = 1;
CREATE INDEX sends_by_message ON sends (message) WHERE message IS NOT NULL;
CREATE INDEX sends_by_source ON sends (source);
CREATE INDEX sends_unpublished ON sends (channel, id) WHERE announce = 1 AND published_at IS NULL;
CREATE INDEX sends_published ON sends (channel, published_at) WHERE published_at IS NOT NULL;
CREATE INDEX sends_by_digest ON sends (digest) WHERE digest IS NOT NULL;
CREATE INDEX sends_owed ON sends (retry_at) WHERE companion = 0;
CREATE INDEX sends_by_companion ON sends (companion) WHERE companion IS NOT NULL;
