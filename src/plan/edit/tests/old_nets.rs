//! All-purpose grids: old borders are re-used, and what is kept is said per net.

use super::super::nets::{OldNet, plan_one_net, report_nets};
use super::*;
use crate::partition::effort::Effort;
use crate::plan::job::Job;
use crate::plan::report::Report;

fn net(name: &str, lattice: &Lattice, of: impl Fn(usize, usize) -> usize) -> OldNet {
    let grid_of_building = (0..lattice.w * lattice.h)
        .map(|i| (b(i / lattice.h, i % lattice.h), format!("{name}{}", of(i / lattice.h, i % lattice.h))))
        .collect();
    OldNet { name: name.to_owned(), grid_of_building }
}

#[test]
fn the_report_counts_kept_borders_and_changed_households() {
    let lattice = Lattice::small();
    let state = lattice.state();
    let same = net("police", &lattice, |c, _| c / 2);
    let halves = net("city", &lattice, |c, _| c / 3);
    let rows = net("tour", &lattice, |_, r| r / 2);
    let r = report_nets(&state, &[same, halves, rows]);
    assert!((r[0].kept_share - 1.0).abs() < 1e-12);
    assert_eq!((r[0].households, r[0].households_changed), (48, 0));
    // The border between columns 2 and 3 lies inside grid 002: nothing of it is kept.
    assert!(r[1].kept_m < 1e-9 && r[1].old_border_m > 50.0);
    // Each half has one grid of its own and half of grid 002: sixteen households a half stay with their grid.
    assert_eq!(r[1].households_changed, 48 - 32);
    assert!(r[2].kept_share < 0.2);
}

#[test]
fn one_net_out_of_several_keeps_more_of_their_borders() {
    let lattice =
        Lattice { w: 8, h: 6, columns: 2, per: 2, size: 4, profile: profile(3, 6, 24, 0.05), ..Lattice::small() };
    let buildings = lattice.buildings();
    // Both old nets run in rows, which a free plan has no reason to follow everywhere.
    let nets = [net("police", &lattice, |_, r| r / 3), net("city", &lattice, |c, r| (c / 4) * 2 + r / 3)];
    let cancel = std::sync::atomic::AtomicBool::new(false);
    let job = Job {
        begun: std::time::Instant::now(),
        effort: Effort::Rounds(3),
        seed: 1,
        cancel: &cancel,
        progress: &|_, _| {},
        replay: None,
    };
    let kept = |weight: f64, nets_seen: &[OldNet]| {
        let mut profile = lattice.profile.clone();
        profile.grid.old_net_weight = weight;
        let mut table = register(&buildings);
        table.village = Some(Column { names: vec![VILLAGE.to_owned()], of: vec![0; table.len()] });
        let region = crate::domain::Region {
            code: Some(VILLAGE.to_owned()),
            name: None,
            level: String::new(),
            polygons: outline(8, 6),
        };
        let (table, plans) = plan_one_net(
            table,
            nets_seen,
            std::slice::from_ref(&region),
            &[],
            &profile,
            (&job, &job),
            &mut Report::new("plan", 1),
        )
        .expect("plan");
        let rows = rows_of(&plans[0], &table, 1);
        let code = VillageCode::parse(VILLAGE).expect("code");
        let land = Land::new(code, table, Some(region.polygons), Vec::new(), profile).expect("land");
        let state = VillageState::new(Arc::new(land), &rows).expect("state");
        assert_eq!(state.problems(), []);
        report_nets(&state, &nets).iter().map(|r| r.kept_share).sum::<f64>()
    };
    let (free, bound) = (kept(0.0, &[]), kept(8.0, &nets));
    assert!(bound >= free && bound > 1.2, "kept {bound} of two nets, {free} without looking at them");
}
