//! What is refused, and what the answer says to do first (CASES E08).

use super::*;

#[test]
fn e08_a_transfer_that_cuts_a_grid_says_who_would_be_cut_off() {
    let state = Lattice::small().state();
    // The second row of grid 002 goes to 001: its lower row would be cut off from the two upper ones.
    let r = refused(&state, &[transfer(&[b(2, 1), b(3, 1)], 1)]);
    let reason = &r.reasons[0];
    assert_eq!((r.operation, reason.kind, reason.rule.as_deref()), (None, ReasonKind::CutOff, Some("H3")));
    assert_eq!(reason.ids, [grid(2), b(2, 0), b(3, 0)]);
    assert!(reason.first.contains("b0200, b0300") && reason.first.contains("first"), "{}", reason.first);
    // Doing that first, in one batch, is accepted.
    let mut batch = reason.remedy.clone();
    batch.push(transfer(&[b(2, 1), b(3, 1)], 1));
    let applied = done(&state, &batch);
    assert_eq!(applied.state.problems(), []);
    sound(&applied.state);
}

#[test]
fn e08_a_building_that_does_not_touch_says_what_lies_between() {
    let state = Lattice::small().state();
    let r = refused(&state, &[transfer(&[b(4, 1)], 1)]);
    let reason = &r.reasons[0];
    assert_eq!((reason.kind, reason.rule.as_deref()), (ReasonKind::CutOff, Some("H3")));
    assert!(reason.ids.contains(&b(4, 1)));
    assert!(matches!(reason.remedy.first(), Some(Operation::TransferBuildings { to, .. }) if *to == grid(1)));
    let mut batch = reason.remedy.clone();
    batch.push(transfer(&[b(4, 1)], 1));
    // What it says is enough for this border; others may need their own step.
    let kept = apply(&state, &batch, Policy::KeepAsDraftProblem, TODAY).expect("kept");
    assert!(!kept.problems.iter().any(|p| p.ids.contains(&grid(1))), "{:?}", kept.problems);
}

#[test]
fn e08_a_building_of_another_village_is_refused() {
    let state = Lattice::small().state();
    let r = refused(&state, &[transfer(&["elsewhere".to_owned()], 1)]);
    assert_eq!(
        (r.operation, r.reasons[0].kind, r.reasons[0].rule.as_deref()),
        (Some(0), ReasonKind::Unknown, Some("H1"))
    );
    assert_eq!(r.reasons[0].ids, ["elsewhere"]);
    let other = Operation::TransferBuildings { buildings: vec![b(0, 0)], to: "520423102002001".to_owned() };
    assert_eq!(refused(&state, &[other]).reasons[0].kind, ReasonKind::Unknown);
}

#[test]
fn e08_a_unit_never_crosses_a_grid() {
    let state = Lattice::small().state();
    let household = format!("{}-0", b(1, 0));
    let op = Operation::MoveHousehold { household: household.clone(), unit: unit(2, 1) };
    let r = refused(&state, std::slice::from_ref(&op));
    let reason = r.reasons.iter().find(|r| r.rule.as_deref() == Some("H6")).expect("H6");
    assert!(reason.ids.contains(&unit(2, 1)) && reason.ids.contains(&household));
    assert!(
        matches!(&reason.remedy[..], [Operation::TransferBuildings { buildings, to }] if buildings == &[b(1, 0)] && *to == grid(2))
    );
    let kept = apply(&state, &[op], Policy::KeepAsDraftProblem, TODAY).expect("kept");
    assert!(!kept.problems.is_empty());
    sound(&kept.state);
}

#[test]
fn e08_a_river_is_not_crossed() {
    let lattice = Lattice { barriers: vec![river(&[[30.0, -60.0], [30.0, 20.0 * 6.0]])], ..Lattice::small() };
    let state = lattice.state();
    assert_eq!(state.problems(), []);
    let r = refused(&state, &[transfer(&[b(2, 1)], 1)]);
    let rules: Vec<_> = r.reasons.iter().filter_map(|r| r.rule.as_deref()).collect();
    assert!(rules.contains(&"H11"), "{rules:?}");
    let r = refused(&state, &[Operation::MergeGrids { grids: vec![grid(1), grid(2)] }]);
    assert_eq!(r.reasons[0].kind, ReasonKind::NotNeighbours);
    let kept = apply(&state, &[transfer(&[b(2, 1)], 1)], Policy::KeepAsDraftProblem, TODAY).expect("kept");
    sound(&kept.state);
}

#[test]
fn e08_grids_that_do_not_touch_are_not_merged() {
    let state = Lattice::small().state();
    let r = refused(&state, &[Operation::MergeGrids { grids: vec![grid(1), grid(3)] }]);
    let reason = &r.reasons[0];
    assert_eq!((r.operation, reason.kind), (Some(0), ReasonKind::NotNeighbours));
    assert_eq!(reason.ids, [grid(1), grid(3)]);
    assert!(reason.first.contains(&grid(2)));
    let applied = done(&state, &reason.remedy);
    assert_eq!(applied.after.base_grids, 1);
    assert_eq!(applied.state.problems(), []);
}

#[test]
fn e08_a_grid_never_loses_its_last_building() {
    let state = Lattice::small().state();
    let all: Vec<String> = (0..2).flat_map(|c| (0..4).map(move |r| b(c, r))).collect();
    let r = refused(&state, &[transfer(&all, 2)]);
    assert_eq!((r.reasons[0].kind, r.reasons[0].ids.clone()), (ReasonKind::Empty, vec![grid(1)]));
    assert_eq!(done(&state, &r.reasons[0].remedy).state.problems(), []);
}

#[test]
fn e08_a_unit_moved_beyond_its_size_says_so() {
    let state = Lattice::small().state();
    // A leaves units of four at three, then at two.
    let (a, c) = (format!("{}-0", b(0, 0)), format!("{}-1", b(0, 0)));
    let to = unit(1, 2);
    let one = Operation::MoveHousehold { household: a, unit: to.clone() };
    let two = Operation::MoveHousehold { household: c, unit: to };
    let applied = done(&state, std::slice::from_ref(&one));
    assert_eq!((applied.moved.unit, applied.moved.grid), (1, 0));
    let r = refused(&state, &[one, two]);
    assert_eq!((r.reasons[0].rule.as_deref(), r.reasons[0].ids.clone()), (Some("H7"), vec![unit(1, 1)]));
    assert!(matches!(r.reasons[0].remedy[..], [Operation::ReformUnits { .. }]));
}

#[test]
fn e08_officers_are_members_of_their_unit() {
    let state = Lattice::small().state();
    let stranger = format!("{}-0", b(5, 0));
    let op = Operation::SetOfficers { unit: unit(1, 1), leader: stranger.clone(), deputies: Vec::new() };
    let r = refused(&state, &[op]);
    assert_eq!((r.reasons[0].rule.as_deref(), r.reasons[0].ids.clone()), (Some("H8"), vec![unit(1, 1), stranger]));
    // Too few deputies is a breach of H8 that the check finds.
    let leader = format!("{}-1", b(0, 1));
    let op = Operation::SetOfficers { unit: unit(1, 1), leader: leader.clone(), deputies: Vec::new() };
    assert_eq!(refused(&state, &[op]).reasons[0].rule.as_deref(), Some("H8"));
    let op =
        Operation::SetOfficers { unit: unit(1, 1), leader: leader.clone(), deputies: vec![format!("{}-0", b(0, 1))] };
    let applied = done(&state, &[op]);
    assert_eq!(applied.state.find_unit_of(&leader).and_then(|u| u.leader.clone()), Some(leader));
}

#[test]
fn e08_a_line_must_part_the_grid() {
    let state = Lattice::small().state();
    let split = |line: Vec<[f64; 2]>| Operation::SplitGrid { grid: grid(1), by: SplitBy::Line(line) };
    assert_eq!(refused(&state, &[split(vec![[500.0, 0.0], [500.0, 10.0]])]).reasons[0].kind, ReasonKind::Line);
    assert_eq!(refused(&state, &[split(vec![[f64::NAN, 0.0], [500.0, 10.0]])]).reasons[0].kind, ReasonKind::Line);
    assert_eq!(refused(&state, &[split(vec![[0.0, 0.0]])]).reasons[0].kind, ReasonKind::Line);
    let zigzag = vec![[-30.0, 10.0], [50.0, 10.0], [50.0, 50.0], [-30.0, 50.0]];
    let r = refused(&state, &[split(zigzag)]);
    assert_eq!(r.reasons[0].kind, ReasonKind::Line);
    let count = Operation::SplitGrid { grid: grid(1), by: SplitBy::Count(9) };
    assert_eq!(refused(&state, &[count]).reasons[0].kind, ReasonKind::Invalid);
}

#[test]
fn every_lock_is_named_by_who_would_break_it() {
    let state = Lattice::small().state();
    let move_one = Operation::MoveHousehold { household: format!("{}-0", b(1, 0)), unit: unit(1, 3) };
    let leader = state.units[3].leader.clone().expect("leader");
    let cases: Vec<(LockTarget, Operation, String)> = vec![
        (LockTarget::Grid(grid(1)), transfer(&[b(1, 0)], 2), grid(1)),
        (LockTarget::Grid(grid(2)), transfer(&[b(1, 0)], 2), grid(2)),
        (LockTarget::Grid(grid(2)), Operation::MergeGrids { grids: vec![grid(1), grid(2)] }, grid(2)),
        (LockTarget::Grid(grid(2)), Operation::SplitGrid { grid: grid(2), by: SplitBy::Count(2) }, grid(2)),
        (
            LockTarget::Grid(grid(2)),
            Operation::Rebalance { grids: vec![grid(1), grid(2)], seed: 0, rounds: 1 },
            grid(2),
        ),
        (
            LockTarget::Grid(grid(2)),
            Operation::CreateDedicated { buildings: vec![b(2, 0)], name: "园".to_owned() },
            grid(2),
        ),
        (LockTarget::Building(b(1, 0)), transfer(&[b(1, 0)], 2), b(1, 0)),
        (LockTarget::Building(b(1, 0)), Operation::MergeGrids { grids: vec![grid(1), grid(2)] }, b(1, 0)),
        (LockTarget::Unit(unit(1, 4)), transfer(&[b(1, 0)], 2), unit(1, 4)),
        (LockTarget::Unit(unit(1, 4)), move_one.clone(), unit(1, 4)),
        (LockTarget::Unit(unit(1, 3)), move_one.clone(), unit(1, 3)),
        (LockTarget::Unit(unit(1, 4)), Operation::MergeGrids { grids: vec![grid(1), grid(2)] }, unit(1, 4)),
        (
            LockTarget::Officers(unit(1, 4)),
            Operation::SetOfficers { unit: unit(1, 4), leader: leader.clone(), deputies: Vec::new() },
            unit(1, 4),
        ),
        (
            LockTarget::Officers(unit(1, 4)),
            Operation::MoveHousehold { household: leader, unit: unit(1, 3) },
            unit(1, 4),
        ),
    ];
    for (target, op, id) in cases {
        // Grid 002 is the larger in merges, so that grid 001 would be the one that ends.
        let grown = done(&state, &[transfer(&[b(4, 0)], 2)]).state;
        let base = if matches!(op, Operation::MergeGrids { .. }) { &grown } else { &state };
        let locked = done(base, &[Operation::Lock { target: target.clone() }]).state;
        let r = refused(&locked, std::slice::from_ref(&op));
        assert!(
            r.reasons.iter().any(|r| r.kind == ReasonKind::Locked && r.ids.contains(&id)),
            "{op:?} with {target:?}: {r}"
        );
        let free = done(&locked, &[Operation::Unlock { target }]).state;
        assert_eq!(free.rows(), base.rows());
    }
    let all = done(&state, &[Operation::Lock { target: LockTarget::All }]).state;
    assert!(all.rows().seats.iter().all(|s| s.locked) && all.rows().units.iter().all(|u| u.locked));
    assert_eq!(done(&all, &[Operation::Unlock { target: LockTarget::All }]).state.rows(), state.rows());
    // With everything locked a rebalance has nothing to do.
    assert!(done(&all, &[Operation::Rebalance { grids: Vec::new(), seed: 0, rounds: 1 }]).changes.is_empty());
}

#[test]
fn a_batch_is_done_whole_or_not_at_all() {
    let state = Lattice::small().state();
    let ok = Operation::Rename { grid: grid(1), name: "东街".to_owned() };
    let r = refused(&state, &[ok.clone(), transfer(&["nobody".to_owned()], 1)]);
    assert_eq!(r.operation, Some(1));
    assert_eq!(done(&state, &[ok]).state.grids[0].name, "东街");
    assert_eq!(state.grids[0].name, "");
    let long = Operation::Rename { grid: grid(1), name: "长".repeat(61) };
    assert_eq!(refused(&state, &[long]).reasons[0].kind, ReasonKind::Invalid);
}

#[test]
fn buildings_of_one_site_go_together() {
    let lattice = Lattice::small();
    let mut buildings = lattice.buildings();
    let at = buildings[4].1;
    buildings.push(("twin".to_owned(), at, 2));
    let code = VillageCode::parse(VILLAGE).expect("code");
    let land = Land::new(code, register(&buildings), Some(outline(6, 4)), Vec::new(), lattice.profile.clone());
    let absorbed = absorb_rows(Arc::new(land.expect("land")), &lattice.state().rows(), TODAY).expect("absorbed");
    assert_eq!(absorbed.problems, []);
    let r = refused(&absorbed.state, &[transfer(&[buildings[4].0.clone()], 2)]);
    assert!(r.reasons[0].ids.contains(&"twin".to_owned()));
    let both = done(&absorbed.state, &[transfer(&[buildings[4].0.clone(), "twin".to_owned()], 2)]);
    sound(&both.state);
}

#[test]
fn a_change_that_starts_from_other_rows_is_refused() {
    let state = Lattice::small().state();
    let applied = done(&state, &[transfer(&[b(1, 0)], 2)]);
    assert!(applied.state.with(&applied.changes).is_err());
    assert!(state.with(&applied.changes.clone().inverse()).is_err());
    let back = applied.state.with(&applied.changes.inverse()).expect("undo");
    assert_eq!(back.rows(), state.rows());
}

#[test]
fn what_plan_and_register_differ_in_is_said_in_one_language_a_line() {
    let lattice = Lattice::small();
    let mut buildings = lattice.buildings();
    buildings.push(("new / house".to_owned(), [55.0, 31.0], 1));
    let land = |buildings: &[(String, [f64; 2], u32)]| {
        let code = VillageCode::parse(VILLAGE).expect("code");
        let land = Land::new(code, register(buildings), Some(outline(6, 4)), Vec::new(), lattice.profile.clone());
        Arc::new(land.expect("land"))
    };
    let told = |e: StateError| e.to_string().lines().map(str::to_owned).collect::<Vec<_>>();
    let rows = lattice.state().rows();
    let said = told(VillageState::new(land(&buildings), &rows).err().expect("differs"));
    let [chinese, english] = &said[..] else { panic!("two lines: {said:?}") };
    assert!(chinese.contains("（2 处）：楼栋 new / house 没有网格；户 new / house-0 没有单元；"), "{chinese}");
    assert!(
        english.contains("in 2 places: building new / house has no grid; household new / house-0 has no unit;"),
        "{english}"
    );
    assert!(!english.contains("楼栋"), "{english}");
    let elsewhere = VillageRows { village: "520423102002".to_owned(), ..rows };
    let said = told(absorb_rows(land(&buildings), &elsewhere, TODAY).err().expect("another village"));
    assert!(said[0].contains("520423102002 不是 520423102001") && said[1].contains("is not 520423102001"), "{said:?}");
}
