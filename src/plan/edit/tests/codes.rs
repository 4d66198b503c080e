//! Codes are stable: a split and a merge keep the larger part's, retired ones are never given out again.

use super::*;

fn by_line(g: u32, line: Vec<[f64; 2]>) -> Operation {
    Operation::SplitGrid { grid: grid(g), by: SplitBy::Line(line) }
}

#[test]
fn a_split_keeps_the_number_for_the_larger_part() {
    let state = Lattice::small().state();
    // Two buildings in the south go, six stay.
    let applied = done(&state, &[by_line(1, vec![[-30.0, 10.0], [35.0, 10.0]])]);
    assert_eq!(applied.state.problems(), []);
    let of = |id: &str| applied.state.find_grid_of(id).map(|g| g.code.clone());
    assert_eq!((of(&b(0, 0)), of(&b(0, 3))), (Some(grid(4)), Some(grid(1))));
    let new = applied.state.grids.iter().find(|g| g.code == grid(4)).expect("new grid");
    assert_eq!((new.predecessors.as_slice(), new.valid_from.as_str()), (&[grid(1)][..], TODAY));
    assert_eq!(applied.touched, [grid(1), grid(4)]);
    sound(&applied.state);
    let shares = done(&state, &[Operation::SplitGrid { grid: grid(2), by: SplitBy::Count(2) }]);
    assert_eq!((shares.after.base_grids, shares.state.problems()), (4, vec![]));
}

#[test]
fn a_merge_keeps_the_larger_number_and_retires_the_other_for_good() {
    let state = Lattice::small().state();
    let state = done(&state, &[transfer(&[b(1, 0)], 2)]).state;
    let merged = done(&state, &[Operation::MergeGrids { grids: vec![grid(1), grid(2)] }]);
    let rows = merged.state.rows();
    let old = rows.grids.iter().find(|g| g.code == grid(1)).expect("retired grid stays as a row");
    assert_eq!(old.valid_to.as_deref(), Some(TODAY));
    let heir = rows.grids.iter().find(|g| g.code == grid(2)).expect("heir");
    assert_eq!(heir.predecessors, [grid(1)]);
    // Units move whole: nobody has other neighbours, only codes change.
    assert_eq!(merged.moved.unit, 0);
    assert!(merged.moved.unit_code > 0 && !rows.memberships.iter().any(|m| m.unit.starts_with(&grid(1))));
    // The next grid gets a fresh number, not the retired one.
    let split = done(&merged.state, &[Operation::SplitGrid { grid: grid(2), by: SplitBy::Count(2) }]);
    assert!(split.changes.seats.iter().all(|c| c.after.as_ref().is_some_and(|s| s.grid == grid(4))));
    assert_eq!(refused(&split.state, &[transfer(&[b(3, 0)], 1)]).reasons[0].kind, ReasonKind::Invalid);
    sound(&split.state);
}

#[test]
fn a_unit_number_is_never_given_out_twice_in_a_grid() {
    let state = Lattice::small().state();
    // The last unit of grid 001 leaves whole, then comes back: it does not get its old number.
    let away = done(&state, &[transfer(&[b(1, 0), b(1, 1)], 2)]).state;
    assert!(away.find_unit_of(&format!("{}-0", b(1, 0))).is_some_and(|u| u.code == unit(2, 5)));
    let back = done(&away, &[transfer(&[b(1, 0), b(1, 1)], 1)]).state;
    assert!(back.find_unit_of(&format!("{}-0", b(1, 0))).is_some_and(|u| u.code == unit(1, 5)));
    // Its people kept their offices all the while.
    let first = state.find_unit_of(&format!("{}-0", b(1, 0))).and_then(|u| u.leader.clone());
    assert_eq!(back.find_unit_of(&format!("{}-0", b(1, 0))).and_then(|u| u.leader.clone()), first);
    assert!(back.rows().units.iter().any(|u| u.code == unit(1, 4) && u.leader.is_none()));
    assert_eq!(back.problems(), []);
    sound(&back);
}

#[test]
fn a_dedicated_grid_gets_its_own_numbers_and_stands_outside_the_balance() {
    let state = Lattice::small().state();
    let op = Operation::CreateDedicated { buildings: vec![b(2, 1), b(2, 2)], name: "工业园".to_owned() };
    let applied = done(&state, &[op]);
    assert_eq!(applied.state.problems(), []);
    assert_eq!(applied.after.dedicated_grids, 1);
    let rows = applied.state.rows();
    let row = rows.grids.iter().find(|g| g.code == grid(901)).expect("dedicated");
    assert_eq!(
        (row.name.as_str(), row.kind.as_str(), row.predecessors.as_slice()),
        ("工业园", "dedicated", &[grid(2)][..])
    );
    assert_eq!(
        refused(&applied.state, &[Operation::MergeGrids { grids: vec![grid(901), grid(1)] }]).reasons[0].kind,
        ReasonKind::Invalid
    );
    let gone = done(&applied.state, &[Operation::RetireDedicated { grid: grid(901), into: None }]);
    assert_eq!(gone.state.problems(), []);
    assert!(gone.state.find_grid_of(&b(2, 1)).is_some_and(|g| g.kind == "base"));
    let again = Operation::CreateDedicated { buildings: vec![b(5, 3)], name: "学校".to_owned() };
    let again = done(&gone.state, &[again]);
    assert!(again.state.find_grid_of(&b(5, 3)).is_some_and(|g| g.code == grid(902)));
    for s in [&applied.state, &gone.state, &again.state] {
        sound(s);
    }
}

#[test]
fn who_leaves_an_office_is_replaced_and_who_stays_keeps_it() {
    let state = Lattice::small().state();
    let leader = state.units[0].leader.clone().expect("leader");
    let applied = done(&state, &[Operation::MoveHousehold { household: leader.clone(), unit: unit(1, 2) }]);
    let row = applied.state.units.iter().find(|u| u.code == unit(1, 1)).expect("unit");
    assert!(row.leader.is_some() && row.leader.as_ref() != Some(&leader));
    assert_eq!(row.deputies, state.units[0].deputies);
    let other = applied.state.units.iter().find(|u| u.code == unit(1, 2)).expect("unit");
    assert_eq!((&other.leader, &other.deputies), (&state.units[1].leader, &state.units[1].deputies));
}

#[test]
fn two_plans_compared_differ_by_the_set_difference() {
    let state = Lattice::small().state();
    let other =
        done(&state, &[transfer(&[b(1, 0)], 2), Operation::Rename { grid: grid(3), name: "西".to_owned() }]).state;
    let c = compare(&state, &other);
    let (a, z) = (state.rows(), other.rows());
    let expected: Vec<String> =
        a.memberships.iter().filter(|m| !z.memberships.contains(m)).map(|m| m.household.clone()).collect();
    assert_eq!(c.households_in_other_unit, expected);
    assert_eq!(c.households_in_other_grid, [format!("{}-0", b(1, 0)), format!("{}-1", b(1, 0))]);
    assert_eq!(c.changed_grids, [grid(1), grid(2), grid(3)]);
    let (before, after) = c.figures.expect("figures");
    assert_eq!((before, after), (state.figures(), other.figures()));
    assert_eq!(compare(&state, &state).changed_grids, Vec::<String>::new());
}
