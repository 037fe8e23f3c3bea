-- Messages that were heard of and could not be dealt with, since Discord did not answer about them: looked up again.
CREATE TABLE unheard (
    message INTEGER PRIMARY KEY NOT NULL,
    channel INTEGER NOT NULL,
    guild INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    retry_at INTEGER NOT NULL
);
