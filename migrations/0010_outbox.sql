-- What follows a pick in its channel: publishing to those who follow the channel, and the forward beside the credit.
ALTER TABLE sends ADD COLUMN announce INTEGER NOT NULL DEFAULT 0; -- sent to an announcement channel: to be published
ALTER TABLE sends ADD COLUMN digest INTEGER;                      -- the digest that lists this pick
ALTER TABLE sends ADD COLUMN companion INTEGER;                   -- the forward that was sent after it; 0: still owed
CREATE INDEX sends_unpublished ON sends (channel, id) WHERE announce = 1 AND published_at IS NULL;
CREATE INDEX sends_published ON sends (channel, published_at) WHERE published_at IS NOT NULL;
CREATE INDEX sends_by_digest ON sends (digest) WHERE digest IS NOT NULL;
CREATE INDEX sends_owed ON sends (retry_at) WHERE companion = 0;
