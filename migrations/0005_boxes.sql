-- Face boxes as somebody left them in the box editor: labels for the detector. Each save is a row; the newest of a
-- picture stands.
CREATE TABLE box_labels (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    picture TEXT NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
    labels  TEXT NOT NULL,               -- JSON: boxes and ignore, in the picture's pixels
    by      TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
CREATE INDEX box_labels_by_picture ON box_labels (picture, id);

-- Which faces the rating page showed, and why: without the chance of being asked, ratings cannot be weighed.
CREATE TABLE asked (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    scope      TEXT NOT NULL,
    rater      TEXT NOT NULL,
    face       INTEGER NOT NULL REFERENCES faces (id) ON DELETE CASCADE,
    shown      TEXT NOT NULL,            -- 'asked' for what it teaches, or by 'lot'
    propensity REAL NOT NULL,            -- the chance that this face was the one taken
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX asked_by_face ON asked (face, rater);
