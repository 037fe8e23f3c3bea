-- One list of all that anybody was asked, on the page or by /rate: one rule chooses for both.
CREATE TABLE asked_anywhere (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    scope      TEXT NOT NULL,
    rater      TEXT NOT NULL,
    face       INTEGER NOT NULL REFERENCES faces (id) ON DELETE CASCADE,
    shown      TEXT NOT NULL,            -- 'asked' for what it teaches, or by 'lot'
    propensity REAL,                     -- the chance that this face was the one taken; NULL: not known
    at         INTEGER NOT NULL
) STRICT;
INSERT INTO asked_anywhere (scope, rater, face, shown, propensity, at)
    SELECT scope, rater, face, shown, propensity, at FROM asked ORDER BY id;
INSERT INTO asked_anywhere (scope, rater, face, shown, propensity, at)
    SELECT coalesce((SELECT a.scope FROM asks a WHERE a.person = f.person AND a.at = f.at AND a.scope <> ''), 'user:' || f.person),
        'discord:' || f.person, f.face, f.shown, f.propensity, f.at
    FROM asked_faces f ORDER BY f.at, f.face;
DROP TABLE asked;
DROP TABLE asked_faces;
ALTER TABLE asked_anywhere RENAME TO asked;
CREATE INDEX asked_by_rater ON asked (rater, face, id);
CREATE INDEX asked_by_face ON asked (face);
