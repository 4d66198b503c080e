//! What is to be looked at in good rows before they are stored, and what rows of one file must keep to among themselves.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::domain::incident::dictionary::{
    CATEGORIES, DISPUTES, LEVELS, STATES, TENURES, fixed_keys, list_named, lists,
};
use crate::domain::incident::{Dictionaries, Level, State};
use crate::domain::register::{DictionaryRow, ProfileRow, RegionRow, Tenure, ZoneRow};
use crate::domain::{Profile, VillageCode};
use crate::exchange::Fault;
use crate::exchange::gate::{CellFault, OwnWord};
use crate::store::{Grouping, IncidentFilter, Layer, PlanFilter, RegisterRow, Scope, Store};

use super::RegisterError;
use super::names::Names;
use super::profiles::profile_rows;

/// Any moment will do where nothing is asked of the due time.
const SOME_MOMENT: &str = "2000-01-01T00:00:00.000Z";

/// Looks at the rows of an import, one after the other.
pub(super) struct Cautions {
    /// Villages the register has.
    villages: HashSet<String>,
    /// Codes and words that were spoken of: once is enough.
    said: HashSet<String>,
    lists: Dictionaries,
    /// Rows of the file, by key: where each stands.
    rows: HashMap<String, u64>,
    /// What entries of the lists are called.
    names: Names,
    /// Incidents by the word their category is stored under.
    incidents: BTreeMap<String, u64>,
    /// The register's profiles, and how many plans not yet retired were made by each.
    profiles: BTreeMap<String, (String, u64)>,
}

const fn name_of(tenure: Tenure) -> (&'static str, &'static str) {
    match tenure {
        Tenure::Own => ("own", "自有"),
        Tenure::Rented => ("rented", "租住"),
        Tenure::Vacant => ("vacant", "空置"),
    }
}

/// What each key of each list is called: by the office, else as it ships.
fn names_of(all: &Dictionaries) -> BTreeMap<(String, String), String> {
    let mut names = BTreeMap::new();
    let mut put = |list: &str, key: &str, name: &str| {
        let name = all.worded(list, key).unwrap_or(name);
        names.insert((list.to_owned(), key.to_owned()), name.to_owned());
    };
    all.categories.iter().for_each(|c| put(CATEGORIES, &c.key, &c.name));
    all.disputes.iter().for_each(|d| put(DISPUTES, &d.key, &d.name));
    Level::ALL.iter().for_each(|l| put(LEVELS, l.word(), l.name()));
    State::ALL.iter().for_each(|s| put(STATES, s.word(), s.name()));
    [Tenure::Own, Tenure::Rented, Tenure::Vacant].map(name_of).iter().for_each(|(key, name)| put(TENURES, key, name));
    names
}

/// What an office says for the words of a layer's fields.
pub(super) fn own_words(layer: Layer, all: &Dictionaries) -> Vec<OwnWord> {
    let fields: &[(&str, &'static str)] = match layer {
        Layer::Incidents => &[(LEVELS, "level"), (STATES, "state")],
        Layer::Households => &[(TENURES, "tenure")],
        _ => &[],
    };
    let of = |(list, key): &(String, String), name: &String| {
        let field = fields.iter().find(|f| f.0 == list)?.1;
        Some(OwnWord { field, said: name.trim().to_lowercase(), word: key.clone() })
    };
    all.wording.iter().filter_map(|(at, name)| of(at, name)).collect()
}

impl Cautions {
    /// Asks the store for what rows of the layer are held against.
    pub(super) async fn new(
        store: &dyn Store,
        scope: &Scope,
        layer: Layer,
        villages: &[RegionRow],
        all: &Dictionaries,
    ) -> Result<Self, RegisterError> {
        let mut new = Self {
            villages: villages.iter().map(|v| v.code.clone()).collect(),
            said: HashSet::new(),
            lists: all.clone(),
            rows: HashMap::new(),
            names: Names::new(names_of(all)),
            incidents: BTreeMap::new(),
            profiles: BTreeMap::new(),
        };
        if layer == Layer::Dictionaries {
            let filter = IncidentFilter { now: SOME_MOMENT.to_owned(), ..IncidentFilter::default() };
            let counted = store.tally_incidents(scope, &filter, Grouping::Category).await?;
            new.incidents = counted.into_iter().map(|t| (t.key, t.count)).collect();
        }
        if layer == Layer::Profiles {
            let plans = store.list_plans(scope, &PlanFilter::default()).await?;
            let names = plans.iter().filter(|p| p.valid_to.is_none()).filter_map(|p| Profile::parse(&p.profile).ok());
            let mut made: BTreeMap<String, u64> = BTreeMap::new();
            names.for_each(|p| *made.entry(p.name).or_default() += 1);
            for ProfileRow { name, toml, .. } in profile_rows(store, scope).await? {
                let plans = made.get(&name).copied().unwrap_or(0);
                new.profiles.insert(name, (toml, plans));
            }
        }
        Ok(new)
    }

    /// What is to be looked at in a row.
    ///
    /// # Errors
    /// What does not go together with the lists or with rows before it.
    pub(super) fn look(&mut self, row: &RegisterRow, number: u64) -> Result<Vec<Fault>, Fault> {
        Ok(match row {
            RegisterRow::Regions(r) => {
                let caution = VillageCode::parse(&r.code).ok().and_then(|c| c.caution(Some(&r.name)));
                caution.map(|what| Fault::new("village_digits", what).of("code")).into_iter().collect()
            }
            RegisterRow::Zones(r) => self.zone(r),
            RegisterRow::Profiles(r) => self.profile(r),
            RegisterRow::Dictionaries(r) => self.entry(r, number)?,
            RegisterRow::Incidents(r) => {
                let mut all: Vec<Fault> = self.village(row, "region").into_iter().collect();
                let known = self.lists.category(&r.category).is_some();
                all.extend((!known).then(|| self.unknown("category", &r.category)).flatten());
                let dispute = r.dispute.as_deref().filter(|d| self.lists.dispute(d).is_none());
                all.extend(dispute.and_then(|d| self.unknown("dispute", d)));
                all
            }
            RegisterRow::Buildings(_) | RegisterRow::Households(_) => {
                self.village(row, "village").into_iter().collect()
            }
            row => self.village(row, "region").into_iter().collect(),
        })
    }

    /// Notes the name that a good row gives an entry, and where the row stands.
    pub(super) fn claim(&mut self, row: &RegisterRow, file: usize, told: impl Fn(Fault) -> CellFault) {
        if let RegisterRow::Dictionaries(row) = row {
            self.names.claim(row, file, told(Fault::new("name_taken", String::new()).of("name")));
        }
    }

    /// After the last row: rows that give a name which is another's then, each with its file.
    pub(super) fn names_taken(self) -> Vec<(usize, CellFault)> {
        self.names.refused()
    }

    /// A village's code that the register has not met yet.
    fn village(&mut self, row: &RegisterRow, field: &'static str) -> Option<Fault> {
        let code = row.lies_in()?.get(..12)?;
        if self.villages.contains(code) || self.said.contains(code) {
            return None;
        }
        self.said.insert(code.to_owned());
        let what = VillageCode::parse(code).ok()?.caution(None)?;
        Some(Fault::new("village_digits", what).of(field))
    }

    fn unknown(&mut self, field: &'static str, word: &str) -> Option<Fault> {
        if !self.said.insert(format!("{field}/{word}")) {
            return None;
        }
        let shown: String = word.chars().take(40).collect();
        let what = format!(
            "“{shown}”不在字典中，照原样入库；如属新词，请先导入字典（dictionaries） / \"{shown}\" is in no list and is kept as it is; a new word is brought in with the layer dictionaries"
        );
        Some(Fault::new("unknown_word", what).of(field))
    }

    /// Townships of a county that the register has villages of, but none in the township.
    fn zone(&self, zone: &ZoneRow) -> Vec<Fault> {
        let any = |prefix: &str| self.villages.iter().any(|v| v.starts_with(prefix));
        let absent = zone.townships.iter().filter(|t| t.get(..6).is_some_and(any) && !any(t));
        let told = |code: &String| {
            let what = format!(
                "库中没有乡镇 {code} 的村，请核对编码 / the register has no village of the township {code}: look at the code"
            );
            Fault::new("unknown_township", what).of("townships")
        };
        absent.map(told).collect()
    }

    fn profile(&self, row: &ProfileRow) -> Vec<Fault> {
        match self.profiles.get(&row.name) {
            None if Profile::named(&row.name).is_some() => {
                let what = format!(
                    "与内置规则 {0} 同名：此库今后用导入的规则 / {0} is the name of a profile that ships: this register goes by the imported one from now on",
                    row.name
                );
                vec![Fault::new("replaces_shipped", what).of("name")]
            }
            Some((toml, plans)) if *plans > 0 && *toml != row.toml => {
                let what = format!(
                    "{plans} 个草案或施行中的方案按原规则编制，仍按其编制时的规则检查；新规则只用于以后的方案 / {plans} plans that are drafts or in force were made by the rules as they were and keep to them; the new ones are for plans to come"
                );
                vec![Fault::new("profile_in_use", what).of("toml")]
            }
            _ => Vec::new(),
        }
    }

    fn entry(&mut self, row: &DictionaryRow, number: u64) -> Result<Vec<Fault>, Fault> {
        let list = row.dictionary.as_str();
        if list_named(list).is_none() {
            let known = lists().join(", ");
            let shown: String = list.chars().take(40).collect();
            let what = format!("没有字典“{shown}”；可用 {known} / no list \"{shown}\"; there are {known}");
            return Err(Fault::new("unknown_list", what).of("dictionary"));
        }
        if let Some(keys) = fixed_keys(list) {
            let known = keys.join(", ");
            if !keys.contains(&row.key.as_str()) {
                let what = format!(
                    "{list} 的键由程序规定，只能改名称；可用 {known} / the keys of {list} are the program's own, their names alone can be changed: {known}"
                );
                return Err(Fault::new("fixed_list", what).of("key"));
            }
            if !row.enabled {
                let what = format!("{list} 的条目不能停用 / an entry of {list} cannot be switched off");
                return Err(Fault::new("fixed_list", what).of("enabled"));
            }
        }
        if let Some(first) = self.rows.insert(row.id.clone(), number) {
            let what = format!("{0} 与第 {first} 行重复 / {0} also stands in row {first}", row.id);
            return Err(Fault::new("duplicate_id", what).of("key"));
        }
        let used: u64 = match list {
            CATEGORIES => self.lists.stored_words(&row.key).iter().filter_map(|w| self.incidents.get(w)).sum(),
            _ => 0,
        };
        let offered = self.lists.category(&row.key).is_none_or(|c| c.enabled);
        if used == 0 || row.enabled || !offered {
            return Ok(Vec::new());
        }
        let what = format!(
            "{used} 件事件属于此类别：停用后这些事件照旧保留和统计，只是新事件不能再选 / {used} incidents are of this category: they stay and are counted as before, it is only not offered for new ones"
        );
        Ok(vec![Fault::new("category_in_use", what).of("enabled")])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cautions() -> Cautions {
        let lists = Dictionaries::shipped();
        Cautions {
            villages: ["520423102201".to_owned()].into(),
            said: HashSet::new(),
            names: Names::new(names_of(&lists)),
            lists,
            rows: HashMap::new(),
            incidents: [("dispute".to_owned(), 2), ("矛盾劝解".to_owned(), 1)].into(),
            profiles: [("own".to_owned(), ("old".to_owned(), 3))].into(),
        }
    }

    fn entry(dictionary: &str, key: &str, name: &str, enabled: bool) -> RegisterRow {
        RegisterRow::Dictionaries(DictionaryRow {
            id: format!("{dictionary}/{key}"),
            dictionary: dictionary.to_owned(),
            key: key.to_owned(),
            name: name.to_owned(),
            enabled,
            ..DictionaryRow::default()
        })
    }

    fn codes(found: &Result<Vec<Fault>, Fault>) -> Vec<&'static str> {
        match found {
            Ok(list) => list.iter().map(|f| f.code).collect(),
            Err(f) => vec![f.code],
        }
    }

    #[test]
    fn entries_keep_to_their_list_and_to_each_other() {
        let mut all = cautions();
        for (row, fault, wanted) in [
            (entry("category", "flood", "内涝", true), false, vec![]),
            (entry("category", "flood", "洪水", true), true, vec!["duplicate_id"]),
            (entry("category", "dispute", "矛盾劝解", false), false, vec!["category_in_use"]),
            (entry("category", "opinion", "社情民意", false), false, vec![]),
            (entry("state", "closed", "已销号", true), false, vec![]),
            (entry("state", "lost", "丢失", true), true, vec!["fixed_list"]),
            (entry("tenure", "own", "自有住房", false), true, vec!["fixed_list"]),
            (entry("colour", "red", "红", true), true, vec!["unknown_list"]),
        ] {
            let found = all.look(&row, 1);
            assert_eq!((found.is_err(), codes(&found)), (fault, wanted), "{row:?}");
        }
    }

    #[test]
    fn village_codes_are_spoken_of_once_and_where_they_are_new() {
        let mut all = cautions();
        let zone = |townships: &[&str]| {
            let townships = townships.iter().map(|t| (*t).to_owned()).collect();
            RegisterRow::Zones(ZoneRow { id: "z".to_owned(), name: "z".to_owned(), townships, ..ZoneRow::default() })
        };
        assert_eq!(codes(&all.look(&zone(&["520423102", "520424107"]), 1)), Vec::<&str>::new());
        assert_eq!(codes(&all.look(&zone(&["520423109"]), 1)), ["unknown_township"]);
        let incident = |region: &str, category: &str| {
            RegisterRow::Incidents(crate::domain::register::IncidentRow {
                region: region.to_owned(),
                category: category.to_owned(),
                ..Default::default()
            })
        };
        assert_eq!(codes(&all.look(&incident("520423102700", "dispute"), 1)), ["village_digits"]);
        assert_eq!(codes(&all.look(&incident("520423102700", "火灾"), 2)), ["unknown_word"]);
        assert_eq!(codes(&all.look(&incident("520423102201", "火灾"), 3)), Vec::<&str>::new());
        let region = |code: &str, name: &str| {
            RegisterRow::Regions(RegionRow { code: code.to_owned(), name: name.to_owned(), ..RegionRow::default() })
        };
        for (code, name, cautious) in
            [("520423102801", "某村", true), ("520423102001", "某村村委会", true), ("520423102001", "某居委会", false)]
        {
            assert_eq!(all.look(&region(code, name), 1).expect("a good row").len(), usize::from(cautious), "{code}");
        }
    }

    #[test]
    fn profile_in_use_or_named_as_one_that_ships_is_said() {
        let mut all = cautions();
        let row = |name: &str, toml: &str| {
            RegisterRow::Profiles(ProfileRow { name: name.to_owned(), toml: toml.to_owned(), ..ProfileRow::default() })
        };
        assert_eq!(codes(&all.look(&row("xixiu", "x"), 1)), ["replaces_shipped"]);
        assert_eq!(codes(&all.look(&row("own", "new"), 1)), ["profile_in_use"]);
        assert_eq!(codes(&all.look(&row("own", "old"), 1)), Vec::<&str>::new());
        assert_eq!(codes(&all.look(&row("other", "x"), 1)), Vec::<&str>::new());
    }
}
