-- A pick drawn by lot among those below the bar, and the chance that it had; NULL: picked for its score.
ALTER TABLE picks ADD COLUMN propensity REAL;
