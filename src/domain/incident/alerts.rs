//! What alarms (告警): rules as data. Those that ship stand here; rows of the store change and extend them.

use super::flow::Level;

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertKind {
    /// An incident of the category 突发事件.
    Emergency,
    /// An incident whose due time is over.
    Overdue,
    /// A significant cell that is new or grows.
    HotAndGrowing,
}

impl AlertKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Emergency, Self::Overdue, Self::HotAndGrowing];

    /// The word in the store and in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::Overdue => "overdue",
            Self::HotAndGrowing => "hot_and_growing",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.word() == word)
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRule {
    /// Id; a row of the store with the id of one that ships takes its place.
    pub id: String,
    /// What it looks at.
    pub kind: AlertKind,
    /// Where: codes that begin with these digits; none is everywhere.
    pub region: String,
    /// Minutes after which an alert that nobody acknowledged goes to the next level.
    pub escalate_after_min: u32,
    /// Days looked back on, for hotspots.
    pub days: u32,
    /// Resolution of cells, for hotspots.
    pub resolution: u8,
    /// Whether it is in use.
    pub enabled: bool,
}

impl AlertRule {
    /// The rules that ship: an emergency waits ten minutes, what is overdue four hours, a hotspot a day.
    #[must_use]
    pub fn shipped() -> Vec<Self> {
        [(AlertKind::Emergency, 10), (AlertKind::Overdue, 240), (AlertKind::HotAndGrowing, 1_440)]
            .into_iter()
            .map(|(kind, escalate_after_min)| Self {
                id: kind.word().to_owned(),
                kind,
                region: String::new(),
                escalate_after_min,
                days: 30,
                resolution: 8,
                enabled: true,
            })
            .collect()
    }

    /// How long an alert waits for somebody.
    #[must_use]
    pub fn patience_ms(&self) -> i64 {
        i64::from(self.escalate_after_min) * 60_000
    }

    /// Whether it looks at a place with this code.
    #[must_use]
    pub fn covers(&self, code: &str) -> bool {
        self.enabled && code.starts_with(&self.region)
    }
}

/// The level an alert goes to when nobody came; `None` at the county.
#[must_use]
pub fn next_level(level: &str) -> Option<Level> {
    let now = Level::find(level)?;
    Level::ALL.iter().copied().find(|l| *l > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_ship_are_one_a_kind() {
        let rules = AlertRule::shipped();
        assert_eq!(rules.iter().map(|r| r.kind).collect::<Vec<_>>(), AlertKind::ALL);
        assert!(rules.iter().all(|r| r.covers("520423") && AlertKind::find(&r.id) == Some(r.kind)));
        let narrow = AlertRule { region: "5204".to_owned(), ..rules[0].clone() };
        assert!(narrow.covers("520423102001") && !narrow.covers("522"));
    }

    #[test]
    fn alert_goes_up_to_the_county_and_stays_there() {
        assert_eq!((next_level("grid"), next_level("township")), (Some(Level::Village), Some(Level::County)));
        assert_eq!((next_level("county"), next_level("x")), (None, None));
    }
}
