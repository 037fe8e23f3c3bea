-- Its poster or a moderator had removed what the bot said of it: nothing more is.
ALTER TABLE posts ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0;
