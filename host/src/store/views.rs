//! The public schema: what people may query, under plain names. Everything else in the file may change with any version.
//!
//! They are made anew whenever a store is brought to this version, so a view is changed here and nowhere else. Each of
//! them but the two of the audit reads tables and columns of schema version 1 only: a store of an earlier version that may
//! not be written gets them for the time of a query. `README.md` beside this file documents them, and a test holds the two together.
//!
//! A table of which nothing but its rowid is used looks to SQLite's authorizer as if the query itself had named it, so each
//! join says something of another column, too.
//!
//! What a run that is not published wrote lies above `connection.published` and is in none of them.

/// All of them, as SQL. Each begins with `CREATE VIEW name AS` on a line of its own.
pub(super) const VIEWS: &str = "
CREATE VIEW connections AS
SELECT c.name AS connection, r.connector, r.version, r.digest, c.published AS run, r.started, r.ended, r.resources,
       r.entitlements, r.grants
FROM connection c LEFT JOIN run r ON r.run = c.published AND r.status = 'published';
CREATE VIEW runs AS
SELECT r.run, c.name AS connection, r.status, r.started, r.ended, r.resources, r.entitlements, r.grants,
       r.added, r.changed, r.removed, r.connector, r.version, r.digest
FROM run r JOIN connection c ON c.id = r.connection AND c.name <> '';
CREATE VIEW findings AS
SELECT f.run, c.name AS connection, f.kind, f.subject
FROM finding f JOIN run r ON r.run = f.run JOIN connection c ON c.id = r.connection AND c.name <> '';
CREATE VIEW resources AS
SELECT c.name AS connection, t.name AS type, i.vendor_id AS id, r.name, pt.name AS parent_type, p.vendor_id AS parent_id,
       r.kind, r.email, r.login, r.status, r.status_detail, r.given_name, r.family_name,
       coalesce(r.other_emails, '[]') AS other_emails, r.employment, coalesce(r.profile, '{}') AS profile
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
CREATE VIEW access AS
SELECT c.name AS connection, pt.name AS principal_type, p.vendor_id AS principal_id, pr.name AS principal_name,
       pr.email, pr.status, t.name || ':' || i.vendor_id || ':' || k.slug AS entitlement, e.name AS entitlement_name,
       k.slug, t.name AS resource_type, i.vendor_id AS resource_id, r.name AS resource_name
FROM connection c
JOIN grant_row g ON g.connection = c.id AND g.valid_from <= c.published
                AND (g.valid_to IS NULL OR g.valid_to > c.published)
JOIN entitlement_key k ON k.connection = c.id AND k.id = g.entitlement
JOIN identity i ON i.connection = c.id AND i.id = k.resource
JOIN resource_type t ON t.connection = c.id AND t.id = i.type
JOIN identity p ON p.connection = c.id AND p.id = g.principal
JOIN resource_type pt ON pt.connection = c.id AND pt.id = p.type
LEFT JOIN resource pr ON pr.connection = c.id AND pr.id = g.principal AND pr.valid_from <= c.published
                     AND (pr.valid_to IS NULL OR pr.valid_to > c.published)
LEFT JOIN entitlement e ON e.connection = c.id AND e.id = g.entitlement AND e.valid_from <= c.published
                       AND (e.valid_to IS NULL OR e.valid_to > c.published)
LEFT JOIN resource r ON r.connection = c.id AND r.id = k.resource AND r.valid_from <= c.published
                    AND (r.valid_to IS NULL OR r.valid_to > c.published);
CREATE VIEW resource_history AS
SELECT c.name AS connection, t.name AS type, i.vendor_id AS id, r.valid_from,
       CASE WHEN r.valid_to <= c.published THEN r.valid_to END AS valid_to,
       r.name, pt.name AS parent_type, p.vendor_id AS parent_id,
       r.kind, r.email, r.login, r.status, r.status_detail, r.given_name, r.family_name,
       coalesce(r.other_emails, '[]') AS other_emails, r.employment, coalesce(r.profile, '{}') AS profile
FROM connection c
JOIN resource r ON r.connection = c.id AND r.valid_from <= c.published
JOIN identity i ON i.connection = c.id AND i.id = r.id
JOIN resource_type t ON t.connection = c.id AND t.id = i.type
LEFT JOIN identity p ON p.connection = c.id AND p.id = r.parent
LEFT JOIN resource_type pt ON pt.connection = c.id AND pt.id = p.type;
CREATE VIEW entitlement_history AS
SELECT c.name AS connection, t.name || ':' || i.vendor_id || ':' || k.slug AS id, e.valid_from,
       CASE WHEN e.valid_to <= c.published THEN e.valid_to END AS valid_to,
       t.name AS resource_type, i.vendor_id AS resource_id, k.slug, e.name, e.description, e.purpose, e.grantable_to
FROM connection c
JOIN entitlement e ON e.connection = c.id AND e.valid_from <= c.published
JOIN entitlement_key k ON k.connection = c.id AND k.id = e.id
JOIN identity i ON i.connection = c.id AND i.id = k.resource
JOIN resource_type t ON t.connection = c.id AND t.id = i.type;
CREATE VIEW grant_history AS
SELECT c.name AS connection,
       t.name || ':' || i.vendor_id || ':' || k.slug || ':' || pt.name || ':' || p.vendor_id AS id, g.valid_from,
       CASE WHEN g.valid_to <= c.published THEN g.valid_to END AS valid_to,
       t.name || ':' || i.vendor_id || ':' || k.slug AS entitlement, t.name AS resource_type,
       i.vendor_id AS resource_id, k.slug, pt.name AS principal_type, p.vendor_id AS principal_id
FROM connection c
JOIN grant_row g ON g.connection = c.id AND g.valid_from <= c.published
JOIN entitlement_key k ON k.connection = c.id AND k.id = g.entitlement
JOIN identity i ON i.connection = c.id AND i.id = k.resource
JOIN resource_type t ON t.connection = c.id AND t.id = i.type
JOIN identity p ON p.connection = c.id AND p.id = g.principal
JOIN resource_type pt ON pt.connection = c.id AND pt.id = p.type;
CREATE VIEW audit AS
SELECT a.id AS act, a.at, a.ended, a.who, a.action, a.connection, a.what, a.plan, a.scenario, a.run, a.outcome, a.detail,
       a.made_by
FROM act a WHERE a.action <> '';
CREATE VIEW audit_outcomes AS
SELECT o.act, a.connection, o.subject, o.outcome, o.words
FROM act_outcome o JOIN act a ON a.id = o.act AND a.connection <> '';
";

/// Each view's name and the query behind it.
pub(super) fn each() -> impl Iterator<Item = (&'static str, &'static str)> {
    let parts = VIEWS.split("CREATE VIEW ").skip(1);
    parts
        .filter_map(|part| part.split_once(" AS\n"))
        .map(|(name, query)| (name, query.trim_end().trim_end_matches(';')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_falls_apart_into_views() {
        let names: Vec<&str> = each().map(|(name, _)| name).collect();
        assert_eq!(names.len(), VIEWS.matches("CREATE VIEW").count());
        assert!(names.contains(&"access") && names.contains(&"grant_history"), "{names:?}");
        for (name, query) in each() {
            assert!(query.starts_with("SELECT ") && !query.contains(';'), "{name}: {query}");
        }
    }
}
