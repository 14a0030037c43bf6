//! What a task found as it was published, and what it contradicted, as a few bytes. Pure.
//!
//! Such a record writes no row (rule R9), so nothing in the tables says that the run has seen it. A run that is resumed has
//! to know, or it would take what its earlier attempt saw for gone. Numbers are sorted and kept as runs: how far from the
//! last one, and how many follow each other. A page in the vendor's usual order is four bytes.

/// What one task saw; each list by the numbers of `intern`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// Resources.
    pub resources: Vec<u32>,
    /// Entitlements.
    pub entitlements: Vec<u32>,
    /// Entitlement and principal.
    pub grants: Vec<(u32, u32)>,
    /// Resources of which the run said otherwise before.
    pub contradicted_resources: Vec<u32>,
    /// Entitlements likewise.
    pub contradicted_entitlements: Vec<u32>,
}

impl Sighting {
    /// Nothing at all.
    pub fn is_empty(&self) -> bool {
        let Sighting { resources, entitlements, grants, contradicted_resources, contradicted_entitlements } = self;
        [resources, entitlements, contradicted_resources, contradicted_entitlements].iter().all(|l| l.is_empty())
            && grants.is_empty()
    }

    /// Forgets all, keeps the room.
    pub fn clear(&mut self) {
        let Sighting { resources, entitlements, grants, contradicted_resources, contradicted_entitlements } = self;
        for list in [resources, entitlements, contradicted_resources, contradicted_entitlements] {
            list.clear();
        }
        grants.clear();
    }

    /// As bytes. Sorts the lists.
    pub fn encode(&mut self, out: &mut Vec<u8>) {
        out.clear();
        let Sighting { resources, entitlements, grants, contradicted_resources, contradicted_entitlements } = self;
        for list in [resources, entitlements, contradicted_resources, contradicted_entitlements] {
            list.sort_unstable();
            list.dedup();
            write_list(out, list.iter().copied());
        }
        grants.sort_unstable();
        grants.dedup();
        let mut last = 0;
        for of_one in grants.chunk_by(|a, b| a.0 == b.0) {
            let entitlement = of_one.first().map_or(0, |(e, _)| *e);
            write(out, entitlement - last);
            last = entitlement;
            write_list(out, of_one.iter().map(|(_, principal)| *principal));
        }
    }

    /// What was encoded; none where the bytes are something else.
    pub fn decode(bytes: &[u8]) -> Option<Sighting> {
        let mut rest = bytes;
        let mut list = || read_list(&mut rest);
        let (resources, entitlements) = (list()?, list()?);
        let (contradicted_resources, contradicted_entitlements) = (list()?, list()?);
        let mut grants = Vec::new();
        let mut entitlement = 0u32;
        while !rest.is_empty() {
            entitlement = entitlement.checked_add(read(&mut rest)?)?;
            grants.extend(read_list(&mut rest)?.into_iter().map(|principal| (entitlement, principal)));
        }
        Some(Sighting { resources, entitlements, grants, contradicted_resources, contradicted_entitlements })
    }
}

/// Numbers that one list may hold: more are a broken file, and must not take the memory.
const MOST: u64 = 1 << 26;

fn write_list(out: &mut Vec<u8>, sorted: impl Iterator<Item = u32> + Clone) {
    let runs = || Runs { inner: sorted.clone(), next: None };
    write(out, u32::try_from(runs().count()).unwrap_or(u32::MAX));
    let mut last = 0;
    for (first, length) in runs() {
        write(out, first - last);
        write(out, length);
        last = first + (length - 1);
    }
}

fn read_list(rest: &mut &[u8]) -> Option<Vec<u32>> {
    let runs = read(rest)?;
    let (mut list, mut last) = (Vec::new(), 0u32);
    for _ in 0..runs {
        let first = last.checked_add(read(rest)?)?;
        let length = read(rest)?;
        last = first.checked_add(length.checked_sub(1)?)?;
        if list.len() as u64 + u64::from(length) > MOST {
            return None;
        }
        list.extend(first..=last);
    }
    Some(list)
}

/// The runs of a sorted list: the first number and how many follow each other.
struct Runs<I> {
    inner: I,
    next: Option<u32>,
}

impl<I: Iterator<Item = u32>> Iterator for Runs<I> {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        let first = self.next.take().or_else(|| self.inner.next())?;
        let mut length = 1;
        for number in self.inner.by_ref() {
            if number != first + length {
                self.next = Some(number);
                break;
            }
            length += 1;
        }
        Some((first, length))
    }
}

/// Seven bits a byte, the lowest first.
fn write(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}

fn read(rest: &mut &[u8]) -> Option<u32> {
    let mut number = 0u32;
    for shift in (0..35).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        let bits = u32::from(byte & 0x7f);
        if shift == 28 && bits > 0xf {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(mut sighting: Sighting) -> Vec<u8> {
        let mut out = Vec::new();
        sighting.encode(&mut out);
        out
    }

    #[test]
    fn what_was_seen_comes_back_sorted() {
        let lists: [&[u32]; 6] =
            [&[], &[1], &[1, 2, 3], &[7, 3, 5, 3, 4], &[u32::MAX, 1, u32::MAX - 1], &[1000, 128, 127, 300_000]];
        for list in lists {
            for grants in [vec![], vec![(3, 9), (1, 5), (1, 6), (70_000, 1), (1, u32::MAX)]] {
                let given = Sighting {
                    resources: list.to_vec(),
                    entitlements: vec![4],
                    grants,
                    contradicted_resources: vec![],
                    contradicted_entitlements: list.to_vec(),
                };
                let mut expected = given.clone();
                expected.resources.sort_unstable();
                expected.resources.dedup();
                expected.contradicted_entitlements = expected.resources.clone();
                expected.grants.sort_unstable();
                assert_eq!(Sighting::decode(&bytes(given)), Some(expected));
            }
        }
        assert_eq!(Sighting::decode(&bytes(Sighting::default())), Some(Sighting::default()));
    }

    #[test]
    fn a_page_in_order_is_a_few_bytes() {
        let resources = (500..600).collect();
        assert!(bytes(Sighting { resources, ..Sighting::default() }).len() <= 8);
        let grants = (500..600).map(|p| (77, p)).collect();
        assert!(bytes(Sighting { grants, ..Sighting::default() }).len() <= 10);
    }

    #[test]
    fn bytes_that_are_none_of_ours_are_told_apart() {
        let whole = bytes(Sighting { resources: vec![1, 5, 900], grants: vec![(1, 2)], ..Sighting::default() });
        for cut in 0..whole.len() {
            let decoded = Sighting::decode(&whole[..cut]);
            assert_ne!(decoded, Sighting::decode(&whole), "{cut}");
        }
        // A run of none, a number beyond all, a list without end, a list of everything.
        let bad: [&[u8]; 5] = [
            &[1, 5, 0, 0, 0, 0],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[9, 1, 1],
            &[1, 0xff, 0xff, 0xff, 0xff, 0xf, 9, 0, 0, 0],
            &[1, 1, 0xff, 0xff, 0xff, 0xff, 0xf, 0, 0, 0],
        ];
        for bytes in bad {
            assert_eq!(Sighting::decode(bytes), None, "{bytes:?}");
        }
    }
}
