//! A number of households is right or wrong only where grids are made by balance.

use super::*;

/// The small lattice under a profile that takes hamlets as grids, with the hamlet of each row as given.
fn state(otherwise: &str, hamlet: Option<&[u32]>) -> VillageState {
    let lattice = Lattice::small();
    let buildings = lattice.buildings();
    let mut table = register(&buildings);
    let per = lattice.per as usize;
    table.hamlet = hamlet.map(|of| Column {
        names: vec!["上寨".to_owned(), "下寨".to_owned()],
        of: of.iter().flat_map(|&h| std::iter::repeat_n(h, per)).collect(),
    });
    let rules = format!(
        "name = \"test\"\n[unit]\nmin = 3\nmax = 6\ndeputies = 1\n[grid]\ndivide = \"hamlet\"\notherwise = \"{otherwise}\"\ntarget_households = 16\ntolerance = 0.05\n"
    );
    let land = Land::new(
        VillageCode::parse(VILLAGE).expect("code"),
        table,
        Some(outline(lattice.w, lattice.h)),
        Vec::new(),
        Profile::parse(&rules).expect("profile"),
    )
    .expect("land");
    VillageState::new(Arc::new(land), &lattice.rows(&buildings)).expect("state")
}

#[test]
fn grids_that_the_register_names_have_no_target() {
    let half: Vec<u32> = (0..24).map(|b| u32::from(b >= 12)).collect();
    let one_row: Vec<u32> = (0..24).map(|b| if b == 5 { 0 } else { NO_VALUE }).collect();
    for named in [state("balance", Some(&half)), state("balance", Some(&one_row)), state("village", None)] {
        assert!(named.view(true).grids.iter().all(|g| g.target.is_none() && g.deviation.is_none()));
        assert!(named.grid_layers().iter().all(|g| g.deviation.is_none()));
    }
    let nobody = [NO_VALUE; 24];
    for balanced in [state("balance", None), state("balance", Some(&nobody)), Lattice::small().state()] {
        let grids = balanced.view(true).grids;
        assert_eq!(grids.iter().map(|g| g.target).collect::<Vec<_>>(), [Some(16.0); 3]);
        assert_eq!(grids.iter().map(|g| g.deviation).collect::<Vec<_>>(), [Some(0.0); 3]);
    }
}
