use super::*;
use crate::domain::BarrierShape;

const VILLAGE: &str = "520423102001";

fn rectangle(x: f64, y: f64, w: f64, h: f64) -> Polygons {
    vec![vec![vec![[x, y], [x + w, y], [x + w, y + h], [x, y + h], [x, y]]]]
}

/// A village of two grids west and east of x = 100 and a school between them in the north; each base grid has four houses of three
/// households in one unit.
fn legal() -> PlanFacts {
    let code = |n: u32| format!("{VILLAGE}{n:03}");
    let grid = |n: u32, polygons: Polygons, households: u32| GridFacts {
        code: code(n),
        village: 0,
        kind: if n > 900 { "dedicated" } else { "base" }.to_owned(),
        polygons,
        households,
        deviation: (n < 900).then_some(0.0),
    };
    let mut plan = PlanFacts {
        villages: vec![VillageFacts {
            code: VILLAGE.to_owned(),
            outline: rectangle(0.0, 0.0, 200.0, 120.0),
            barriers: vec![
                river(&[[100.0, -50.0], [100.0, 200.0]]),
                Barrier { kind: "bridge".to_owned(), ..river(&[[90.0, 50.0], [110.0, 50.0]]) },
            ],
        }],
        grids: vec![
            grid(1, rectangle(0.0, 0.0, 100.0, 100.0), 12),
            grid(2, rectangle(100.0, 0.0, 100.0, 100.0), 12),
            grid(901, rectangle(0.0, 100.0, 200.0, 20.0), 0),
        ],
        unit_rules: Some(UnitSizes { min: 10, max: 15, deputies: 2 }),
        ..PlanFacts::default()
    };
    for g in 0..2_u32 {
        for i in 0..12_u32 {
            let house = i / 3;
            plan.households.push(HouseholdFacts {
                id: format!("h{g}-{i}"),
                building: format!("b{g}-{house}"),
                village: 0,
                grid: code(g + 1),
                unit: format!("{}001", code(g + 1)),
                counts: true,
                at: Some([f64::from(g) * 100.0 + 20.0 + f64::from(house) * 20.0, 50.0]),
            });
        }
        plan.units.push(UnitFacts {
            code: format!("{}001", code(g + 1)),
            grid: code(g + 1),
            leader: Some(format!("h{g}-0")),
            deputies: vec![format!("h{g}-1"), format!("h{g}-2")],
            exception: None,
            vacancy: None,
        });
    }
    plan.households.push(HouseholdFacts {
        id: "school".to_owned(),
        building: "school".to_owned(),
        village: 0,
        grid: code(901),
        unit: String::new(),
        counts: false,
        at: Some([150.0, 110.0]),
    });
    plan
}

fn river(points: &[[f64; 2]]) -> Barrier {
    Barrier { kind: "river".to_owned(), hard: true, name: None, shape: BarrierShape::Line(points.to_vec()) }
}

#[test]
fn a_legal_plan_has_no_breach() {
    assert_eq!(check(&legal()), []);
    assert_eq!(check(&PlanFacts::default()), []);
}

#[test]
fn every_planted_breach_is_found_with_its_ids() {
    type Plant = (Rule, &'static str, fn(&mut PlanFacts));
    let plants: &[Plant] = &[
        (Rule::H1, "520423102001001", |p| p.grids[0].polygons = rectangle(-30.0, 0.0, 130.0, 100.0)),
        (Rule::H1, "520423102001002", |p| {
            p.villages.push(VillageFacts { code: "520423102002".to_owned(), ..VillageFacts::default() });
            p.households[12].village = 1;
            // The building moves with its households, so that only the village is wrong.
            for h in &mut p.households[13..15] {
                h.village = 1;
            }
        }),
        (Rule::H2, "520423102001002", |p| p.grids[1].polygons = rectangle(90.0, 0.0, 110.0, 100.0)),
        (Rule::H2, VILLAGE, |p| p.grids[0].polygons = rectangle(1.0, 0.0, 99.0, 100.0)),
        (Rule::H3, "520423102001001", |p| {
            let mut two = rectangle(0.0, 0.0, 45.0, 100.0);
            two.extend(rectangle(50.0, 0.0, 50.0, 100.0));
            p.grids[0].polygons = two;
        }),
        (Rule::H3, "520423102001001", |p| {
            p.grids[0].polygons = vec![vec![vec![[0.0, 0.0], [100.0, 100.0], [100.0, 0.0], [0.0, 100.0], [0.0, 0.0]]]];
        }),
        (Rule::H4, "h0-3", |p| p.households[3].grid = String::new()),
        (Rule::H4, "h0-3", |p| p.households[3].unit = String::new()),
        (Rule::H4, "h0-4", |p| p.households[3].id = "h0-4".to_owned()),
        (Rule::H4, "h0-3", |p| p.households[3].at = Some([120.0, 50.0])),
        (Rule::H4, "520423102001001", |p| p.grids[0].households = 13),
        (Rule::H5, "b0-1", |p| {
            p.households[3].grid = p.grids[1].code.clone();
            p.households[3].unit = p.units[1].code.clone();
        }),
        (Rule::H6, "520423102001002001", |p| p.households[3].unit = p.units[1].code.clone()),
        (Rule::H6, "520423102001001001", |p| p.units[0].grid = p.grids[1].code.clone()),
        (Rule::H7, "520423102001001001", |p| p.unit_rules = Some(UnitSizes { min: 10, max: 11, deputies: 2 })),
        (Rule::H7, "520423102001001001", |p| p.units[0].exception = Some("too_few_households".to_owned())),
        (Rule::H7, "520423102001001001", |p| p.units[0].exception = Some("because".to_owned())),
        (Rule::H8, "520423102001001001", |p| p.units[0].leader = None),
        (Rule::H8, "520423102001001001", |p| p.units[0].vacancy = Some("no_eligible_candidate".to_owned())),
        (Rule::H8, "520423102001001001", |p| {
            p.units[0].leader = None;
            p.units[0].deputies.clear();
            p.units[0].vacancy = Some("because".to_owned());
        }),
        (Rule::H8, "h1-0", |p| p.units[0].leader = Some("h1-0".to_owned())),
        (Rule::H8, "h0-1", |p| p.units[0].deputies = vec!["h0-1".to_owned(), "h0-1".to_owned()]),
        (Rule::H8, "520423102001001001", |p| p.units[0].deputies.clear()),
        (Rule::H9, "52042310200190", |p| p.grids[2].code.truncate(14)),
        (Rule::H9, "520423102001001", |p| p.grids[1].code = p.grids[0].code.clone()),
        (Rule::H9, "520423102001001001", |p| p.units[1].code = p.units[0].code.clone()),
        (Rule::H10, "520423102001901", |p| p.grids[2].kind = "base".to_owned()),
        (Rule::H10, "520423102001901", |p| p.grids[2].deviation = Some(0.1)),
        (Rule::H11, "520423102001001", |p| p.villages[0].barriers.push(river(&[[50.0, -50.0], [50.0, 200.0]]))),
    ];
    let mut planted = BTreeSet::new();
    for (i, (rule, id, plant)) in plants.iter().enumerate() {
        let mut plan = legal();
        plant(&mut plan);
        let found = check(&plan);
        assert!(
            found.iter().any(|b| b.rule == *rule && b.ids.iter().any(|x| x == id)),
            "plant {i}: {rule:?} with {id} not among {found:#?}"
        );
        planted.insert(*rule);
    }
    assert_eq!(planted.len(), Rule::ALL.len(), "every rule has a plant");
}

#[test]
fn a_unit_without_candidates_is_listed_and_no_breach() {
    let mut plan = legal();
    plan.units[0].leader = None;
    plan.units[0].deputies.clear();
    plan.units[0].vacancy = Some("no_eligible_candidate".to_owned());
    assert_eq!(check(&plan), []);
}

#[test]
fn a_bridge_inside_a_grid_carries_it_across_a_river() {
    let mut plan = legal();
    plan.villages[0].barriers.push(river(&[[50.0, -50.0], [50.0, 200.0]]));
    plan.villages[0].barriers.push(Barrier { kind: "bridge".to_owned(), ..river(&[[45.0, 50.0], [55.0, 50.0]]) });
    assert_eq!(check(&plan), []);
}

#[test]
fn a_grid_may_reach_around_the_end_of_a_barrier() {
    let mut plan = legal();
    // The school's cell lies over the river's end, the first grid's ground reaches around it.
    plan.households[24].at = Some([50.0, 101.0]);
    plan.villages[0].barriers.push(river(&[[50.0, -50.0], [50.0, 90.0]]));
    assert_eq!(check(&plan), []);
    plan.villages[0].barriers.push(river(&[[50.0, 80.0], [50.0, 200.0]]));
    let found = check(&plan);
    assert!(found.iter().any(|b| b.rule == Rule::H11 && b.ids == ["520423102001001"]), "{found:#?}");
}

#[test]
fn an_uninhabited_exclave_may_belong_to_a_grid() {
    let mut plan = legal();
    let exclave = rectangle(500.0, 0.0, 50.0, 50.0);
    plan.villages[0].outline.extend(exclave.clone());
    plan.grids[0].polygons.extend(exclave);
    assert_eq!(check(&plan), []);
}

#[test]
fn thousands_of_breaches_are_counted_not_listed() {
    let mut plan = legal();
    plan.units.clear();
    plan.households = (0..3_000)
        .map(|i| HouseholdFacts { id: format!("x{i}"), counts: true, ..plan.households[0].clone() })
        .map(|h| HouseholdFacts { unit: String::new(), ..h })
        .collect();
    plan.grids[0].households = 3_000;
    let found = check(&plan);
    let of_h4: Vec<_> = found.iter().filter(|b| b.rule == Rule::H4).collect();
    assert_eq!(of_h4.len(), LISTED + 1);
    assert!(of_h4.iter().any(|b| b.message.contains("2001")), "the rest is counted");
}
