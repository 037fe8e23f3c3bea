-- Pictures of equal pixels share crops and previews: before one goes, its other users are looked for.
CREATE INDEX pictures_by_preview ON pictures (preview);
CREATE INDEX faces_by_crop ON faces (crop);
