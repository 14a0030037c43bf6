//! The fields of a person that a plan speaks of, under the contract's names.

use super::options::ChangeKind;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// First name.
    GivenName,
    /// Last name.
    FamilyName,
    /// Address for work.
    Email,
    /// The employer's number.
    EmployeeId,
    /// Job title.
    Title,
    /// Name of the department.
    Department,
    /// Name of the location.
    Location,
    /// A neutral word, see [`super::words`].
    EmploymentType,
    /// The manager's address for work.
    Manager,
    /// First day.
    StartDate,
}

impl Field {
    /// All, in the order in which they are shown.
    pub const ALL: [Field; 10] = [
        Field::GivenName,
        Field::FamilyName,
        Field::Email,
        Field::EmployeeId,
        Field::Title,
        Field::Department,
        Field::Location,
        Field::EmploymentType,
        Field::Manager,
        Field::StartDate,
    ];

    /// Its name in a plan.
    pub fn name(self) -> &'static str {
        match self {
            Field::GivenName => "given_name",
            Field::FamilyName => "family_name",
            Field::Email => "email",
            Field::EmployeeId => "employee_id",
            Field::Title => "title",
            Field::Department => "department",
            Field::Location => "location",
            Field::EmploymentType => "employment_type",
            Field::Manager => "manager",
            Field::StartDate => "start_date",
        }
    }

    /// The kind of change that it belongs to.
    pub fn kind(self) -> ChangeKind {
        match self {
            Field::GivenName | Field::FamilyName | Field::Email | Field::EmployeeId => ChangeKind::Person,
            Field::Title => ChangeKind::Titles,
            Field::Department => ChangeKind::Departments,
            Field::Location => ChangeKind::Locations,
            Field::EmploymentType => ChangeKind::Employment,
            Field::Manager => ChangeKind::Managers,
            Field::StartDate => ChangeKind::Dates,
        }
    }

    /// Whether a change of it is a move.
    pub fn is_move(self) -> bool {
        matches!(self, Field::Department | Field::Location | Field::Manager)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Field, D::Error> {
        let name = String::deserialize(deserializer)?;
        Field::ALL.into_iter().find(|field| field.name() == name).ok_or_else(|| {
            let names = Field::ALL.map(Field::name).join(", ");
            serde::de::Error::custom(format!("there is no field {name}; there are {names}"))
        })
    }
}
