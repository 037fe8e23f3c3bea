-- Reactions on the forward beside a pick are reactions on the pick.
CREATE INDEX sends_by_companion ON sends (companion) WHERE companion IS NOT NULL;

-- A taste that was reset learns only from what was said after.
CREATE TABLE taste_resets (
    scope TEXT PRIMARY KEY,
    at    INTEGER NOT NULL
) STRICT;

-- What /rate asked, so that nothing is asked twice.
ALTER TABLE asks ADD COLUMN scope TEXT NOT NULL DEFAULT '';
CREATE TABLE asked_faces (
    person     INTEGER NOT NULL,
    face       INTEGER NOT NULL REFERENCES faces (id) ON DELETE CASCADE,
    at         INTEGER NOT NULL,
    shown      TEXT NOT NULL,             -- 'asked', or 'lot': drawn by lot
    propensity REAL,                      -- of a lot
    PRIMARY KEY (person, face)
) STRICT;
