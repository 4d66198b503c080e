//! What the entries of a list are called: names differ once a whole file is in, so that two entries may change names with each other.

use std::collections::{BTreeMap, BTreeSet, btree_map};

use crate::domain::register::DictionaryRow;
use crate::exchange::gate::CellFault;

/// List and key of an entry.
type Entry = (String, String);

/// A row that names an entry, and where it stands.
#[derive(Debug)]
struct Claim {
    name: String,
    file: usize,
    fault: CellFault,
}

/// The names the register has, and those that rows give.
#[derive(Debug)]
pub(super) struct Names {
    standing: BTreeMap<Entry, String>,
    claims: BTreeMap<Entry, Claim>,
    /// The entries in the order of their rows.
    order: Vec<Entry>,
}

impl Names {
    /// With what each entry is called now.
    pub(super) fn new(standing: BTreeMap<Entry, String>) -> Self {
        Self { standing, claims: BTreeMap::new(), order: Vec::new() }
    }

    /// Notes the name a good row gives; `fault` says where it stands, should the name be another's.
    pub(super) fn claim(&mut self, row: &DictionaryRow, file: usize, fault: CellFault) {
        let entry = (row.dictionary.clone(), row.key.clone());
        self.order.push(entry.clone());
        self.claims.insert(entry, Claim { name: row.name.clone(), file, fault });
    }

    /// Rows whose names are others' once all rows are in, each with its file: a name stays with who has it, else goes to the first row that
    /// gives it. A row that is refused leaves its entry the name it had, which may then be no other's either.
    pub(super) fn refused(mut self) -> Vec<(usize, CellFault)> {
        let mut held: BTreeMap<(&str, &str), &Entry> = BTreeMap::new();
        for (entry, name) in &self.standing {
            if !self.claims.contains_key(entry) {
                held.insert((&entry.0, name), entry);
            }
        }
        let mut lost: Vec<(&Entry, &Entry)> = Vec::new();
        for entry in &self.order {
            let Some(claim) = self.claims.get(entry) else { continue };
            match held.entry((&entry.0, &claim.name)) {
                btree_map::Entry::Occupied(holder) => lost.push((entry, holder.get())),
                btree_map::Entry::Vacant(free) => {
                    free.insert(entry);
                }
            }
        }
        // an entry loses once: two that stand with one name would take it from each other for ever
        let mut losers: BTreeSet<&Entry> = lost.iter().map(|(entry, _)| *entry).collect();
        let mut at = 0;
        while let Some((entry, _)) = lost.get(at).copied() {
            at += 1;
            let Some(name) = self.standing.get(entry) else { continue };
            if let Some(robbed) = held.insert((&entry.0, name), entry).filter(|other| *other != entry)
                && losers.insert(robbed)
            {
                lost.push((robbed, entry));
            }
        }
        let told: Vec<(Entry, String)> = lost.into_iter().map(|(e, holder)| (e.clone(), holder.1.clone())).collect();
        let mut refused = Vec::with_capacity(told.len());
        for (entry, holder) in told {
            let Some(Claim { name, file, mut fault }) = self.claims.remove(&entry) else { continue };
            fault.reason = format!(
                "名称“{name}”已属于 {holder}：同一字典内名称不能相同 / \"{name}\" is the name of {holder} already: within a list names differ"
            );
            refused.push((file, fault));
        }
        refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows refused, by their numbers, where the register has `a` = 甲, `b` = 乙, `c` = 丙.
    fn refused(rows: &[(&str, &str)]) -> Vec<u64> {
        let of = |key: &str| ("category".to_owned(), key.to_owned());
        let standing = [("a", "甲"), ("b", "乙"), ("c", "丙")].map(|(key, name)| (of(key), name.to_owned()));
        let mut names = Names::new(standing.into());
        for (number, (key, name)) in (1..).zip(rows) {
            let row = DictionaryRow {
                dictionary: "category".to_owned(),
                key: (*key).to_owned(),
                name: (*name).to_owned(),
                ..DictionaryRow::default()
            };
            let fault = CellFault {
                file: String::new(),
                sheet: None,
                row: number,
                column: None,
                id: None,
                code: "name_taken",
                reason: String::new(),
            };
            names.claim(&row, 0, fault);
        }
        names.refused().into_iter().map(|(_, fault)| fault.row).collect()
    }

    #[test]
    fn names_may_be_swapped_and_handed_round_but_not_shared() {
        type Case<'c> = (&'c [(&'c str, &'c str)], &'c [u64]);
        let cases: [Case<'_>; 9] = [
            (&[("a", "乙"), ("b", "甲")], &[]),
            (&[("a", "乙"), ("b", "丙"), ("c", "甲")], &[]),
            (&[("a", "甲"), ("b", "乙")], &[]),
            (&[("a", "乙")], &[1]),
            (&[("d", "甲")], &[1]),
            (&[("d", "丁"), ("e", "丁")], &[2]),
            (&[("a", "丁"), ("d", "甲")], &[]),
            // the one that takes nobody's is fine; who took its name is not, once it keeps it
            (&[("a", "乙"), ("b", "丙")], &[2, 1]),
            (&[("a", "丁"), ("d", "甲"), ("e", "丁")], &[3]),
        ];
        for (rows, wanted) in cases {
            assert_eq!(refused(rows), wanted, "{rows:?}");
        }
    }
}
