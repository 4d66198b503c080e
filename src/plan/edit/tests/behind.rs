//! A plan that is behind the register: what both know is shown, and who has no unit is named.

use super::*;
use crate::partition::check::Rule;

fn land(buildings: &[(String, [f64; 2], u32)]) -> Arc<Land> {
    land_of(register(buildings))
}

fn land_of(table: Households) -> Arc<Land> {
    let code = VillageCode::parse(VILLAGE).expect("code");
    let rules = Lattice::small().profile;
    Arc::new(Land::new(code, table, Some(outline(6, 4)), Vec::new(), rules).expect("land"))
}

/// Places are told to a millimetre.
fn millimetres(at: [f64; 2]) -> [i64; 2] {
    at.map(|c| (c * 1e3).round() as i64)
}

/// Buildings by name, with the households each has.
fn lived(state: &VillageState) -> BTreeMap<String, u32> {
    state.view(true).buildings.into_iter().map(|b| (b.id, b.households)).collect()
}

#[test]
fn what_both_know_is_as_it_was_and_the_rest_is_named() {
    let lattice = Lattice::small();
    let (state, mut buildings) = (lattice.state(), lattice.buildings());
    let rows = state.rows();
    // one more household in an old building, a new house, a kiosk; one building is gone with its two households
    buildings[0].2 = 3;
    buildings.push(("estate".to_owned(), [50.0, 30.0], 2));
    buildings.push(("kiosk".to_owned(), [4.0, 9.0], 0));
    let gone = buildings.remove(7);
    let now = land(&buildings);
    let (seen, behind) = VillageState::opened(Arc::clone(&now), &rows).expect("opened");
    let behind = behind.expect("they differ");
    let told: Vec<_> = behind
        .unassigned
        .iter()
        .map(|u| (u.building.as_str(), millimetres(u.at), u.seated, u.households, u.ids.join(" ")))
        .collect();
    assert_eq!(
        told,
        [
            (b(0, 0).as_str(), millimetres(buildings[0].1), true, 1, "b0000-2".to_owned()),
            ("estate", millimetres([50.0, 30.0]), false, 2, "estate-0 estate-1".to_owned()),
            ("kiosk", millimetres([4.0, 9.0]), false, 0, String::new()),
        ]
    );
    assert_eq!((behind.departed, behind.buildings_gone), (2, 1));
    let mut known = lived(&state);
    assert_eq!(known.remove(&gone.0), Some(2));
    assert_eq!(lived(&seen), known);
    sound(&seen);
    for (building, m) in known.keys().flat_map(|k| (0..2).map(move |i| (k, format!("{k}-{i}")))) {
        assert_eq!(seen.find_grid_of(building), state.find_grid_of(building));
        assert_eq!(seen.find_unit_of(&m).map(|u| &u.code), state.find_unit_of(&m).map(|u| &u.code), "{m}");
    }
    let breaches = behind.breaches();
    assert!(breaches.iter().all(|x| x.rule == Rule::H4));
    let ids: Vec<_> = breaches.iter().map(|x| x.ids.join(" ")).collect();
    assert_eq!(ids, ["b0000 b0000-2", "estate estate-0 estate-1", "kiosk", "", ""]);
    assert!(breaches[3].message.contains("2 户已不在本村名册"), "{}", breaches[3].message);
    assert!(breaches[4].message.contains("1 栋楼已不在本村名册"), "{}", breaches[4].message);
    let unnamed = behind.without_households();
    assert!(unnamed.unassigned.iter().all(|u| u.ids.is_empty()) && unnamed.unassigned[1].households == 2);

    // the plan follows: nothing is left to say
    let followed = absorb_rows(Arc::clone(&now), &rows, TODAY).expect("absorbed").state;
    let (same, none) = VillageState::opened(now, &followed.rows()).expect("opened");
    assert_eq!((same.rows(), none), (followed.rows(), None));
}

#[test]
fn a_building_stays_on_its_ground_whoever_lives_in_it_now() {
    let lattice = Lattice::small();
    let state = lattice.state();
    let mut table = register(&lattice.buildings());
    // both families left and two came; elsewhere one of two came new
    for id in &mut table.ids {
        if id.starts_with("b0101-") || id == "b0400-1" {
            *id = format!("new {id}");
        }
    }
    let (seen, behind) = VillageState::opened(land_of(table), &state.rows()).expect("opened");
    let behind = behind.expect("they differ");
    let told: Vec<_> = behind.unassigned.iter().map(|u| (u.building.as_str(), u.seated, u.households)).collect();
    assert_eq!((told, behind.departed), (vec![("b0101", true, 2), ("b0400", true, 1)], 3));
    let (was, is) = (lived(&state), lived(&seen));
    assert_eq!(is.keys().collect::<Vec<_>>(), was.keys().collect::<Vec<_>>());
    assert_eq!((is["b0101"], is["b0400"], is["b0000"]), (0, 1, 2));
    assert_eq!(seen.grid_of, state.grid_of, "every cell is whose it was");
    sound(&seen);
}

#[test]
fn who_moves_into_a_new_house_is_no_newcomer() {
    let lattice = Lattice::small();
    let state = lattice.state();
    let mut buildings = lattice.buildings();
    buildings[0].2 = 1;
    buildings.push(("estate".to_owned(), [50.0, 30.0], 1));
    let mut table = register(&buildings);
    table.ids.iter_mut().filter(|id| *id == "estate-0").for_each(|id| "b0000-1".clone_into(id));
    let (_, behind) = VillageState::opened(land_of(table), &state.rows()).expect("opened");
    let behind = behind.expect("they differ");
    let told: Vec<_> = behind.unassigned.iter().map(|u| (u.building.as_str(), u.seated, u.households)).collect();
    assert_eq!((told, behind.departed, behind.buildings_gone), (vec![("estate", false, 0)], 0, 0));
}

#[test]
fn an_empty_house_with_the_id_of_who_left_it_is_no_household() {
    let lattice = Lattice::small();
    let mut buildings = lattice.buildings();
    let (mut before, mut rows) = (register(&buildings), lattice.state().rows());
    before.ids.iter_mut().filter(|id| *id == "b0100-0").for_each(|id| "b0100".clone_into(id));
    rows.memberships.iter_mut().filter(|m| m.household == "b0100-0").for_each(|m| "b0100".clone_into(&mut m.household));
    for u in &mut rows.units {
        u.leader.iter_mut().chain(&mut u.deputies).filter(|o| *o == "b0100-0").for_each(|o| "b0100".clone_into(o));
    }
    VillageState::new(land_of(before), &rows).expect("they agree");
    buildings[4].2 = 0;
    assert_eq!(buildings[4].0, "b0100");
    let (seen, behind) = VillageState::opened(land(&buildings), &rows).expect("opened");
    assert_eq!((lived(&seen)["b0100"], behind.expect("they differ").departed), (0, 2));
}

#[test]
fn a_plan_that_has_nothing_in_common_with_the_register_is_not_opened() {
    let lattice = Lattice::small();
    let rows = lattice.state().rows();
    let others: Vec<_> = lattice.buildings().into_iter().map(|(name, at, n)| (format!("x{name}"), at, n)).collect();
    let refused = VillageState::opened(land(&others), &rows).err().expect("nothing in common");
    assert!(matches!(refused, StateError::Differs { .. }), "{refused}");
    let elsewhere = VillageRows { village: "520423102002".to_owned(), ..rows };
    let refused = VillageState::opened(land(&lattice.buildings()), &elsewhere).err().expect("another village");
    assert!(refused.to_string().contains("520423102002"), "{refused}");
}

#[test]
fn who_may_not_see_households_is_told_of_problems_without_their_ids() {
    let state = Lattice::small().state();
    let mut rows = state.rows();
    rows.memberships.iter_mut().filter(|m| m.household == "b0000-0").for_each(|m| m.unit = unit(2, 1));
    let state = VillageState::new(state.shared_land(), &rows).expect("state");
    let of = |with: bool| state.view(with).problems.into_iter().find(|p| p.rule == Rule::H6).expect("H6").ids;
    assert!(of(true).contains(&"b0000-0".to_owned()) && of(true).contains(&unit(2, 1)), "{:?}", of(true));
    assert!(!of(false).contains(&"b0000-0".to_owned()) && of(false).contains(&unit(2, 1)), "{:?}", of(false));
}
