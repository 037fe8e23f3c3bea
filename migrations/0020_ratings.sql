-- Where a judgement was made: a guild's word on reactions holds for what was said in it, whoever learns from it.
ALTER TABLE ratings ADD COLUMN guild INTEGER;
-- It follows from the reactions that stand on messages, and changes with them.
ALTER TABLE ratings ADD COLUMN reaction INTEGER NOT NULL DEFAULT 0;
-- Why the rater saw it: 'post' (somebody posted it), 'pick' (chosen by its score), 'asked' (the bot wanted to know) or
-- 'lot' (drawn by lot, with this propensity). NULL: not known.
ALTER TABLE ratings ADD COLUMN shown TEXT;
ALTER TABLE ratings ADD COLUMN propensity REAL;
CREATE INDEX ratings_by_rater ON ratings (rater, picture, face, at, id);

-- Posts that wait only for the hour to have room.
CREATE INDEX verdicts_held_back ON verdicts (scope, best) WHERE json_extract(verdict, '$.why.reason') = 'hourly_limit';
