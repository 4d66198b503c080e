//! Rule profiles: how a county forms its grids and units, as data.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Barrier;
use super::toml_words::TomlFault;

const SHIPPED: [&str; 8] = [
    include_str!("profiles/xixiu.toml"),
    include_str!("profiles/pingba.toml"),
    include_str!("profiles/puding.toml"),
    include_str!("profiles/zhenning.toml"),
    include_str!("profiles/guanling.toml"),
    include_str!("profiles/ziyun.toml"),
    include_str!("profiles/jingkai.toml"),
    include_str!("profiles/huangguoshu.toml"),
];

/// From the coarsest down: a coarser container binds before a finer one.
const CONTAINERS: [&str; 4] = ["hamlet", "group", "building", "stairwell"];

/// Longest short name, bytes.
const LONGEST_NAME: usize = 64;

/// Whether a container is binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Binding {
    /// A unit never leaves it.
    Law,
    /// Kept whole where it can legally be divided by itself.
    Prefer,
}

/// What a village's grids are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Divide {
    /// Balanced compact grids of about the target.
    Balance,
    /// The village is one grid.
    Village,
    /// Each natural settlement is a grid.
    Hamlet,
    /// Each villagers' group is a grid.
    Group,
    /// Each building is a grid.
    Building,
}

/// Rules for units (十联户).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitProfile {
    /// Fewest households.
    pub min: u32,
    /// Most households.
    pub max: u32,
    /// Wished size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<u32>,
    /// A piece farther than this from anyone becomes a listed exception, in metres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_reach_m: Option<f64>,
    /// Deputies beside the one leader.
    #[serde(default = "two")]
    pub deputies: u32,
    /// What units must or should not leave: `hamlet`, `group`, `building`, `stairwell`.
    #[serde(default)]
    pub containers: BTreeMap<String, Binding>,
}

/// Rules for grids (网格).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridProfile {
    /// 2 adds one level-1 grid (`000`) a village above the working grids.
    #[serde(default = "one")]
    pub levels: u32,
    /// Heads (网格长) a grid of the upper level has: the level-1 grid where there are two levels.
    #[serde(default = "one")]
    pub heads: u32,
    /// Workers (网格员) a working grid has at least.
    #[serde(default = "one")]
    pub workers: u32,
    /// What grids are made from.
    pub divide: Divide,
    /// What they are made from in a village whose rows do not name a hamlet or group.
    #[serde(default = "balance")]
    pub otherwise: Divide,
    /// Households a balanced grid should have.
    #[serde(default = "three_hundred")]
    pub target_households: u32,
    /// Mean number of balanced grids a village, instead of the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_village: Option<f64>,
    /// Deviation allowed, as a share of the mean.
    #[serde(default = "one_per_cent")]
    pub tolerance: f64,
    /// Most persons in a grid, reported as S1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_persons: Option<u32>,
    /// Weight of borders that old nets had (column `lock` or `old_net`), in the unit of the compactness sum.
    #[serde(default)]
    pub old_net_weight: f64,
    /// Kinds of barriers that are hard, all others soft, instead of what the register says of each barrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard_barriers: Option<Vec<String>>,
}

const fn two() -> u32 {
    2
}

const fn one() -> u32 {
    1
}

const fn three_hundred() -> u32 {
    300
}

const fn one_per_cent() -> f64 {
    0.01
}

const fn balance() -> Divide {
    Divide::Balance
}

/// One county's rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Short name, used on the command line.
    pub name: String,
    /// Name people read.
    #[serde(default)]
    pub title: String,
    /// What is special, in Chinese.
    #[serde(default)]
    pub note: String,
    /// Rules for units.
    pub unit: UnitProfile,
    /// Rules for grids.
    pub grid: GridProfile,
}

impl Profile {
    /// Reads a profile and checks it.
    ///
    /// # Errors
    /// What is wrong with the text, with its line and column, or with the rules: `中文 / English`.
    pub fn parse(toml_text: &str) -> Result<Self, String> {
        toml::from_str::<Self>(toml_text).map_err(|e| TomlFault::of(toml_text, &e).to_string())?.checked()
    }

    /// The profile itself, where its name is one that can be asked for. Plans that were made before names were looked at keep theirs.
    ///
    /// # Errors
    /// What is wrong with the name.
    pub fn well_named(self) -> Result<Self, String> {
        let name = &self.name;
        let is_word = |c: char| !c.is_control() && !c.is_whitespace() && c != '=' && c != '/' && c != '\\';
        let ends_as_file = std::path::Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"));
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_word) || ends_as_file {
            let shown: String = name.chars().filter(|c| is_word(*c)).take(40).collect();
            return Err(format!(
                "规则名 name“{shown}”应为 1–{LONGEST_NAME} 字节，无空格、=、斜杠，不以 .toml 结尾 / the name \"{shown}\" has 1–{LONGEST_NAME} bytes, no blank, = or slash, and is no file's name"
            ));
        }
        Ok(self)
    }

    /// The profile itself, where its rules do not contradict each other.
    ///
    /// # Errors
    /// The first rule that does not hold, with what would.
    pub fn checked(self) -> Result<Self, String> {
        let unit = &self.unit;
        if unit.min == 0 || unit.min > unit.max {
            return Err(format!(
                "单元最少户数 unit.min {0} 应不小于 1、不大于最多户数 unit.max {1} / unit.min {0} is to be 1 or more and not above unit.max {1}",
                unit.min, unit.max
            ));
        }
        if let Some(target) = unit.target.filter(|t| *t < unit.min || *t > unit.max) {
            return Err(format!(
                "单元目标户数 unit.target {target} 应在 {0}–{1} 之间 / unit.target {target} is to be from {0} to {1}",
                unit.min, unit.max
            ));
        }
        if let Some(other) = unit.containers.keys().find(|k| !CONTAINERS.contains(&k.as_str())) {
            return Err(format!(
                "没有容器 unit.containers.{other}；可用 {0} / there is no container unit.containers.{other}; there are {0}",
                CONTAINERS.join(", ")
            ));
        }
        if unit.deputies > 2 {
            return Err(format!(
                "副联户长人数 unit.deputies {0} 应为 0、1 或 2 / unit.deputies {0} is to be 0, 1 or 2",
                unit.deputies
            ));
        }
        if let Some(reach) = unit.max_reach_m.filter(|r| !(r.is_finite() && *r > 0.0)) {
            return Err(format!(
                "最远距离 unit.max_reach_m {reach} 应大于 0（米） / unit.max_reach_m {reach} is to be above 0 metres"
            ));
        }
        let grid = &self.grid;
        if !(1..=2).contains(&grid.levels) {
            return Err(format!("网格级数 grid.levels {0} 应为 1 或 2 / grid.levels {0} is to be 1 or 2", grid.levels));
        }
        if grid.target_households == 0 {
            let what = "网格目标户数 grid.target_households 应大于 0 / grid.target_households is to be above 0";
            return Err(what.to_owned());
        }
        if !(0.0..1.0).contains(&grid.tolerance) {
            return Err(format!(
                "允许偏差 grid.tolerance {0} 应不小于 0、小于 1（0.01 即 1%） / grid.tolerance {0} is to be 0 or more and below 1 (0.01 is 1 %)",
                grid.tolerance
            ));
        }
        if let Some(mean) = grid.per_village.filter(|v| !(v.is_finite() && *v > 0.0)) {
            return Err(format!(
                "每村网格数 grid.per_village {mean} 应大于 0 / grid.per_village {mean} is to be above 0"
            ));
        }
        if !matches!(grid.otherwise, Divide::Balance | Divide::Village | Divide::Building) {
            let what = "grid.otherwise 应为 balance、village 或 building / grid.otherwise is to be balance, village or building";
            return Err(what.to_owned());
        }
        if !(grid.old_net_weight.is_finite() && grid.old_net_weight >= 0.0) {
            return Err(format!(
                "旧网边界权重 grid.old_net_weight {0} 应不小于 0 / grid.old_net_weight {0} is to be 0 or more",
                grid.old_net_weight
            ));
        }
        Ok(self)
    }

    /// The profiles that come with the program.
    #[must_use]
    pub fn shipped() -> Vec<Self> {
        SHIPPED.iter().filter_map(|text| Self::parse(text).ok()).collect()
    }

    /// A shipped profile by name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::shipped().into_iter().find(|p| p.name == name)
    }

    /// Barriers as this profile takes them: as they are, or hard by their kind. A bridge stays what it is.
    #[must_use]
    pub fn barriers<'a>(&self, all: &'a [Barrier]) -> Cow<'a, [Barrier]> {
        hard_by_kind(all, self.grid.hard_barriers.as_deref())
    }

    /// Whether any grid is balanced towards a number of households.
    #[must_use]
    pub fn has_target(&self) -> bool {
        matches!(self.grid.divide, Divide::Balance) || matches!(self.grid.otherwise, Divide::Balance)
    }

    /// Containers from the coarsest to the finest.
    #[must_use]
    pub fn containers(&self) -> Vec<(String, Binding)> {
        CONTAINERS.iter().filter_map(|c| self.unit.containers.get(*c).map(|b| ((*c).to_owned(), *b))).collect()
    }

    /// The profile as TOML.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_default()
    }
}

/// Barriers as they are, or those of the given kinds hard and all others soft. A bridge stays what it is.
#[must_use]
pub fn hard_by_kind<'a>(all: &'a [Barrier], kinds: Option<&[String]>) -> Cow<'a, [Barrier]> {
    let Some(kinds) = kinds else { return Cow::Borrowed(all) };
    let hard = |b: &Barrier| if b.is_bridge() { b.hard } else { kinds.contains(&b.kind) };
    all.iter().map(|b| Barrier { hard: hard(b), ..b.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_eight_are_readable_and_survive_a_round_trip() {
        let all = Profile::shipped();
        assert_eq!(all.len(), 8);
        for p in all {
            assert_eq!(Profile::parse(&p.to_toml()), Ok(p));
        }
    }

    #[test]
    fn rules_that_contradict_themselves_are_refused() {
        let text = SHIPPED[0].replace("min = 10", "min = 20");
        assert!(Profile::parse(&text).is_err_and(|e| e.contains("unit.min 20")));
        assert!(Profile::parse(&SHIPPED[0].replace("stairwell", "street")).is_err_and(|e| e.contains("street")));
        assert!(Profile::parse("name = 1").is_err());
        // what, which value, what it should be: in Chinese, then in English
        let whole = |unit: &str, grid: &str| {
            format!("name = \"a\"\n[unit]\nmin = 10\nmax = 15\n{unit}\n[grid]\ndivide = \"balance\"\n{grid}\n")
        };
        assert!(Profile::parse(&whole("", "")).is_ok());
        for (unit, grid, says) in [
            ("target = 9", "", "unit.target 9"),
            ("deputies = 3", "", "unit.deputies 3"),
            ("max_reach_m = -1.0", "", "unit.max_reach_m -1"),
            ("", "levels = 3", "grid.levels 3"),
            ("", "target_households = 0", "grid.target_households"),
            ("", "tolerance = 1.5", "grid.tolerance 1.5"),
            ("", "per_village = nan", "grid.per_village NaN"),
            ("", "otherwise = \"hamlet\"", "grid.otherwise"),
            ("", "old_net_weight = -2.0", "grid.old_net_weight -2"),
        ] {
            let told = Profile::parse(&whole(unit, grid)).expect_err(says);
            let (chinese, english) = told.split_once(" / ").expect(&told);
            assert!(chinese.contains(says) && english.contains(says), "{told}");
            assert!(!chinese.is_ascii() && english.is_ascii(), "{told}");
        }
    }

    #[test]
    fn barriers_are_hard_by_kind_where_the_profile_says_so() {
        let of = |kind: &str, hard| Barrier {
            kind: kind.to_owned(),
            hard,
            name: None,
            shape: crate::domain::BarrierShape::Line(vec![[0.0, 0.0], [1.0, 1.0]]),
        };
        let all = [of("river", true), of("road", false), of("bridge", false)];
        let mut p = Profile::named("xixiu").expect("shipped");
        assert_eq!(p.barriers(&all).as_ref(), &all);
        p.grid.hard_barriers = Some(vec!["road".to_owned()]);
        assert_eq!(p.barriers(&all).iter().map(|b| b.hard).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(Profile::parse(&p.to_toml()), Ok(p.clone()), "a plan remembers it");
        assert!(p.has_target());
        (p.grid.divide, p.grid.otherwise) = (Divide::Hamlet, Divide::Village);
        assert!(!p.has_target());
    }

    #[test]
    fn the_numbers_of_the_report_stand_in_the_data() {
        let p = |n| Profile::named(n).expect("shipped");
        assert_eq!((p("zhenning").unit.min, p("zhenning").unit.max), (10, 50));
        assert_eq!((p("jingkai").unit.max, p("jingkai").unit.deputies), (30, 2));
        assert_eq!((p("huangguoshu").unit.min, p("huangguoshu").unit.target), (7, Some(10)));
        assert_eq!(p("huangguoshu").containers()[0], ("group".to_owned(), Binding::Law));
        assert_eq!(p("ziyun").grid.per_village, Some(5.13));
    }
}
