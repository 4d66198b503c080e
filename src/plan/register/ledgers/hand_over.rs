//! The lines of each ledger, from the plans in force, village by village.

use std::collections::BTreeMap;
use std::path::Path;

use crate::domain::Profile;
use crate::domain::plan::{GridRow, UnitRow};
use crate::exchange::ledger::{GapLine, GridLine, Ledger, LedgerWriter, SummaryLine, UnitLine};
use crate::exchange::{Cell, Format, WriteOptions, Written};
use crate::store::{Scope, Store, StoreError};

use super::super::RegisterError;
use super::gather::{Divisions, HEAD, Officer, Officers, Update, View, WORKER, plans_and_villages, updates, view};
use super::sides::four_sides;

/// What ledger is wanted.
#[derive(Clone, Debug)]
pub struct LedgerWish<'a> {
    /// Which.
    pub ledger: Ledger,
    /// CSV or XLSX.
    pub format: Format,
    /// Only what lies in this region, grid or unit.
    pub region: Option<&'a str>,
    /// The plan meant; the plans in force otherwise.
    pub plan: Option<&'a str>,
    /// With officers' names, for this purpose; who asked and why is logged.
    pub names_for: Option<&'a str>,
    /// The day whose officers are meant, `YYYY-MM-DD`.
    pub today: &'a str,
    /// The plans in force on this day, and their grids and units of that day, instead of today's.
    pub as_of: Option<&'a str>,
    /// The time that formats insist on.
    pub options: WriteOptions,
}

/// Writes a ledger; the summary ends with its total.
///
/// # Errors
/// A format that is no table, what the store or the file system says; nothing stands at the path then that did not stand there before.
pub async fn export_ledger(
    store: &dyn Store,
    scope: &Scope,
    actor: &str,
    wish: &LedgerWish<'_>,
    path: &Path,
) -> Result<Written, RegisterError> {
    if let Some(region) = wish.region {
        Scope::region(scope.role(), region)?;
    }
    let mut writer = wish.ledger.begin(wish.format, path, wish.names_for.is_some(), wish.options)?;
    let mut pen = Pen::new(store, scope, actor, wish).await?;
    let mut summary = BTreeMap::new();
    for (head, villages) in plans_and_villages(store, scope, (wish.plan, wish.as_of), wish.region).await? {
        pen.turn_to(store, scope, wish.ledger, &head).await?;
        for village in &villages {
            let view = view(store, scope, &head.id, village).await?.on(wish.as_of);
            match wish.ledger {
                Ledger::Summary => pen.sum_up(&view, &mut summary),
                ledger => write_all(&mut writer, wish.region, pen.lines(ledger, &view))?,
            }
        }
    }
    if wish.ledger == Ledger::Summary {
        let mut lines: Vec<SummaryLine> = summary.into_values().collect();
        lines.push(SummaryLine::total(&lines));
        write_all(&mut writer, None, lines.iter().map(SummaryLine::cells).collect())?;
    }
    Ok(writer.finish()?)
}

fn write_all(writer: &mut LedgerWriter, region: Option<&str>, lines: Vec<Vec<Cell>>) -> Result<(), RegisterError> {
    for cells in lines {
        let inside = match (region, cells.first()) {
            (Some(r), Some(Cell::Text(code))) => code.starts_with(r),
            _ => true,
        };
        if inside {
            writer.write(&cells)?;
        }
    }
    Ok(())
}

/// Makes lines: what is the same for all villages of a plan.
pub(super) struct Pen {
    divisions: Divisions,
    officers: Officers,
    with_names: bool,
    profile: Option<Profile>,
    updates: BTreeMap<String, Update>,
}

impl Pen {
    pub(super) async fn new(
        store: &dyn Store,
        scope: &Scope,
        actor: &str,
        wish: &LedgerWish<'_>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            divisions: Divisions::read(store, scope).await?,
            officers: Officers::read(store, scope, actor, (wish.region, wish.today), wish.names_for).await?,
            with_names: wish.names_for.is_some(),
            profile: None,
            updates: BTreeMap::new(),
        })
    }

    /// Goes on with another plan.
    pub(super) async fn turn_to(
        &mut self,
        store: &dyn Store,
        scope: &Scope,
        ledger: Ledger,
        head: &crate::domain::plan::PlanHead,
    ) -> Result<(), StoreError> {
        let profile = Profile::parse(&head.profile);
        self.profile = Some(profile.map_err(|what| StoreError::Corrupt { what, place: format!("plans {}", head.id) })?);
        if ledger == Ledger::Units {
            self.updates = updates(store, scope, &head.id).await?;
        }
        Ok(())
    }

    /// Lines of one village, in the order of their codes.
    pub(super) fn lines(&self, ledger: Ledger, view: &View) -> Vec<Vec<Cell>> {
        match ledger {
            Ledger::Grids => self.grids(view).iter().map(GridLine::cells).collect(),
            Ledger::Units => self.units(view).iter().map(UnitLine::cells).collect(),
            Ledger::Gaps => self.gaps(view).iter().map(GapLine::cells).collect(),
            Ledger::Summary => Vec::new(),
        }
    }

    fn has_two_levels(&self) -> bool {
        self.profile.as_ref().is_some_and(|p| p.grid.levels > 1)
    }

    /// Officers of a grid: those of its own code, and those of the village where it is the village's grid or its only one.
    fn staff<'a>(&'a self, view: &'a View, grid: &'a GridRow, role: &'a str) -> impl Iterator<Item = &'a Officer> {
        let stands_for_village = grid.kind == "level1" || (!self.has_two_levels() && working(view).count() == 1);
        let of_village = if stands_for_village { self.officers.at(role, &view.rows.village) } else { &[] };
        self.officers.at(role, &grid.code).iter().chain(of_village)
    }

    fn grids(&self, view: &View) -> Vec<GridLine> {
        let count = |codes: &mut dyn Iterator<Item = &str>| {
            let mut of: BTreeMap<String, i64> = BTreeMap::new();
            for code in codes {
                *of.entry(code.get(..15).unwrap_or(code).to_owned()).or_default() += 1;
            }
            of
        };
        let households = count(&mut view.rows.memberships.iter().map(|m| m.unit.as_str()));
        let buildings = count(&mut view.rows.seats.iter().map(|s| s.grid.as_str()));
        let names: BTreeMap<&str, &GridRow> = view.rows.grids.iter().map(|g| (g.code.as_str(), g)).collect();
        let sides = four_sides(&view.derived.grids, &|code| called(names.get(code).copied(), code));
        let village = self.divisions.name(&view.rows.village);
        let line = |g: &GridRow| {
            let whole = g.kind == "level1";
            let of = view.derived.grids.iter().filter(|d| whole || d.code == g.code);
            let persons: Option<i64> = of.clone().map(|d| d.persons.map(i64::from)).sum();
            let area: f64 = of.clone().map(|d| d.area_m2).sum();
            let known = of.count() > 0;
            let sum = |m: &BTreeMap<String, i64>| match whole {
                true => m.values().sum(),
                false => m.get(&g.code).copied().unwrap_or(0),
            };
            let ids = |role| self.staff(view, g, role).map(|o| o.id.clone()).collect();
            let named = |role| self.staff(view, g, role).map(|o| o.name.clone()).filter(|n| !n.is_empty()).collect();
            GridLine {
                code: g.code.clone(),
                name: g.name.clone(),
                level: if self.has_two_levels() && !whole { "二级" } else { "一级" }.to_owned(),
                kind: if g.kind == "dedicated" { "专属网格" } else { "基础网格" }.to_owned(),
                village: village.to_owned(),
                households: sum(&households),
                buildings: sum(&buildings),
                persons: persons.filter(|_| known),
                area_m2: known.then(|| (area * 100.0).round() / 100.0),
                bounds: sides.get(g.code.as_str()).cloned().unwrap_or_default(),
                heads: ids(HEAD),
                workers: ids(WORKER),
                valid_from: g.valid_from.clone(),
                valid_to: g.valid_to.clone().unwrap_or_default(),
                claim: view.claim(),
                names: self.with_names.then(|| [named(HEAD), named(WORKER)]),
            }
        };
        view.rows.grids.iter().map(line).collect()
    }

    fn units(&self, view: &View) -> Vec<UnitLine> {
        let names: BTreeMap<&str, &GridRow> = view.rows.grids.iter().map(|g| (g.code.as_str(), g)).collect();
        let line = |(u, members): (&UnitRow, Vec<String>)| {
            let grid = u.code.get(..15).unwrap_or_default();
            let number = u.code.get(15..).unwrap_or_default().trim_start_matches('0');
            let deputy = |i: usize| u.deputies.get(i).cloned().unwrap_or_default();
            let name = |household: &str| self.officers.name_of(household);
            let leader = u.leader.clone().unwrap_or_default();
            let update = self.updates.get(&u.code).cloned();
            let begun = view.head.valid_from.clone();
            let update = update.or_else(|| begun.map(|day| Update { day, reason: "方案启用".to_owned() }));
            let (updated_on, reason) = update.map_or_else(Default::default, |u| (u.day, u.reason));
            UnitLine {
                code: u.code.clone(),
                name: format!("{}第{number}单元", called(names.get(grid).copied(), grid)),
                grid: grid.to_owned(),
                households: i64::try_from(members.len()).unwrap_or(i64::MAX),
                names: self.with_names.then(|| [name(&leader), name(&deputy(0)), name(&deputy(1))]),
                leader,
                deputies: [deputy(0), deputy(1)],
                members,
                updated_on,
                reason,
                founded_on: u.founded_on.clone().unwrap_or_default(),
                contact_group: u.contact_group.clone().unwrap_or_default(),
                claim: view.claim(),
            }
        };
        lived_in(view).into_iter().map(line).collect()
    }

    fn gaps(&self, view: &View) -> Vec<GapLine> {
        let Some(profile) = &self.profile else { return Vec::new() };
        let village = self.divisions.name(&view.rows.village);
        let mut lines = Vec::new();
        let mut gap = |code: &str, name: String, post: &str, wanted: usize, present: usize| {
            if present < wanted {
                lines.push(GapLine {
                    code: code.to_owned(),
                    name,
                    village: village.to_owned(),
                    post: post.to_owned(),
                    wanted: i64::try_from(wanted).unwrap_or(i64::MAX),
                    present: i64::try_from(present).unwrap_or(i64::MAX),
                });
            }
        };
        let names: BTreeMap<&str, &GridRow> = view.rows.grids.iter().map(|g| (g.code.as_str(), g)).collect();
        for g in view.rows.grids.iter().filter(|g| g.valid_to.is_none()) {
            let upper = g.kind == "level1" || !self.has_two_levels();
            let name = called(Some(g), &g.code);
            if upper {
                let there = self.staff(view, g, HEAD).count();
                gap(&g.code, name.clone(), "网格长", profile.grid.heads as usize, there);
            }
            if g.kind != "level1" {
                let there = self.staff(view, g, WORKER).count();
                gap(&g.code, name, "网格员", profile.grid.workers as usize, there);
            }
        }
        for (u, members) in lived_in(view) {
            let grid = u.code.get(..15).unwrap_or_default();
            let number = u.code.get(15..).unwrap_or_default().trim_start_matches('0');
            let name = format!("{}第{number}单元", called(names.get(grid).copied(), grid));
            // As H8 wants them: a unit of two households cannot have two deputies.
            let deputies = (profile.unit.deputies as usize).min(members.len().saturating_sub(1));
            gap(&u.code, name.clone(), "联户长", 1, usize::from(u.leader.is_some()));
            gap(&u.code, name, "副联户长", deputies, u.deputies.len());
        }
        lines
    }

    /// Adds a village to its township's line.
    fn sum_up(&self, view: &View, summary: &mut BTreeMap<String, SummaryLine>) {
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let township = view.rows.village.get(..9).unwrap_or(&view.rows.village);
        let line = summary.entry(township.to_owned()).or_insert_with(|| SummaryLine {
            code: township.to_owned(),
            name: self.divisions.name(township).to_owned(),
            heads: number(self.officers.within(HEAD, township)),
            workers: number(self.officers.within(WORKER, township)),
            ..SummaryLine::default()
        });
        line.grids += number(working(view).count());
        let in_force = |g: &&GridRow| g.kind == "level1" && g.valid_to.is_none();
        line.level_one += number(view.rows.grids.iter().filter(in_force).count());
        for (unit, _) in lived_in(view) {
            line.units += 1;
            line.leaders += i64::from(unit.leader.is_some());
            line.deputies += number(unit.deputies.len());
        }
    }
}

/// Working grids in force.
fn working(view: &View) -> impl Iterator<Item = &GridRow> {
    view.rows.grids.iter().filter(|g| g.valid_to.is_none() && g.kind != "level1")
}

/// Units with their members; one without is retired: its row only keeps the number from being given out again.
fn lived_in(view: &View) -> Vec<(&UnitRow, Vec<String>)> {
    let mut members: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for m in &view.rows.memberships {
        members.entry(m.unit.as_str()).or_default().push(m.household.clone());
    }
    view.rows.units.iter().filter_map(|u| members.remove(u.code.as_str()).map(|m| (u, m))).collect()
}

/// What a grid is called: its name, or its number.
fn called(grid: Option<&GridRow>, code: &str) -> String {
    match grid {
        Some(g) if !g.name.is_empty() => g.name.clone(),
        _ => format!("第{}网格", code.get(12..15).unwrap_or(code).trim_start_matches('0')),
    }
}
