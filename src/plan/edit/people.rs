//! Edits of people: a household moves, officers are set, and proposals where someone left.

use crate::domain::plan::UnitRow;
use crate::partition::leaders::propose;

use super::apply::{Done, Draft};
use super::land::NONE;
use super::operation::{LockTarget, Operation, Reason, ReasonKind};

impl Draft {
    pub(super) fn move_household(&mut self, household: &str, unit: &str) -> Done {
        let village = self.state.land.code.as_str().to_owned();
        let row = self.state.land.find_row(household).filter(|r| self.state.unit_of[*r as usize] != NONE);
        let Some(row) = row else { return Err(vec![Reason::unknown("住户", household, &village)]) };
        let to = self.unit_in_force(unit)?;
        let from = self.state.unit_of[row as usize];
        if from == to {
            return Ok(());
        }
        let mut reasons = Vec::new();
        for u in [from, to] {
            let u = &self.state.units[u as usize];
            if u.locked {
                reasons.push(Reason::locked("单元", &u.code, LockTarget::Unit(u.code.clone())));
            }
        }
        let old = &self.state.units[from as usize];
        let in_office = old.leader.as_deref() == Some(household) || old.deputies.iter().any(|d| d == household);
        if old.officers_locked && in_office {
            reasons.push(Reason::locked("联户长", &old.code, LockTarget::Officers(old.code.clone())));
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        self.state.unit_of[row as usize] = to;
        let members = self.state.members();
        let sizes = super::judge::sizes(&self.state.land.profile);
        for u in [from, to] {
            self.staff(u, &members[u as usize]);
            // A listed exception that became legal is none any more; one is never made by hand.
            let n = members[u as usize].len() as u32;
            if (sizes.min..=sizes.max).contains(&n) {
                self.state.units[u as usize].exception = None;
            }
        }
        Ok(())
    }

    pub(super) fn set_officers(&mut self, unit: &str, leader: &str, deputies: &[String]) -> Done {
        let slot = self.unit_in_force(unit)?;
        let row = &self.state.units[slot as usize];
        if row.officers_locked {
            return Err(vec![Reason::locked("联户长", unit, LockTarget::Officers(unit.to_owned()))]);
        }
        let mut reasons = Vec::new();
        for id in std::iter::once(leader).chain(deputies.iter().map(String::as_str)) {
            let Some(r) = self.state.land.find_row(id) else {
                reasons.push(Reason::unknown("住户", id, self.state.land.code.as_str()));
                continue;
            };
            if self.state.unit_of[r as usize] != slot {
                let own = self.state.find_unit_of(id).map_or(String::new(), |u| u.code.clone());
                let mut reason = Reason::new(
                    ReasonKind::Rule,
                    [unit.to_owned(), id.to_owned()],
                    format!("户 {id} 不在单元 {unit}（在 {own}） / household {id} is no member of unit {unit} (but of {own})"),
                )
                .first(
                    format!("请先把户 {id} 调入单元 {unit}，或另选成员 / move household {id} to unit {unit} first, or choose a member"),
                    [Operation::MoveHousehold { household: id.to_owned(), unit: unit.to_owned() }],
                );
                reason.rule = Some("H8".to_owned());
                reasons.push(reason);
            }
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let row = &mut self.state.units[slot as usize];
        row.leader = Some(leader.to_owned());
        row.deputies = deputies.to_vec();
        Ok(())
    }

    /// Officers of a unit after its members changed: who stayed keeps the office, vacancies are filled by proposal. A unit without
    /// members is retired: nothing of it stays but its number.
    pub(super) fn staff(&mut self, unit: u32, members: &[u32]) {
        let s = &mut self.state;
        let row = &mut s.units[unit as usize];
        if members.is_empty() {
            *row = UnitRow {
                code: std::mem::take(&mut row.code),
                locked: false,
                leader: None,
                deputies: Vec::new(),
                officers_locked: false,
                exception: None,
                founded_on: row.founded_on.take(),
                contact_group: None,
            };
            return;
        }
        let wanted = (s.land.profile.unit.deputies as usize).min(members.len() - 1);
        let is_member = |id: &String| members.iter().any(|&r| s.land.household_id(r) == id);
        let leader = row.leader.take().filter(is_member);
        let mut deputies: Vec<String> =
            row.deputies.drain(..).filter(|d| is_member(d) && Some(d) != leader.as_ref()).collect();
        if leader.is_none() || deputies.len() < wanted {
            let xy: Vec<[f64; 2]> = members.iter().map(|&r| s.land.at(r)).collect();
            let eligible: Option<Vec<bool>> = s
                .land
                .table
                .eligible
                .as_ref()
                .map(|e| members.iter().map(|&r| e.get(r as usize).copied().unwrap_or(false)).collect());
            let mut proposed: Vec<String> = propose(&xy, eligible.as_deref(), s.land.profile.unit.deputies)
                .into_iter()
                .map(|i| s.land.household_id(members[i]).to_owned())
                .collect();
            if proposed.is_empty() && leader.is_none() {
                // Nobody may be proposed: the unit waits for people to decide.
                deputies.truncate(wanted);
                row.deputies = deputies;
                return;
            }
            proposed.extend(members.iter().map(|&r| s.land.household_id(r).to_owned()));
            let may = |p: &String| {
                let by_member = |e: &Vec<bool>| members.iter().zip(e).any(|(&r, m)| *m && s.land.household_id(r) == p);
                eligible.as_ref().is_none_or(by_member)
            };
            let leader = leader.or_else(|| {
                // Not a deputy, where anyone else who may is proposed; the first is one who may.
                proposed.iter().find(|p| may(p) && !deputies.contains(p)).or(proposed.first()).cloned()
            });
            deputies.retain(|d| Some(d) != leader.as_ref());
            for p in proposed {
                if deputies.len() >= wanted {
                    break;
                }
                if Some(&p) != leader.as_ref() && !deputies.contains(&p) {
                    deputies.push(p);
                }
            }
            row.leader = leader;
        } else {
            row.leader = leader;
        }
        deputies.truncate(wanted);
        row.deputies = deputies;
    }
}
