-- What version 3 had beside version 2, word for word. Frozen, too.
CREATE TABLE task (
  run INTEGER NOT NULL, id INTEGER NOT NULL, parent INTEGER, kind TEXT, payload TEXT, state TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0, reason TEXT, message TEXT, PRIMARY KEY (run, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE sighting (
  run INTEGER NOT NULL, task INTEGER NOT NULL, list BLOB NOT NULL, PRIMARY KEY (run, task)
) STRICT, WITHOUT ROWID;
ALTER TABLE run ADD COLUMN contract TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN settings TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1;
ANALYZE sqlite_schema;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('connection', NULL, '10'), ('connection', 'sqlite_autoindex_connection_1', '10 1'),
  ('run', NULL, '1000'), ('run', 'run_of_connection', '1000 100 1'), ('finding', 'finding_of_run', '1000 20'),
  ('resource_type', 'resource_type', '40 4 1'), ('identity', 'identity', '1000000 100000 1'),
  ('identity', 'identity_by_vendor', '1000000 100000 25000 1'), ('resource', 'resource', '1000000 100000 2 1'),
  ('entitlement_key', 'entitlement_key', '100000 10000 1'),
  ('entitlement_key', 'entitlement_key_by_slug', '100000 10000 2 1'),
  ('entitlement', 'entitlement', '100000 10000 2 1'), ('grant_row', 'grant_row', '5000000 500000 50 2 1');
PRAGMA user_version = 3;
