//! The public schema: what people may query, under plain names. Everything else in the file may change with any version.
//!
//! They are made anew whenever a store is brought to this version, so a view is changed here and nowhere else.

/// All of them, as SQL.
pub(super) const VIEWS: &str = "
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
";
