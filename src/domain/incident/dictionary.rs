//! What incidents are about: categories and types of dispute. The lists that ship are those of public practice; rows of the store's
//! dictionaries change and extend them.

use std::collections::BTreeMap;

use crate::domain::register::DictionaryRow;

use super::flow::{Level, State};

const HOUR_MS: i64 = 3_600_000;
/// Most hours an incident may be let take: a leap year.
const MOST_HOURS: u32 = 366 * 24;

/// Key of the category that alarms at once (突发事件).
pub const EMERGENCY: &str = "emergency";
/// Name of the list of categories among the store's dictionaries.
pub const CATEGORIES: &str = "category";
/// Name of the list of types of dispute.
pub const DISPUTES: &str = "dispute";

/// Name of the list of levels that handle an incident: its keys are fixed, an office words them in its own way.
pub const LEVELS: &str = "level";
/// Name of the list of an incident's states; keys as fixed as those of levels.
pub const STATES: &str = "state";
/// Name of the list of ways a dwelling is held; fixed keys too.
pub const TENURES: &str = "tenure";

/// Lists with their names in files and whether an office may extend them.
const LISTS: [(&str, &[&str], bool); 5] = [
    (CATEGORIES, &["类别", "事件类别"], true),
    (DISPUTES, &["纠纷类型", "矛盾类型"], true),
    (LEVELS, &["层级", "处理层级"], false),
    (STATES, &["状态", "办理状态"], false),
    (TENURES, &["居住性质", "房屋性质"], false),
];

/// The list that a word of a file names, by its key or a Chinese name.
#[must_use]
pub fn list_named(word: &str) -> Option<&'static str> {
    let word = word.trim();
    LISTS.iter().find(|(key, names, _)| *key == word || names.contains(&word)).map(|l| l.0)
}

/// The keys of a list that nobody extends, because the program acts by them; `None` of one that is extended.
#[must_use]
pub fn fixed_keys(list: &str) -> Option<Vec<&'static str>> {
    match list {
        LEVELS => Some(Level::ALL.iter().map(|l| l.word()).collect()),
        STATES => Some(State::ALL.iter().map(|s| s.word()).collect()),
        TENURES => Some(vec!["own", "rented", "vacant"]),
        _ => None,
    }
}

/// Hours an incident may take at grid, village, township and county, as people write them: four numbers, or one for all levels; each from
/// 1 to 8784.
#[must_use]
pub fn hours_of(said: &str) -> Option<[u32; 4]> {
    let parts = said.split(['、', ',', '，', ';', '；', '/', ' ']).map(str::trim).filter(|s| !s.is_empty());
    let hours = parts.map(|s| s.parse().ok().filter(|h| (1..=MOST_HOURS).contains(h)));
    match hours.collect::<Option<Vec<u32>>>()?.as_slice() {
        [all] => Some([*all; 4]),
        [grid, village, township, county] => Some([*grid, *village, *township, *county]),
        _ => None,
    }
}

/// Hours as files carry them.
#[must_use]
pub fn hours_text(hours: [u32; 4]) -> String {
    hours.map(|h| h.to_string()).join("、")
}

/// All lists there are, by their keys.
#[must_use]
pub fn lists() -> Vec<&'static str> {
    LISTS.iter().map(|l| l.0).collect()
}

/// A category of incidents (事件类别).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// Key.
    pub key: String,
    /// Chinese name.
    pub name: String,
    /// English name.
    pub name_en: String,
    /// Offered for new incidents.
    pub enabled: bool,
    /// Hours an incident may take at grid, village, township and county.
    pub due_hours: [u32; 4],
}

/// A type of dispute (纠纷类型).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// Key.
    pub key: String,
    /// Chinese name.
    pub name: String,
    /// English name.
    pub name_en: String,
}

/// Both lists, in the order of pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dictionaries {
    /// Categories.
    pub categories: Vec<Category>,
    /// Types of dispute.
    pub disputes: Vec<Dispute>,
    /// What an office says for the keys of lists that are fixed: list, key, name.
    pub wording: BTreeMap<(String, String), String>,
}

/// Key, Chinese, English, offered, hours. Special-group service is off: it is about persons. Three, five, seven and fifteen days are what
/// grid platforms commonly allow; a county sets its own with the dictionary, an office with each incident.
type Shipped = (&'static str, &'static str, &'static str, bool, [u32; 4]);
const DAYS: [u32; 4] = [72, 120, 168, 360];
const SHIPPED: [Shipped; 8] = [
    ("livelihood", "民生服务", "livelihood service", true, DAYS),
    ("dispute", "矛盾劝解", "dispute mediation", true, [120, 168, 240, 360]),
    ("security", "治安防控", "public-safety prevention", true, DAYS),
    ("special_group", "特殊人群服务", "special-group service", false, DAYS),
    ("opinion", "社情民意", "opinion", true, DAYS),
    ("publicity", "政策宣传", "publicity", true, DAYS),
    (EMERGENCY, "突发事件", "emergency", true, [1, 1, 2, 2]),
    ("other", "其他", "other", true, DAYS),
];

const SHIPPED_DISPUTES: [(&str, &str, &str); 13] = [
    ("0", "婚姻家庭", "marriage and family"),
    ("1", "邻里", "neighbours"),
    ("2", "房屋宅基地", "houses and homesteads"),
    ("3", "合同", "contracts"),
    ("4", "生产经营", "trade and production"),
    ("5", "损害赔偿", "damages"),
    ("6", "山林土地", "woods and land"),
    ("7", "征地拆迁", "requisition and demolition"),
    ("8", "环境污染", "pollution"),
    ("9", "劳动争议", "labour"),
    ("10", "医疗", "medical"),
    ("11", "道路交通", "road traffic"),
    ("12", "物业", "property management"),
];

impl Category {
    /// How long an incident may take at each level.
    #[must_use]
    pub fn allowance_ms(&self) -> [i64; 4] {
        self.due_hours.map(|h| i64::from(h) * HOUR_MS)
    }

    /// When an incident that happened at a moment must be done.
    #[must_use]
    pub fn due_ms(&self, occurred_ms: i64, level: Level) -> i64 {
        occurred_ms.saturating_add(self.allowance_ms().get(level as usize).copied().unwrap_or_default())
    }
}

impl Dictionaries {
    /// The lists that ship with the program.
    #[must_use]
    pub fn shipped() -> Self {
        let category = |(key, name, name_en, enabled, due_hours): Shipped| Category {
            key: key.to_owned(),
            name: name.to_owned(),
            name_en: name_en.to_owned(),
            enabled,
            due_hours,
        };
        let dispute = |(key, name, name_en): (&str, &str, &str)| Dispute {
            key: key.to_owned(),
            name: name.to_owned(),
            name_en: name_en.to_owned(),
        };
        Self {
            categories: SHIPPED.into_iter().map(category).collect(),
            disputes: SHIPPED_DISPUTES.into_iter().map(dispute).collect(),
            wording: BTreeMap::new(),
        }
    }

    /// The lists that ship, changed and extended by rows of the store; a row that is not enabled stays known.
    #[must_use]
    pub fn with(rows: &[DictionaryRow]) -> Self {
        let mut all = Self::shipped();
        let mut rows: Vec<&DictionaryRow> = rows.iter().collect();
        rows.sort_by(|a, b| (a.position, &a.key).cmp(&(b.position, &b.key)));
        for row in rows {
            let name_en = row.name_en.clone().unwrap_or_else(|| row.name.clone());
            let (key, name) = (row.key.clone(), row.name.clone());
            if row.dictionary == CATEGORIES {
                let (own, enabled) = (row.due_hours.as_deref().and_then(hours_of), row.enabled);
                match all.categories.iter_mut().find(|c| c.key == key) {
                    Some(c) => {
                        let due_hours = own.unwrap_or(c.due_hours);
                        *c = Category { key, name, name_en, enabled, due_hours };
                    }
                    None => {
                        let due_hours = own.unwrap_or(DAYS);
                        all.categories.push(Category { key, name, name_en, enabled, due_hours });
                    }
                }
            } else if row.dictionary == DISPUTES {
                match all.disputes.iter_mut().find(|d| d.key == key) {
                    Some(d) => (d.name, d.name_en) = (name, name_en),
                    None => all.disputes.push(Dispute { key, name, name_en }),
                }
            } else if fixed_keys(&row.dictionary).is_some_and(|keys| keys.contains(&key.as_str())) {
                all.wording.insert((row.dictionary.clone(), key), name);
            }
        }
        all
    }

    /// The category of a key or name.
    #[must_use]
    pub fn category(&self, word: &str) -> Option<&Category> {
        let word = word.trim();
        let by_key = self.categories.iter().find(|c| c.key == word);
        by_key.or_else(|| self.categories.iter().find(|c| c.name == word || c.name_en.eq_ignore_ascii_case(word)))
    }

    /// The type of dispute of a key or name; `邻里纠纷` is `邻里`.
    #[must_use]
    pub fn dispute(&self, word: &str) -> Option<&Dispute> {
        let word = word.trim();
        let short = word.strip_suffix("纠纷").unwrap_or(word);
        let by_key = self.disputes.iter().find(|d| d.key == word);
        by_key.or_else(|| self.disputes.iter().find(|d| d.name == short || d.name_en.eq_ignore_ascii_case(word)))
    }

    /// What an office says for the key of a fixed list, where it says something of its own.
    #[must_use]
    pub fn worded(&self, list: &str, key: &str) -> Option<&str> {
        self.wording.get(&(list.to_owned(), key.to_owned())).map(String::as_str)
    }

    /// What people read for a stored category, whatever it is.
    #[must_use]
    pub fn category_name<'a>(&'a self, stored: &'a str) -> &'a str {
        self.category(stored).map_or(stored, |c| &c.name)
    }

    /// The key a stored category counts under.
    #[must_use]
    pub fn category_key<'a>(&'a self, stored: &'a str) -> &'a str {
        self.category(stored).map_or(stored, |c| &c.key)
    }

    /// All words a category is stored under: its key, and names that came with files before keys were kept.
    #[must_use]
    pub fn stored_words(&self, key: &str) -> Vec<String> {
        let names = self.categories.iter().filter(|c| c.key == key && c.name != key).map(|c| c.name.clone());
        std::iter::once(key.to_owned()).chain(names).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_distinct_and_names_lead_to_them() {
        let all = Dictionaries::shipped();
        assert_eq!((all.categories.len(), all.disputes.len()), (8, 13));
        for c in &all.categories {
            assert_eq!(all.category(&c.name).map(|f| &f.key), Some(&c.key));
            assert_eq!(all.category(&c.key).map(|f| &f.key), Some(&c.key));
        }
        assert_eq!(all.dispute("邻里纠纷").map(|d| d.key.as_str()), Some("1"));
        assert_eq!(
            all.categories.iter().filter(|c| !c.enabled).map(|c| c.key.as_str()).collect::<Vec<_>>(),
            ["special_group"]
        );
        assert_eq!((all.category_key("矛盾劝解"), all.category_name("flood")), ("dispute", "flood"));
    }

    #[test]
    fn rows_of_the_store_change_and_extend_the_lists() {
        let row = |dictionary: &str, key: &str, name: &str, enabled| DictionaryRow {
            id: format!("{dictionary}/{key}"),
            dictionary: dictionary.to_owned(),
            key: key.to_owned(),
            name: name.to_owned(),
            enabled,
            ..DictionaryRow::default()
        };
        let all = Dictionaries::with(&[
            row("category", "flood", "内涝", true),
            row("category", "special_group", "特殊人群服务", true),
            row("dispute", "13", "网络", true),
            row("building", "school", "学校", true),
        ]);
        assert_eq!((all.categories.len(), all.disputes.len()), (9, 14));
        assert!(all.category("special_group").is_some_and(|c| c.enabled));
        assert_eq!(all.category("内涝").map(|c| c.key.as_str()), Some("flood"));
    }

    #[test]
    fn fixed_lists_are_worded_and_not_extended() {
        let row = |dictionary: &str, key: &str, name: &str| DictionaryRow {
            id: format!("{dictionary}/{key}"),
            dictionary: dictionary.to_owned(),
            key: key.to_owned(),
            name: name.to_owned(),
            enabled: true,
            ..DictionaryRow::default()
        };
        let all = Dictionaries::with(&[
            row(STATES, "closed", "已销号"),
            row(STATES, "lost", "丢失"),
            row(TENURES, "own", "自有住房"),
        ]);
        assert_eq!((all.worded(STATES, "closed"), all.worded(TENURES, "own")), (Some("已销号"), Some("自有住房")));
        assert_eq!((all.worded(STATES, "lost"), all.worded(LEVELS, "grid")), (None, None));
        assert_eq!(
            (list_named("事件类别"), list_named("tenure"), list_named("x")),
            (Some(CATEGORIES), Some(TENURES), None)
        );
        for list in lists() {
            assert_eq!(list_named(list), Some(list));
            assert_eq!(LISTS.iter().any(|(key, _, extended)| *key == list && *extended), fixed_keys(list).is_none());
        }
    }

    #[test]
    fn county_s_own_hours_go_before_those_that_ship() {
        let row = |key: &str, hours: Option<&str>| DictionaryRow {
            dictionary: CATEGORIES.to_owned(),
            key: key.to_owned(),
            name: key.to_owned(),
            enabled: true,
            due_hours: hours.map(str::to_owned),
            ..DictionaryRow::default()
        };
        let all = Dictionaries::with(&[
            row(EMERGENCY, Some("2、3、4、5")),
            row("opinion", None),
            row("flood", Some("6")),
            row("other", Some("x")),
        ]);
        let due = |key: &str, level| all.category(key).expect("a category").due_ms(0, level) / HOUR_MS;
        assert_eq!((due(EMERGENCY, Level::Grid), due(EMERGENCY, Level::County)), (2, 5));
        assert_eq!((due("flood", Level::Village), due("opinion", Level::Grid), due("other", Level::Grid)), (6, 72, 72));
    }

    #[test]
    fn hours_are_one_number_or_four() {
        for (said, hours) in [
            ("24", Some([24; 4])),
            ("1, 2，3、8784", Some([1, 2, 3, 8_784])),
            ("1/2/3/4", Some([1, 2, 3, 4])),
            ("1、2", None),
            ("0", None),
            ("8785", None),
            ("-3", None),
            ("1.5", None),
            ("三天", None),
            ("", None),
            ("99999999999", None),
        ] {
            assert_eq!(hours_of(said), hours, "{said}");
            assert_eq!(hours.map(hours_text).as_deref().and_then(hours_of), hours);
        }
    }

    #[test]
    fn emergency_is_due_within_hours() {
        let all = Dictionaries::shipped();
        let due = |key: &str, level| all.category(key).expect("a category").due_ms(0, level);
        assert_eq!((due(EMERGENCY, Level::Grid), due("opinion", Level::Grid)), (HOUR_MS, 72 * HOUR_MS));
    }
}
