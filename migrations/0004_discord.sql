-- Discord. Its ids are numbers that fit a signed 64-bit integer; a message is named 'CHANNEL/MESSAGE'.
ALTER TABLE posts ADD COLUMN scope TEXT NOT NULL DEFAULT 'local';   -- whose taste decides
ALTER TABLE posts ADD COLUMN message TEXT;                          -- the message it came in
ALTER TABLE posts ADD COLUMN part INTEGER NOT NULL DEFAULT 0;       -- its place among the message's pictures
ALTER TABLE posts ADD COLUMN author_id TEXT;                        -- the poster, as a rater is named
ALTER TABLE posts ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;      -- a command asked for it: answered, never picked
CREATE INDEX posts_by_message ON posts (message, part) WHERE message IS NOT NULL;

-- The best face's score that the desk saw; NULL without a face.
ALTER TABLE verdicts ADD COLUMN best REAL;
CREATE INDEX verdicts_by_time ON verdicts (scope, decided_at);

CREATE TABLE guilds (
    id       INTEGER PRIMARY KEY,
    settings TEXT NOT NULL,              -- JSON
    left_at  INTEGER                     -- the bot was removed from it
) STRICT;

CREATE TABLE watched_channels (
    channel INTEGER PRIMARY KEY,
    guild   INTEGER NOT NULL REFERENCES guilds (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX watched_by_guild ON watched_channels (guild);

-- The newest message seen of each channel that is watched (threads have ids of their own): where looking back begins.
CREATE TABLE cursors (
    channel INTEGER PRIMARY KEY,
    guild   INTEGER NOT NULL,
    parent  INTEGER NOT NULL,            -- the watched channel
    message INTEGER NOT NULL
) STRICT;

CREATE TABLE people (
    id             INTEGER PRIMARY KEY,
    personal_taste INTEGER NOT NULL DEFAULT 0,
    opted_out      INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Artists whose pictures are not wanted here by their own word; links in lower case without a slash at the end.
CREATE TABLE opted_out_artists (
    link TEXT PRIMARY KEY,
    at   INTEGER NOT NULL
) STRICT;

-- What goes out to Discord. A row is claimed before its send, once, ever; 'sending' is written before the request leaves,
-- so that a kill between the two is settled by looking in the channel.
CREATE TABLE sends (
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
    UNIQUE (kind, source, post)
) STRICT;
CREATE INDEX sends_due ON sends (retry_at, id) WHERE state IN ('waiting', 'sending', 'deleting');
CREATE INDEX sends_changed ON sends (retry_at, id) WHERE state = 'sent' AND changed = 1;
CREATE INDEX sends_by_message ON sends (message) WHERE message IS NOT NULL;
CREATE INDEX sends_by_source ON sends (source);

-- The reactions that stand on a message, as seen: a set, so that events may come twice or be fetched again.
CREATE TABLE reactions (
    channel INTEGER NOT NULL,
    message INTEGER NOT NULL,
    person  INTEGER NOT NULL,
    emoji   TEXT NOT NULL,               -- the character, or name:id
    at      INTEGER NOT NULL,
    PRIMARY KEY (message, person, emoji)
) STRICT;

-- "Not a face": labels for the detector.
CREATE TABLE face_reports (
    face   INTEGER NOT NULL REFERENCES faces (id) ON DELETE CASCADE,
    person TEXT NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (face, person)
) STRICT;

-- When /rate was asked: twice a day a person.
CREATE TABLE asks (
    person INTEGER NOT NULL,
    at     INTEGER NOT NULL
) STRICT;
CREATE INDEX asks_by_person ON asks (person, at);
