-- A store as version 1 of the schema made it: its tables and views word for word, and the demo account after two runs.
-- In the first run agent 8 had another name. Frozen: a store that lies on somebody's disk does not change either.
PRAGMA application_id = 1297437524;
PRAGMA user_version = 1;
CREATE TABLE connection (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, published INTEGER
) STRICT;
CREATE TABLE run (
  run INTEGER PRIMARY KEY AUTOINCREMENT, connection INTEGER NOT NULL REFERENCES connection, status TEXT NOT NULL,
  started TEXT NOT NULL, ended TEXT, connector TEXT NOT NULL, version TEXT NOT NULL, digest TEXT NOT NULL,
  draft INTEGER NOT NULL DEFAULT 0, resources INTEGER, entitlements INTEGER, grants INTEGER,
  added INTEGER, changed INTEGER, removed INTEGER, report TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX run_of_connection ON run (connection, run);
CREATE TABLE finding (run INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL) STRICT;
CREATE INDEX finding_of_run ON finding (run);
CREATE TABLE resource_type (
  connection INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (connection, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity (
  connection INTEGER NOT NULL, id INTEGER NOT NULL, type INTEGER NOT NULL, vendor_id TEXT NOT NULL,
  PRIMARY KEY (connection, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX identity_by_vendor ON identity (connection, type, vendor_id);
CREATE TABLE resource (
  connection INTEGER NOT NULL, id INTEGER NOT NULL, valid_from INTEGER NOT NULL, valid_to INTEGER,
  hash BLOB NOT NULL, name TEXT NOT NULL, parent INTEGER, kind TEXT NOT NULL, status TEXT, status_detail TEXT,
  email TEXT, login TEXT, given_name TEXT, family_name TEXT, other_emails TEXT, employment TEXT, profile TEXT,
  PRIMARY KEY (connection, id, valid_from)
) STRICT, WITHOUT ROWID;
CREATE TABLE entitlement_key (
  connection INTEGER NOT NULL, id INTEGER NOT NULL, resource INTEGER NOT NULL, slug TEXT NOT NULL,
  PRIMARY KEY (connection, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX entitlement_key_by_slug ON entitlement_key (connection, resource, slug);
CREATE TABLE entitlement (
  connection INTEGER NOT NULL, id INTEGER NOT NULL, valid_from INTEGER NOT NULL, valid_to INTEGER,
  hash BLOB NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, purpose TEXT NOT NULL, grantable_to TEXT NOT NULL,
  PRIMARY KEY (connection, id, valid_from)
) STRICT, WITHOUT ROWID;
CREATE TABLE grant_row (
  connection INTEGER NOT NULL, entitlement INTEGER NOT NULL, principal INTEGER NOT NULL,
  valid_from INTEGER NOT NULL, valid_to INTEGER,
  PRIMARY KEY (connection, entitlement, principal, valid_from)
) STRICT, WITHOUT ROWID;
CREATE VIEW resources AS
SELECT c.name AS connection, t.name AS type, i.vendor_id AS id, r.name, pt.name AS parent_type, p.vendor_id AS parent_id,
       r.kind, r.email, r.login, r.status, r.status_detail, r.given_name, r.family_name, r.other_emails,
       r.employment, coalesce(r.profile, '{}') AS profile
FROM connection c
JOIN resource r ON r.connection = c.id AND r.valid_from <= c.published
               AND (r.valid_to IS NULL OR r.valid_to > c.published)
JOIN identity i ON i.connection = c.id AND i.id = r.id
JOIN resource_type t ON t.connection = c.id AND t.id = i.type
LEFT JOIN identity p ON p.connection = c.id AND p.id = r.parent
LEFT JOIN resource_type pt ON pt.connection = c.id AND pt.id = p.type;
CREATE VIEW entitlements AS
SELECT c.name AS connection, t.name || ':' || i.vendor_id || ':' || k.slug AS id, t.name AS resource_type,
       i.vendor_id AS resource_id, k.slug, e.name, e.description, e.purpose, e.grantable_to
FROM connection c
JOIN entitlement e ON e.connection = c.id AND e.valid_from <= c.published
                  AND (e.valid_to IS NULL OR e.valid_to > c.published)
JOIN entitlement_key k ON k.connection = c.id AND k.id = e.id
JOIN identity i ON i.connection = c.id AND i.id = k.resource
JOIN resource_type t ON t.connection = c.id AND t.id = i.type;
CREATE VIEW grants AS
SELECT c.name AS connection,
       t.name || ':' || i.vendor_id || ':' || k.slug || ':' || pt.name || ':' || p.vendor_id AS id,
       t.name || ':' || i.vendor_id || ':' || k.slug AS entitlement, t.name AS resource_type,
       i.vendor_id AS resource_id, k.slug, pt.name AS principal_type, p.vendor_id AS principal_id
FROM connection c
JOIN grant_row g ON g.connection = c.id AND g.valid_from <= c.published
                AND (g.valid_to IS NULL OR g.valid_to > c.published)
JOIN entitlement_key k ON k.connection = c.id AND k.id = g.entitlement
JOIN identity i ON i.connection = c.id AND i.id = k.resource
JOIN resource_type t ON t.connection = c.id AND t.id = i.type
JOIN identity p ON p.connection = c.id AND p.id = g.principal
JOIN resource_type pt ON pt.connection = c.id AND pt.id = p.type;
CREATE VIEW runs AS
SELECT r.run, c.name AS connection, r.status, r.started, r.ended, r.resources, r.entitlements, r.grants,
       r.added, r.changed, r.removed, r.connector, r.version, r.digest
FROM run r JOIN connection c ON c.id = r.connection;
INSERT INTO connection VALUES
(1, 'support', 2);
INSERT INTO run VALUES
(1, 1, 'published', '2026-11-20T08:00:00Z', '2026-11-20T08:00:02Z', 'chatwoot', '0.1.0', '9752339a18817b2ff07edd418cdba5969ceecb96e1667c3630e42d764b6a6296', 0, 11, 3, 10, 24, 0, 0, '{"findings":[{"count":1,"kind":"dangling-grant"}],"objections":[],"run":{"account":{"id":"1","name":"Lighthouse Supplies"},"denied":0,"failures":[],"received_bytes":9000,"requests":6,"retries":0,"slowest":[],"tasks":5,"times":{"guest_ms":1,"store_ms":1,"vendor_ms":1,"waited_ms":0}}}'),
(2, 1, 'published', '2026-11-21T08:00:00Z', '2026-11-21T08:00:02Z', 'chatwoot', '0.1.0', '9752339a18817b2ff07edd418cdba5969ceecb96e1667c3630e42d764b6a6296', 0, 11, 3, 10, 0, 1, 0, '{"findings":[{"count":1,"kind":"dangling-grant"}],"objections":[],"run":{"account":{"id":"1","name":"Lighthouse Supplies"},"denied":0,"failures":[],"received_bytes":9000,"requests":6,"retries":0,"slowest":[],"tasks":5,"times":{"guest_ms":1,"store_ms":1,"vendor_ms":1,"waited_ms":0}}}');
INSERT INTO finding VALUES
(1, 'dangling-grant', 'team:4:member:agent:6'),
(2, 'dangling-grant', 'team:4:member:agent:6');
INSERT INTO resource_type VALUES
(1, 1, 'agent'),
(1, 2, 'team');
INSERT INTO identity VALUES
(1, 1, 1, '1'),
(1, 8, 1, '11'),
(1, 2, 1, '2'),
(1, 3, 1, '3'),
(1, 4, 1, '4'),
(1, 5, 1, '5'),
(1, 12, 1, '6'),
(1, 6, 1, '7'),
(1, 7, 1, '8'),
(1, 9, 2, '1'),
(1, 10, 2, '2'),
(1, 11, 2, '4');
INSERT INTO resource VALUES
(1, 1, 1, NULL, X'A2EDF58FDE9C8BAE07A9BA851F5083D2', 'Ada Marlowe', NULL, 'user', 'enabled', NULL, 'ada.marlowe@lighthouse.test', NULL, NULL, NULL, NULL, NULL, '{"auto_offline":true,"provider":"email","role":"administrator"}'),
(1, 2, 1, NULL, X'E771D52E5390CC5008F56C98F471A967', 'Bruno Castell', NULL, 'user', 'enabled', NULL, 'bruno.castell@lighthouse.test', NULL, NULL, NULL, NULL, NULL, '{"auto_offline":true,"custom_attributes":{"employee_id":"LS-1042"},"provider":"email","role":"agent"}'),
(1, 3, 1, NULL, X'2FBC16149FC2E6A55ADE80C495201CE2', 'Chiara Neri', NULL, 'user', 'enabled', NULL, 'chiara.neri@lighthouse.test', NULL, NULL, NULL, NULL, NULL, '{"auto_offline":true,"provider":"email","role":"agent"}'),
(1, 4, 1, NULL, X'CB87E8EEEF703C64900D9E97402BCE32', 'Dagný Hólm', NULL, 'user', 'enabled', NULL, 'dagný.hólm@lighthouse.test', NULL, NULL, NULL, NULL, NULL, '{"auto_offline":true,"custom_attributes":{"employee_id":"LS-1077","site":"Harbour"},"provider":"email","role":"agent"}'),
(1, 5, 1, NULL, X'C15EB47B259E7FEA76A02A2E17F2320F', 'Emeka Obi', NULL, 'user', 'enabled', NULL, 'emeka.obi@lighthouse.test', NULL, NULL, NULL, NULL, NULL, '{"auto_offline":true,"provider":"google_oauth2","role":"agent"}'),
(1, 6, 1, NULL, X'33FF275777C467599D42E4BF9CCA19AB', 'Farid Qassem', NULL, 'user', 'enabled', NULL, 'farid.qassem@lighthouse.test', NULL, NULL, NULL, NULL, NULL, '{"auto_offline":true,"provider":"email","role":"administrator"}'),
(1, 7, 1, 2, X'00000000000000000000000000000001', 'Greta Holm', NULL, 'user', 'enabled', NULL, 'greta.lindqvist@lighthouse.test', NULL, NULL, NULL, NULL, NULL, '{"auto_offline":true,"provider":"email","role":"agent"}'),
(1, 7, 2, NULL, X'F361ED951B3C2C0C07ED9D1BADD8048B', 'Greta Lindqvist', NULL, 'user', 'enabled', NULL, 'greta.lindqvist@lighthouse.test', NULL, NULL, NULL, NULL, NULL, '{"auto_offline":true,"provider":"email","role":"agent"}'),
(1, 8, 1, NULL, X'319FBA20A393B3AE06540E2BBD1AC3A7', 'Hana Mori', NULL, 'user', 'disabled', 'invitation not accepted', 'hana.mori@lighthouse.test', NULL, NULL, NULL, NULL, NULL, '{"auto_offline":true,"provider":"email","role":"agent"}'),
(1, 9, 1, NULL, X'9F5137CD16ECC3960A5456B63DDDD34B', 'support', NULL, 'group', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"allow_auto_assign":true,"description":"First line, all channels"}'),
(1, 10, 1, NULL, X'8AA5E351EC9802ED29F4D7F6A10982B4', 'billing', NULL, 'group', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"allow_auto_assign":true,"description":"Invoices and refunds"}'),
(1, 11, 1, NULL, X'2E32B557D81372795BF98047AA28C1B6', 'night shift', NULL, 'group', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"allow_auto_assign":true}');
INSERT INTO entitlement_key VALUES
(1, 1, 9, 'member'),
(1, 2, 10, 'member'),
(1, 3, 11, 'member');
INSERT INTO entitlement VALUES
(1, 1, 1, NULL, X'2C648A371FCBE1428D12631CA38E8873', 'support member', 'Member of the team support', 'assignment', '["agent"]'),
(1, 2, 1, NULL, X'EFD19C2283775442E28141D5F98D4624', 'billing member', 'Member of the team billing', 'assignment', '["agent"]'),
(1, 3, 1, NULL, X'B45E341FDBB4BC9FA8815C7C01B284FA', 'night shift member', 'Member of the team night shift', 'assignment', '["agent"]');
INSERT INTO grant_row VALUES
(1, 1, 1, 1, NULL),
(1, 1, 2, 1, NULL),
(1, 1, 3, 1, NULL),
(1, 1, 4, 1, NULL),
(1, 1, 8, 1, NULL),
(1, 2, 3, 1, NULL),
(1, 2, 6, 1, NULL),
(1, 3, 5, 1, NULL),
(1, 3, 7, 1, NULL),
(1, 3, 12, 1, NULL);
