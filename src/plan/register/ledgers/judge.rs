//! What an office's cells make of a plan's rows as they stand, judged row by row.

use std::collections::{BTreeMap, HashMap};

use crate::domain::Profile;
use crate::domain::plan::{Change, Changes, GridRow, UnitRow, VillageRows};
use crate::exchange::ledger::CellChange;
use crate::exchange::{Cell, Fault};
use crate::partition::check::{HouseholdFacts, PlanFacts, Rule, UnitFacts, UnitSizes, VillageFacts, check};

/// Longest name of a grid, in characters: as for a planner's own edit.
const LONGEST_NAME: usize = 60;
/// Longest link of a contact group, in characters.
const LONGEST_LINK: usize = 500;

/// The changed cells of one row.
pub(super) struct RowEdit {
    pub(super) row: u64,
    pub(super) code: String,
    pub(super) cells: Vec<CellChange>,
}

/// A row that cannot be followed, and the column at fault.
pub(super) struct Refused {
    pub(super) row: u64,
    pub(super) code: String,
    pub(super) column: Option<&'static str>,
    pub(super) fault: Fault,
}

/// The changes that rows ask for, and the rows that cannot be followed: none of those is among the changes.
pub(super) fn changes_of(edits: &[RowEdit], rows: &[VillageRows], profile: &Profile) -> (Changes, Vec<Refused>) {
    let grids: HashMap<&str, &GridRow> = rows.iter().flat_map(|v| &v.grids).map(|g| (g.code.as_str(), g)).collect();
    let units: HashMap<&str, &UnitRow> = rows.iter().flat_map(|v| &v.units).map(|u| (u.code.as_str(), u)).collect();
    let wanted: HashMap<&str, ()> = edits.iter().map(|e| (e.code.as_str(), ())).collect();
    let mut members: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for m in rows.iter().flat_map(|v| &v.memberships).filter(|m| wanted.contains_key(m.unit.as_str())) {
        members.entry(m.unit.as_str()).or_default().push(&m.household);
    }
    let (mut changes, mut refused) = (Changes::default(), Vec::new());
    for edit in edits {
        let mut refuse = |column, fault| {
            refused.push(Refused { row: edit.row, code: edit.code.clone(), column, fault });
        };
        let gone = || Fault::new("unknown_code", format!("没有编码 {0} / there is no code {0}", edit.code));
        if edit.code.len() == 15 {
            match grids.get(edit.code.as_str()).map(|g| (*g, grid_after(g, &edit.cells))) {
                None => refuse(None, gone()),
                Some((_, Err((column, fault)))) => refuse(Some(column), fault),
                Some((before, Ok(after))) if *before != after => {
                    changes.grids.push(Change { before: Some(before.clone()), after: Some(after) });
                }
                Some(_) => {}
            }
            continue;
        }
        let of = members.get(edit.code.as_str()).map(Vec::as_slice).unwrap_or_default();
        match units.get(edit.code.as_str()).map(|u| (*u, unit_after(u, of, &edit.cells, profile))) {
            None => refuse(None, gone()),
            Some((_, Err(faults))) => faults.into_iter().for_each(|(column, fault)| refuse(column, fault)),
            Some((before, Ok(after))) if *before != after => {
                changes.units.push(Change { before: Some(before.clone()), after: Some(after) });
            }
            Some(_) => {}
        }
    }
    (changes, refused)
}

fn said(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(t) | Cell::Date(t) if !t.trim().is_empty() => Some(t.trim().to_owned()),
        _ => None,
    }
}

fn fits(text: &str, most: usize, column: &'static str) -> Result<(), (&'static str, Fault)> {
    if text.chars().count() <= most && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let reason = format!(
        "“{column}”最多 {most} 字，不含控制字符 / {column} has at most {most} characters and no control characters"
    );
    Err((column, Fault::new("bad_text", reason)))
}

fn grid_after(before: &GridRow, cells: &[CellChange]) -> Result<GridRow, (&'static str, Fault)> {
    let mut after = before.clone();
    for c in cells.iter().filter(|c| c.column == "网格名称") {
        let name = said(&c.after).unwrap_or_default();
        fits(&name, LONGEST_NAME, c.column)?;
        after.name = name;
    }
    Ok(after)
}

type Faults = Vec<(Option<&'static str>, Fault)>;

fn unit_after(before: &UnitRow, members: &[&str], cells: &[CellChange], profile: &Profile) -> Result<UnitRow, Faults> {
    let mut after = before.clone();
    let mut deputies: Vec<Option<String>> = before.deputies.iter().cloned().map(Some).collect();
    deputies.resize(deputies.len().max(2), None);
    let mut faults = Faults::new();
    for c in cells {
        match c.column {
            "联户长" => after.leader = said(&c.after),
            "副联户长1" => deputies[0] = said(&c.after),
            "副联户长2" => deputies[1] = said(&c.after),
            "成立日期" => after.founded_on = said(&c.after),
            "联系群" => {
                after.contact_group = said(&c.after);
                let fault = fits(after.contact_group.as_deref().unwrap_or_default(), LONGEST_LINK, c.column).err();
                faults.extend(fault.map(|(column, fault)| (Some(column), fault)));
            }
            _ => {}
        }
    }
    after.deputies = deputies.into_iter().flatten().collect();
    let staffed_anew = after.leader != before.leader || after.deputies != before.deputies;
    if staffed_anew && before.officers_locked {
        let reason = "联户长已锁定，请先解锁 / the officers are locked: unlock them first";
        faults.push((None, Fault::new("locked", reason)));
    }
    if staffed_anew {
        let old = of_office(before, members, profile);
        let new = of_office(&after, members, profile).into_iter().filter(|b| !old.contains(b));
        faults.extend(new.map(|(id, reason)| {
            let column = cells.iter().find(|c| said(&c.after) == id && id.is_some()).map(|c| c.column);
            let at = column.map_or(String::new(), |c| format!("列 {c}："));
            let whom = id.map_or(String::new(), |id| format!("户 {id}："));
            (column, Fault::new("h8", format!("{at}{whom}{reason}")))
        }));
    }
    if faults.is_empty() { Ok(after) } else { Err(faults) }
}

/// What breaks H8 in a unit, by the one function that judges plans: the household concerned, and the reason.
fn of_office(unit: &UnitRow, members: &[&str], profile: &Profile) -> Vec<(Option<String>, String)> {
    let grid = unit.code.get(..15).unwrap_or_default();
    let household = |id: &&str| HouseholdFacts {
        id: (*id).to_owned(),
        grid: grid.to_owned(),
        unit: unit.code.clone(),
        counts: true,
        ..HouseholdFacts::default()
    };
    let facts = PlanFacts {
        villages: vec![VillageFacts { code: grid.get(..12).unwrap_or_default().to_owned(), ..VillageFacts::default() }],
        units: vec![UnitFacts {
            code: unit.code.clone(),
            grid: grid.to_owned(),
            leader: unit.leader.clone(),
            deputies: unit.deputies.clone(),
            exception: unit.exception.clone(),
            vacancy: None,
        }],
        households: members.iter().map(household).collect(),
        unit_rules: Some(UnitSizes { min: profile.unit.min, max: profile.unit.max, deputies: profile.unit.deputies }),
        ..PlanFacts::default()
    };
    let breaches = check(&facts).into_iter().filter(|b| b.rule == Rule::H8);
    breaches.map(|b| (b.ids.into_iter().nth(1), b.message)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: &str = "520402102201001001";

    fn unit() -> UnitRow {
        UnitRow {
            code: UNIT.to_owned(),
            locked: false,
            leader: Some("a".to_owned()),
            deputies: vec!["b".to_owned(), "c".to_owned()],
            officers_locked: false,
            exception: None,
            founded_on: None,
            contact_group: None,
        }
    }

    fn asked(cells: &[(&'static str, &str)]) -> Result<UnitRow, Vec<(Option<&'static str>, &'static str)>> {
        asked_of(&unit(), cells)
    }

    fn asked_of(
        unit: &UnitRow,
        cells: &[(&'static str, &str)],
    ) -> Result<UnitRow, Vec<(Option<&'static str>, &'static str)>> {
        let cells: Vec<CellChange> = cells
            .iter()
            .map(|(column, after)| CellChange {
                row: 2,
                code: UNIT.to_owned(),
                column,
                before: Cell::Empty,
                after: if after.is_empty() { Cell::Empty } else { Cell::Text((*after).into()) },
                remark: None,
            })
            .collect();
        let profile = Profile::named("jingkai").expect("two deputies");
        unit_after(unit, &["a", "b", "c", "d"], &cells, &profile)
            .map_err(|f| f.into_iter().map(|(column, fault)| (column, fault.code)).collect())
    }

    #[test]
    fn officers_are_members_each_with_one_office() {
        let after = asked(&[("联户长", "d"), ("联系群", "https://g.example/1")]).expect("legal");
        assert_eq!((after.leader.as_deref(), after.contact_group.as_deref()), (Some("d"), Some("https://g.example/1")));
        assert_eq!(after.deputies, ["b", "c"]);
        assert_eq!(asked(&[("联户长", "z")]), Err(vec![(Some("联户长"), "h8")]));
        assert_eq!(asked(&[("副联户长2", "a")]), Err(vec![(Some("副联户长2"), "h8")]));
        assert_eq!(asked(&[("联户长", "")]), Err(vec![(None, "h8")]));
        assert_eq!(asked(&[("副联户长1", "")]), Err(vec![(None, "h8")]));
        assert_eq!(asked(&[("联户长", "b"), ("副联户长1", "a")]).expect("swapped").deputies, ["a", "c"]);
    }

    #[test]
    fn locked_officers_stay_and_old_breaches_do_not_stop_other_cells() {
        let locked = UnitRow { officers_locked: true, ..unit() };
        assert_eq!(asked_of(&locked, &[("联户长", "d")]), Err(vec![(None, "locked")]));
        assert!(asked_of(&locked, &[("成立日期", "2021-05-03")]).is_ok());
        let vacant = UnitRow { leader: None, ..unit() };
        assert!(asked_of(&vacant, &[("联系群", "x")]).is_ok());
        assert!(asked(&[("联系群", &"x".repeat(501))]).is_err());
    }
}
