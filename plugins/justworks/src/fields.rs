//! The field map: which key of the vendor's answer is which field of ours. This is the one table to change.
//!
//! Justworks documents no roster for a browser's session. The first key of each line is what is assumed; the
//! others are spellings that Justworks uses elsewhere (its partner API). Where an answer has several keys of a
//! line, the first that has a value counts.

/// A field of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// The id. Every member has one.
    Uuid,
    /// The employer's number.
    EmployeeId,
    FirstName,
    LastName,
    /// The first name that is used, or a whole name.
    PreferredName,
    /// The whole name, where it comes in one piece.
    FullName,
    WorkEmail,
    HomeEmail,
    Title,
    /// A name.
    Department,
    /// A name.
    Location,
    StartDate,
    /// The last day.
    TerminatedDate,
    /// Employee, contractor and so on, in the vendor's own word.
    MemberType,
    /// Somebody of the same roster; see [`MANAGER`].
    Manager,
}

/// How many fields there are.
pub(crate) const COUNT: usize = 15;

/// The keys of each field, in the order of [`Field`].
pub(crate) const FIELDS: [(Field, &[&str]); COUNT] = [
    (Field::Uuid, &["uuid"]),
    (Field::EmployeeId, &["employeeId", "employee_id", "work_id"]),
    (Field::FirstName, &["firstName", "first_name", "given_name"]),
    (Field::LastName, &["lastName", "last_name", "family_name"]),
    (Field::PreferredName, &["preferredName", "preferred_name"]),
    (Field::FullName, &["name", "fullName", "full_name"]),
    (Field::WorkEmail, &["workEmail", "work_email"]),
    (Field::HomeEmail, &["homeEmail", "home_email"]),
    (Field::Title, &["title", "jobTitle", "job_title"]),
    (Field::Department, &["department"]),
    (Field::Location, &["location", "office"]),
    (Field::StartDate, &["startDate", "start_date", "employment_start_date"]),
    (Field::TerminatedDate, &["terminatedDate", "terminated_date", "employment_termination_date"]),
    (Field::MemberType, &["memberType", "member_type"]),
    (Field::Manager, &["manager"]),
];

/// The keys of a `manager` that is an object.
pub(crate) struct ManagerKeys {
    pub(crate) uuid: &'static [&'static str],
    pub(crate) email: &'static [&'static str],
    pub(crate) name: &'static [&'static str],
    pub(crate) first: &'static [&'static str],
    pub(crate) last: &'static [&'static str],
}

/// A `manager` is a work email, an uuid, a name, or an object with any of them.
pub(crate) const MANAGER: ManagerKeys = ManagerKeys {
    uuid: &["uuid", "id"],
    email: &["workEmail", "work_email", "email"],
    name: &["name", "fullName", "full_name"],
    first: &["preferredName", "preferred_name", "firstName", "first_name", "given_name"],
    last: &["lastName", "last_name", "family_name"],
};

/// The keys under which an object holds its name, where a name was expected: `{"name": "Engineering"}`.
pub(crate) const NAME_OF: &[&str] = &["name", "label", "value"];

impl Field {
    /// The field of a key, and the key's place in its line.
    pub(crate) fn of(key: &str) -> Option<(Field, usize)> {
        FIELDS.iter().find_map(|(field, keys)| Some((*field, keys.iter().position(|known| *known == key)?)))
    }

    /// The assumed key, for sentences.
    pub(crate) fn key(self) -> &'static str {
        FIELDS.get(self as usize).and_then(|(_, keys)| keys.first()).copied().unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_fields_and_names_each_key_once() {
        let mut seen = std::collections::BTreeSet::new();
        for (place, (field, keys)) in FIELDS.iter().enumerate() {
            assert_eq!(*field as usize, place, "{field:?}");
            assert_eq!(Some(&field.key()), keys.first());
            for (rank, key) in keys.iter().enumerate() {
                assert!(seen.insert(*key), "{key} is there twice");
                assert_eq!(Field::of(key), Some((*field, rank)));
            }
        }
        assert_eq!(Field::of("payable"), None);
    }
}
