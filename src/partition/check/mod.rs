//! `check`: every breach of the hard rules H1–H11, with the ids concerned. Tests, the command line, the service and publishing all
//! call this one function.
//!
//! It sees a plan as plain facts ([`PlanFacts`]), whoever made it: nothing of the solvers' state is trusted. Shapes are judged by
//! their own areas and overlaps, connection across barriers by cells built anew from the buildings.

mod files;
mod shapes;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Barrier, VillageCode, codes};

use super::leaders::NO_ELIGIBLE_CANDIDATE;

pub use files::{BuildingFacts, LeaderFacts, RowFacts, WrittenFacts};

/// Reasons that make a size outside the rules a listed exception (H7).
pub const REASONS: [&str; 2] = ["too_few_households", "no_legal_division"];
/// Breaches of one rule that are listed; the others are counted in a last line.
const LISTED: usize = 1_000;

/// Polygons, each a list of closed rings, exterior first, in metres of the village's plane.
pub type Polygons = Vec<Vec<Vec<[f64; 2]>>>;

/// A village.
#[derive(Clone, Debug, Default)]
pub struct VillageFacts {
    /// Twelve digits.
    pub code: String,
    /// Outline; empty where it is not known (coverage is then not judged).
    pub outline: Polygons,
    /// Barriers in its plane.
    pub barriers: Vec<Barrier>,
}

/// A grid.
#[derive(Clone, Debug, Default)]
pub struct GridFacts {
    /// Fifteen digits.
    pub code: String,
    /// Index of its village.
    pub village: u32,
    /// `base`, `dedicated` or `level1`.
    pub kind: String,
    /// Its shape; empty where no shape is known.
    pub polygons: Polygons,
    /// Households it says it has.
    pub households: u32,
    /// Deviation it says it has.
    pub deviation: Option<f64>,
}

/// A unit.
#[derive(Clone, Debug, Default)]
pub struct UnitFacts {
    /// Eighteen digits.
    pub code: String,
    /// Code of its grid.
    pub grid: String,
    /// Household id of its leader.
    pub leader: Option<String>,
    /// Household ids of its deputies.
    pub deputies: Vec<String>,
    /// Reason why its size is outside the rules.
    pub exception: Option<String>,
    /// Reason why nobody holds its offices.
    pub vacancy: Option<String>,
}

/// A household (or an empty building).
#[derive(Clone, Debug, Default)]
pub struct HouseholdFacts {
    /// Opaque id.
    pub id: String,
    /// Building id.
    pub building: String,
    /// Index of its village.
    pub village: u32,
    /// Code of its grid, if any.
    pub grid: String,
    /// Code of its unit; empty for a building without households.
    pub unit: String,
    /// Whether it is a household at all: a row of none is a building without (a school).
    pub counts: bool,
    /// Position in the village's plane, where known.
    pub at: Option<[f64; 2]>,
}

/// Everything that can be judged.
#[derive(Clone, Debug, Default)]
pub struct PlanFacts {
    /// Villages.
    pub villages: Vec<VillageFacts>,
    /// Grids, level-1 ones included.
    pub grids: Vec<GridFacts>,
    /// Units.
    pub units: Vec<UnitFacts>,
    /// Households.
    pub households: Vec<HouseholdFacts>,
    /// Legal sizes of a unit and its number of deputies; `None` where only grids are judged.
    pub unit_rules: Option<UnitSizes>,
    /// What the files of a plan directory say a second time.
    pub written: Option<WrittenFacts>,
}

/// Legal unit sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitSizes {
    /// Fewest households.
    pub min: u32,
    /// Most households.
    pub max: u32,
    /// Deputies beside the leader.
    pub deputies: u32,
}

/// A hard rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[expect(missing_docs, reason = "their texts stand in `Rule::title`")]
pub enum Rule {
    H1,
    H2,
    H3,
    H4,
    H5,
    H6,
    H7,
    H8,
    H9,
    H10,
    H11,
}

impl Rule {
    /// All of them, in order.
    pub const ALL: [Self; 11] = [
        Self::H1,
        Self::H2,
        Self::H3,
        Self::H4,
        Self::H5,
        Self::H6,
        Self::H7,
        Self::H8,
        Self::H9,
        Self::H10,
        Self::H11,
    ];

    /// `H1` to `H11`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::H1 => "H1",
            Self::H2 => "H2",
            Self::H3 => "H3",
            Self::H4 => "H4",
            Self::H5 => "H5",
            Self::H6 => "H6",
            Self::H7 => "H7",
            Self::H8 => "H8",
            Self::H9 => "H9",
            Self::H10 => "H10",
            Self::H11 => "H11",
        }
    }

    /// What it asks, Chinese then English.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::H1 => "网格只属于一个村 / a grid lies in exactly one village",
            Self::H2 => "网格覆盖全村，不重不漏 / the grids of a village cover it without gap or overlap",
            Self::H3 => "网格连片 / a grid is one connected polygon",
            Self::H4 => "每户恰在一个网格、一个单元 / every household is in exactly one grid and one unit",
            Self::H5 => "楼栋不拆分 / a building is never split between grids",
            Self::H6 => "单元不跨网格 / a unit is inside one grid",
            Self::H7 => "单元户数合规 / unit size within the profile, or a listed exception",
            Self::H8 => "联户长一名、副联户长足额 / one leader and the profile's deputies, members of that unit",
            Self::H9 => "编码有效且唯一 / codes valid and unique",
            Self::H10 => "专属网格不计入均衡 / dedicated grids stand outside the balance",
            Self::H11 => "不跨硬障碍 / nothing crosses a hard barrier",
        }
    }
}

/// One breach.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Breach {
    /// The rule.
    pub rule: Rule,
    /// Codes and ids concerned.
    pub ids: Vec<String>,
    /// What is wrong, Chinese then English.
    pub message: String,
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} [{}] {}", self.rule, self.ids.join(", "), self.message)
    }
}

/// Collects breaches, at most [`LISTED`] a rule.
#[derive(Default)]
struct Breaches {
    list: Vec<Breach>,
    number: BTreeMap<Rule, usize>,
}

impl Breaches {
    fn push(&mut self, rule: Rule, ids: impl IntoIterator<Item = String>, message: impl Into<String>) {
        let n = self.number.entry(rule).or_default();
        *n += 1;
        if *n <= LISTED {
            self.list.push(Breach { rule, ids: ids.into_iter().collect(), message: message.into() });
        }
    }

    fn finish(mut self) -> Vec<Breach> {
        for (&rule, &n) in &self.number {
            if n > LISTED {
                let message =
                    format!("另有 {0} 处同类问题未逐条列出 / {0} more of this rule are not listed", n - LISTED);
                self.list.push(Breach { rule, ids: Vec::new(), message });
            }
        }
        self.list.sort_by_key(|b| b.rule);
        self.list
    }
}

/// Every breach of H1–H11, in the order of the rules.
#[must_use]
pub fn check(plan: &PlanFacts) -> Vec<Breach> {
    let mut breaches = Breaches::default();
    codes_are_valid(plan, &mut breaches);
    households_are_placed(plan, &mut breaches);
    buildings_are_whole(plan, &mut breaches);
    units_are_legal(plan, &mut breaches);
    dedicated_grids_stand_apart(plan, &mut breaches);
    shapes::check(plan, &mut breaches);
    files::check(plan, &mut breaches);
    breaches.finish()
}

/// H9, and H1 as far as codes tell.
fn codes_are_valid(plan: &PlanFacts, out: &mut Breaches) {
    let mut seen = BTreeSet::new();
    for v in &plan.villages {
        if let Err(e) = VillageCode::parse(&v.code) {
            out.push(Rule::H9, [v.code.clone()], e.to_string().replace('\n', " / "));
        }
        if !seen.insert(v.code.as_str()) {
            out.push(Rule::H9, [v.code.clone()], "村编码重复 / village code given twice");
        }
    }
    seen.clear();
    for g in &plan.grids {
        match codes::parse_grid(&g.code) {
            Err(e) => out.push(Rule::H9, [g.code.clone()], e.to_string().replace('\n', " / ")),
            Ok((village, _)) => {
                if plan.villages.get(g.village as usize).is_some_and(|v| v.code != village.as_str()) {
                    out.push(Rule::H1, [g.code.clone()], "网格编码与所在村不符 / the code is of another village");
                }
            }
        }
        if !seen.insert(g.code.as_str()) {
            out.push(Rule::H9, [g.code.clone()], "网格编码重复 / grid code given twice");
        }
    }
    seen.clear();
    for u in &plan.units {
        match codes::parse_unit(&u.code) {
            Err(e) => out.push(Rule::H9, [u.code.clone()], e.to_string().replace('\n', " / ")),
            Ok(grid) if grid != u.grid => {
                out.push(
                    Rule::H6,
                    [u.code.clone(), u.grid.clone()],
                    "单元编码与所属网格不符 / the code is of another grid",
                );
            }
            Ok(_) => {}
        }
        if !seen.insert(u.code.as_str()) {
            out.push(Rule::H9, [u.code.clone()], "单元编码重复 / unit code given twice");
        }
    }
}

/// H4, and H1, H6 as far as membership tells.
fn households_are_placed(plan: &PlanFacts, out: &mut Breaches) {
    let grids: BTreeMap<&str, &GridFacts> = plan.grids.iter().map(|g| (g.code.as_str(), g)).collect();
    let units: BTreeMap<&str, &UnitFacts> = plan.units.iter().map(|u| (u.code.as_str(), u)).collect();
    let mut ids = BTreeSet::new();
    let mut held: BTreeMap<&str, u32> = BTreeMap::new();
    for h in &plan.households {
        if !ids.insert(h.id.as_str()) {
            out.push(Rule::H4, [h.id.clone()], "户号出现多次 / the household is listed twice");
        }
        match grids.get(h.grid.as_str()) {
            None => out.push(Rule::H4, [h.id.clone(), h.grid.clone()], "不在任何网格 / in no grid"),
            Some(g) => {
                if g.kind == "level1" {
                    out.push(Rule::H4, [h.id.clone(), h.grid.clone()], "只在一级网格 / only in a level-1 grid");
                }
                if g.village != h.village {
                    out.push(
                        Rule::H1,
                        [h.grid.clone(), h.id.clone()],
                        "网格含他村住户 / a household of another village",
                    );
                }
                *held.entry(g.code.as_str()).or_default() += u32::from(h.counts);
            }
        }
        if plan.unit_rules.is_none() || !h.counts {
            continue;
        }
        match units.get(h.unit.as_str()) {
            None => out.push(Rule::H4, [h.id.clone(), h.unit.clone()], "不在任何单元 / in no unit"),
            Some(u) if u.grid != h.grid => out.push(
                Rule::H6,
                [u.code.clone(), h.grid.clone(), h.id.clone()],
                "单元跨越网格 / the unit reaches into another grid",
            ),
            Some(_) => {}
        }
    }
    if plan.households.is_empty() {
        return;
    }
    for g in plan.grids.iter().filter(|g| g.kind != "level1") {
        let n = held.get(g.code.as_str()).copied().unwrap_or(0);
        if n != g.households {
            let said = g.households;
            out.push(
                Rule::H4,
                [g.code.clone()],
                format!("户数应为 {n}，写作 {said} / {n} households, but it says {said}"),
            );
        }
    }
}

/// H5.
fn buildings_are_whole(plan: &PlanFacts, out: &mut Breaches) {
    let mut first: BTreeMap<(u32, &str), &str> = BTreeMap::new();
    let mut split: BTreeMap<(u32, &str), BTreeSet<&str>> = BTreeMap::new();
    for h in &plan.households {
        let key = (h.village, h.building.as_str());
        let grid = *first.entry(key).or_insert(h.grid.as_str());
        if grid != h.grid {
            split.entry(key).or_default().extend([grid, h.grid.as_str()]);
        }
    }
    for ((_, building), grids) in split {
        let ids = std::iter::once(building.to_owned()).chain(grids.into_iter().map(str::to_owned));
        out.push(Rule::H5, ids, "楼栋被拆分到多个网格 / the building is split between grids");
    }
}

/// H7 and H8.
fn units_are_legal(plan: &PlanFacts, out: &mut Breaches) {
    let Some(rules) = plan.unit_rules else { return };
    let mut members: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for h in plan.households.iter().filter(|h| h.counts) {
        members.entry(h.unit.as_str()).or_default().insert(h.id.as_str());
    }
    let nobody = BTreeSet::new();
    for u in &plan.units {
        let m = members.get(u.code.as_str()).unwrap_or(&nobody);
        let n = m.len() as u32;
        let legal = (rules.min..=rules.max).contains(&n);
        match &u.exception {
            None if !legal => out.push(
                Rule::H7,
                [u.code.clone()],
                format!("{n} 户，应为 {0}–{1} / {n} households where {0}–{1} are legal", rules.min, rules.max),
            ),
            Some(reason) if !REASONS.contains(&reason.as_str()) => {
                out.push(Rule::H7, [u.code.clone()], format!("未知的例外原因“{reason}” / unknown reason \"{reason}\""));
            }
            Some(_) if legal => {
                out.push(Rule::H7, [u.code.clone()], "户数合规却列为例外 / listed as an exception though legal");
            }
            _ => {}
        }
        if n == 0 {
            continue;
        }
        let listed = u.vacancy.as_deref() == Some(NO_ELIGIBLE_CANDIDATE);
        if u.vacancy.is_some() && (!listed || u.leader.is_some()) {
            let reason = u.vacancy.as_deref().unwrap_or_default();
            out.push(
                Rule::H8,
                [u.code.clone()],
                format!("空缺原因“{reason}”不成立 / \"{reason}\" is no reason for its vacancy"),
            );
        }
        let mut officers = BTreeSet::new();
        for o in u.leader.iter().chain(&u.deputies) {
            if !m.contains(o.as_str()) {
                out.push(
                    Rule::H8,
                    [u.code.clone(), o.clone()],
                    "任职户不在本单元 / the officer is no member of the unit",
                );
            }
            if !officers.insert(o.as_str()) {
                out.push(Rule::H8, [u.code.clone(), o.clone()], "同一户兼任两职 / one household holds two offices");
            }
        }
        if u.leader.is_none() {
            if !listed {
                out.push(Rule::H8, [u.code.clone()], "没有联户长 / no leader");
            }
            continue;
        }
        let wanted = rules.deputies.min(n - 1);
        if u.deputies.len() as u32 != wanted {
            let got = u.deputies.len();
            out.push(
                Rule::H8,
                [u.code.clone()],
                format!("副联户长 {got} 名，应为 {wanted} / {got} deputies where {wanted} belong"),
            );
        }
    }
}

/// H10.
fn dedicated_grids_stand_apart(plan: &PlanFacts, out: &mut Breaches) {
    use codes::GridKind;
    for g in &plan.grids {
        let Ok((_, by_code)) = codes::parse_grid(&g.code) else { continue };
        let word = match by_code {
            GridKind::LevelOne => "level1",
            GridKind::Base => "base",
            GridKind::Dedicated => "dedicated",
        };
        if g.kind != word {
            out.push(
                Rule::H10,
                [g.code.clone()],
                format!("编码表示 {word}，类型却是“{0}” / the code says {word}, the kind is \"{0}\"", g.kind),
            );
        }
        if by_code == GridKind::Dedicated && g.deviation.is_some() {
            out.push(Rule::H10, [g.code.clone()], "专属网格计算了偏差 / a dedicated grid has a deviation");
        }
    }
}
