-- The ledger: rows are added, never changed. The newest of (scope, rater, picture, face) stands; a null judgement takes
-- an earlier one back. A null face means the picture as a whole.
CREATE TABLE ratings (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    scope         TEXT NOT NULL,
    rater         TEXT NOT NULL,
    picture       TEXT NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
    face          INTEGER REFERENCES faces (id) ON DELETE CASCADE,
    judgement     TEXT,
    source        TEXT NOT NULL,
    at            INTEGER NOT NULL,
    score_visible INTEGER NOT NULL
) STRICT;
CREATE INDEX ratings_by_target ON ratings (scope, rater, picture, face, at, id);
CREATE INDEX ratings_by_picture ON ratings (picture);

CREATE TABLE tastes (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    scope              TEXT NOT NULL,
    fitted_at          INTEGER NOT NULL,
    ratings            INTEGER NOT NULL,
    seen               INTEGER NOT NULL, -- the newest row of the ledger when it was read
    model              BLOB NOT NULL,
    held_out_spearman  REAL,
    held_out_ratings   INTEGER,
    promoted           INTEGER NOT NULL,
    incumbent_spearman REAL              -- of the version that stayed, where this one was not promoted
) STRICT;
CREATE INDEX tastes_by_scope ON tastes (scope, promoted, id);

-- The desk's standing answer for a post, and the score it saw.
CREATE TABLE verdicts (
    post       INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    scope      TEXT NOT NULL,
    verdict    TEXT NOT NULL,            -- JSON
    taste      INTEGER,
    decided_at INTEGER NOT NULL,
    PRIMARY KEY (post, scope)
) STRICT;

-- A pick is claimed together with its verdict and published after; one row a post, ever.
CREATE TABLE picks (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    scope        TEXT NOT NULL,
    post         INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    picture      TEXT NOT NULL,
    score        REAL NOT NULL,
    picked_at    INTEGER NOT NULL,
    published_at INTEGER,
    UNIQUE (scope, post)
) STRICT;
CREATE INDEX picks_by_time ON picks (scope, picked_at);
