-- Which version of a taste is in use is a matter of when it was put into use, not of when it was fitted: somebody may go
-- back to an older one.
ALTER TABLE tastes ADD COLUMN promoted_at INTEGER;                -- NULL: never in use, or taken back
ALTER TABLE tastes ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 0; -- somebody chose it: a fit has to beat it
UPDATE tastes SET promoted_at = fitted_at WHERE promoted = 1;
-- A person's taste stands upon their guild's, fitted without their own ratings.
ALTER TABLE tastes ADD COLUMN upon TEXT;                          -- that scope
ALTER TABLE tastes ADD COLUMN upon_ratings INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tastes_in_use ON tastes (scope, promoted_at) WHERE promoted_at IS NOT NULL;
