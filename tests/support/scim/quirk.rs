//! How SCIM servers differ from the RFCs and from each other.

/// An oddity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// Lists without `totalResults`.
    NoTotal,
    /// The total as a text.
    TotalAsText,
    /// A total that is so much higher than what there is.
    TotalTooHigh(usize),
    /// At most so many records in a page, whatever `count` says.
    Cap(usize),
    /// The total on the first page only.
    TotalOnFirstPage,
    /// The number of a page's records as the total.
    TotalIsPageSize,
    /// Behind so many records lists are empty, whatever the total says.
    EndsAfter(usize),
    /// Pages behind the end are refused with 400.
    RefusesBehindEnd,
    /// 503 for each other page until so many different ones of a list have been asked for.
    Together(usize),
    /// `startIndex` is not read: every page is the first.
    IgnoresIndex,
    /// `count` is not read: a page holds all that follows.
    IgnoresCount,
    /// What lies behind the end is the last page once more.
    RepeatsLastPage,
    /// Pages by cursor (RFC 9865): indexes are not read, and no total is said.
    Cursors,
    /// The same with a total.
    CursorsAndTotal,
    /// The last cursor leads back to the first page but one.
    CursorLoop,
    /// Members with `$ref` and without `type`.
    MembersWithoutType,
    /// Members with neither.
    BareMembers,
    /// Members as ids alone.
    MembersAsTexts,
    /// A member's type in small letters.
    SmallTypes,
    /// Lists leave the members of groups out.
    NoMembersInLists,
    /// Also those that a filter makes, and where members are asked for by name.
    NoMembersInFilters,
    /// 400 for every filter.
    NoFilter,
    /// `active` as `"True"` and `"False"`.
    ActiveAsText,
    /// No `active` where it is true.
    NoActive,
    /// One address as a text, in place of a list.
    EmailAsText,
    /// One address as an object, in place of a list.
    EmailAsObject,
    /// The manager as an id, in place of an object.
    ManagerAsText,
    /// The manager as `{"managerId": …}`.
    ManagerId,
    /// Ids of digits as numbers.
    NumbersAsIds,
    /// Other cases of attributes' names and of the extension's URN.
    OtherCase,
    /// No `ServiceProviderConfig`.
    NoConfig,
    /// No `Groups`.
    NoGroups,
    /// `meta` changes with every answer, and lists inside of a user come in another order.
    Restless,
}
