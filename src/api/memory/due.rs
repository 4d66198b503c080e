//! What of a collection is to be loaded.

use std::collections::BTreeSet;

/// More keys than this are as dear as everything.
const MOST_KEYS: usize = 10_000;
/// The same of villages.
const MOST_VILLAGES: usize = 50;

/// What is to be loaded of a collection.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Due {
    #[default]
    Nothing,
    /// These features.
    Keys(BTreeSet<String>),
    /// Features of these villages.
    Villages(BTreeSet<String>),
    Whole,
}

impl Due {
    pub(super) fn keys(keys: impl IntoIterator<Item = String>) -> Self {
        Self::Keys(keys.into_iter().collect()).within_bounds()
    }

    pub(super) fn villages(villages: impl IntoIterator<Item = String>) -> Self {
        Self::Villages(villages.into_iter().collect()).within_bounds()
    }

    fn within_bounds(self) -> Self {
        match self {
            Self::Keys(keys) if keys.len() > MOST_KEYS => Self::Whole,
            Self::Villages(villages) if villages.len() > MOST_VILLAGES => Self::Whole,
            Self::Keys(none) | Self::Villages(none) if none.is_empty() => Self::Nothing,
            due => due,
        }
    }

    /// This and that.
    pub(super) fn add(&mut self, more: Self) {
        *self = match (std::mem::take(self), more) {
            (Self::Nothing, due) | (due, Self::Nothing) => due,
            (Self::Keys(mut keys), Self::Keys(more)) => {
                keys.extend(more);
                Self::Keys(keys).within_bounds()
            }
            (Self::Villages(mut villages), Self::Villages(more)) => {
                villages.extend(more);
                Self::Villages(villages).within_bounds()
            }
            _ => Self::Whole,
        };
    }

    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Keys(_) => "rows",
            Self::Villages(_) => "villages",
            Self::Whole => "whole",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_adds_up() {
        let keys = |k: &[&str]| Due::keys(k.iter().map(|k| (*k).to_owned()));
        let mut due = Due::Nothing;
        for (more, now) in [
            (keys(&["a"]), keys(&["a"])),
            (keys(&["b", "a"]), keys(&["a", "b"])),
            (keys(&[]), keys(&["a", "b"])),
            (Due::villages(["52".to_owned()]), Due::Whole),
            (keys(&["c"]), Due::Whole),
        ] {
            due.add(more);
            assert_eq!(due, now);
        }
        assert_eq!(Due::keys((0..=MOST_KEYS).map(|n| n.to_string())), Due::Whole);
    }
}
