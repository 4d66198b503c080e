//! The households of one village: hamlets of houses along winding lanes, town blocks with slab buildings and towers.

use std::collections::HashMap;

use super::cells;
use super::county::{ALONE_M, County, VillagePlan};
use super::dice::{Dice, Stage, shared};
use super::lines::Curve;
use super::names;

/// No house stands nearer than this to its village's outline, in metres.
const OUTLINE_M: f64 = 6.0;
/// No house stands nearer than this to a river, railway, main road or lake, in metres.
const LINE_M: f64 = 9.0;
/// No two houses stand nearer than this, in metres.
const HOUSE_M: f64 = 6.5;
/// The same, where a village is so full that nothing else is left.
const CRAMPED_M: f64 = 2.5;
/// Roles a household may bring to the election of a unit's leader: words only, no persons.
pub(super) const ROLES: &[&str] = &["党员", "退休干部", "治安志愿者", "退役军人", "寨老", "帮扶人员"];

/// One household.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dwelling {
    /// 0 = not in a building with stairwells.
    pub(super) stairwell: u8,
    /// 0 = not known.
    pub(super) floor: u8,
    pub(super) persons: u8,
    /// Index into [`ROLES`] where the household may be proposed as leader.
    pub(super) role: Option<u8>,
}

/// One building.
#[derive(Clone, Debug)]
pub(super) struct Building {
    pub(super) at: [f64; 2],
    /// Index into [`Content::hamlets`].
    pub(super) hamlet: u32,
    /// Villagers' group, from 1 in the village.
    pub(super) group: u32,
    pub(super) dwellings: Vec<Dwelling>,
    /// The institution that has the building for itself.
    pub(super) dedicated: Option<String>,
}

/// What stands in a village.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) hamlets: Vec<String>,
    pub(super) buildings: Vec<Building>,
}

/// Where a building may stand.
struct Ground<'a> {
    area: &'a [Vec<Vec<[f64; 2]>>],
    curves: Vec<&'a Curve>,
    county: &'a County,
    lakes: Vec<&'a [[f64; 2]]>,
    /// Nobody comes near this place.
    alone: Option<[f64; 2]>,
    taken: HashMap<(i32, i32), Vec<[f64; 2]>>,
}

const BUCKET_M: f64 = 10.0;

fn bucket(p: [f64; 2]) -> (i32, i32) {
    ((p[0] / BUCKET_M).floor() as i32, (p[1] / BUCKET_M).floor() as i32)
}

impl<'a> Ground<'a> {
    fn of(county: &'a County, plan: &VillagePlan, area: &'a [Vec<Vec<[f64; 2]>>]) -> Self {
        let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for c in area.iter().flatten().flatten() {
            lo = [lo[0].min(c[0]), lo[1].min(c[1])];
            hi = [hi[0].max(c[0]), hi[1].max(c[1])];
        }
        let around = 400.0;
        let near = |c: &[f64; 2]| (0..2).all(|i| c[i] > lo[i] - around && c[i] < hi[i] + around);
        let reach = (hi[0] - lo[0]).hypot(hi[1] - lo[1]);
        Self {
            area,
            curves: county.curves.iter().filter(|c| c.distance_m(plan.centre, reach) < reach).collect(),
            county,
            lakes: county.lakes.iter().map(|l| l.ring.as_slice()).filter(|r| r.first().is_some_and(near)).collect(),
            alone: county.special.lone.map(|l| l.1),
            taken: HashMap::new(),
        }
    }

    /// The side of every line on which `p` lies: a hamlet does not spread over a river.
    fn sides(&self, p: [f64; 2]) -> Vec<bool> {
        self.curves.iter().map(|c| c.offset_m(p) > 0.0).collect()
    }

    fn open(&self, p: [f64; 2], margin_m: f64) -> bool {
        self.alone.is_none_or(|a| (a[0] - p[0]).hypot(a[1] - p[1]) > ALONE_M)
            && cells::inside(self.area, p)
            && cells::outline_distance_m(self.area, p) > OUTLINE_M + margin_m
            && self.curves.iter().all(|c| c.distance_m(p, 2.0 * (LINE_M + margin_m)) > LINE_M + margin_m)
            && self.lakes.iter().all(|l| !cells::inside_ring(l, p) && cells::distance_m(l, p) > LINE_M + margin_m)
    }

    fn spaced(&self, p: [f64; 2], apart_m: f64) -> bool {
        let reach = (apart_m / BUCKET_M).ceil() as i32;
        let (x, y) = bucket(p);
        (-reach..=reach).all(|i| {
            (-reach..=reach).all(|j| {
                self.taken
                    .get(&(x + i, y + j))
                    .is_none_or(|list| list.iter().all(|q| (q[0] - p[0]).hypot(q[1] - p[1]) > apart_m))
            })
        })
    }

    fn build(&mut self, p: [f64; 2]) {
        self.taken.entry(bucket(p)).or_default().push(p);
    }

    /// A place for a hamlet's middle, far from the others where possible.
    fn middle(
        &self,
        village: u32,
        others: &[[f64; 2]],
        wanted: impl Fn([f64; 2]) -> bool,
        dice: &mut Dice,
    ) -> [f64; 2] {
        let mut apart = 420.0;
        let mut last = None;
        for attempt in 0..400 {
            let Some(p) = self.county.somewhere(village, dice) else { break };
            let margin = if attempt < 250 { 45.0 } else { 12.0 };
            if !self.open(p, margin) || !wanted(p) {
                continue;
            }
            if others.iter().all(|o| (o[0] - p[0]).hypot(o[1] - p[1]) > apart) {
                return p;
            }
            last = Some(p);
            apart *= 0.96;
        }
        last.or(others.first().copied())
            .or_else(|| self.county.villages.get(village as usize).map(|v| v.centre))
            .unwrap_or([0.0; 2])
    }
}

/// Everything that stands in village `index`; a pure function of the county and its seed.
pub(super) fn content(county: &County, index: usize) -> Content {
    let Some(plan) = county.villages.get(index) else { return Content::default() };
    let village = index as u32;
    let mut dice = Dice::new(county.options.seed, Stage::Settle, u64::from(village));
    let main = plan.polygons.first().map_or(&[][..], std::slice::from_ref);
    let mut ground = Ground::of(county, plan, main);
    let mut out = Content::default();
    let mut left = plan.households;

    if let Some((owner, _, at)) = county.special.exclave.filter(|e| e.0 == village) {
        let quota = 24.min(left / 4);
        let ring = plan.polygons.iter().skip(1).find(|p| cells::inside(std::slice::from_ref(p), at));
        if let (true, Some(ring)) = (quota > 0 && owner == village, ring) {
            let mut island = Ground::of(county, plan, std::slice::from_ref(ring));
            hamlet(&mut out, &mut island, "飞地寨".to_owned(), at, quota, false, &mut dice);
            left -= quota;
        }
    }
    if let Some((_, at)) = county.special.lone.filter(|l| l.0 == village && left > 1) {
        out.hamlets.push("独家坡".to_owned());
        let dwellings = vec![dwelling(0, 0, &mut dice)];
        out.buildings.push(Building { at, hamlet: out.hamlets.len() as u32 - 1, group: 0, dwellings, dedicated: None });
        left -= 1;
    }
    let mut middles: Vec<[f64; 2]> = Vec::new();
    if plan.seat {
        let quota = if plan.households >= 150 { (f64::from(left) * dice.between(0.45, 0.6)) as u32 } else { 0 };
        let centre =
            if ground.open(plan.centre, 60.0) { plan.centre } else { ground.middle(village, &[], |_| true, &mut dice) };
        town(&mut out, &mut ground, plan, centre, quota, &mut dice);
        left -= quota;
        middles.push(centre);
    }
    if county.special.hamlet_of_four == Some(village) && left > 8 {
        let at = ground.middle(village, &middles, |_| true, &mut dice);
        let name = names::hamlet(&mut dice, &out.hamlets);
        hamlet(&mut out, &mut ground, name, at, 4, true, &mut dice);
        middles.push(at);
        left -= 4;
    }
    // Hamlets of some sixty households, two to twelve in a village.
    let count = (f64::from(left) / dice.between(45.0, 85.0)).round().clamp(2.0, 12.0) as usize;
    let weights: Vec<f64> = (0..count).map(|_| dice.normal(0.0, 0.55).exp() + 0.25).collect();
    for (k, quota) in shared(left, &weights).into_iter().enumerate().filter(|q| q.1 > 0) {
        let side = plan.both_sides_of.and_then(|c| county.curves.get(c)).filter(|_| k < 2);
        let wanted =
            |p: [f64; 2]| side.is_none_or(|c| (c.offset_m(p) > 40.0) == (k == 0) && c.offset_m(p).abs() > 40.0);
        let at = ground.middle(village, &middles, wanted, &mut dice);
        let name = names::hamlet(&mut dice, &out.hamlets);
        hamlet(&mut out, &mut ground, name, at, quota, false, &mut dice);
        middles.push(at);
    }
    number_groups(&mut out);
    out
}

fn dwelling(stairwell: u8, floor: u8, dice: &mut Dice) -> Dwelling {
    let persons = 1 + dice.weighted(&[0.11, 0.19, 0.23, 0.22, 0.14, 0.07, 0.04]) as u8;
    let role = dice.chance(0.25).then(|| dice.weighted(&[0.34, 0.1, 0.16, 0.16, 0.16, 0.08]) as u8);
    Dwelling { stairwell, floor, persons, role }
}

/// Houses on both sides of winding lanes, until `quota` households are housed. `single`: one household a house.
fn hamlet(
    out: &mut Content,
    ground: &mut Ground<'_>,
    name: String,
    middle: [f64; 2],
    quota: u32,
    single: bool,
    dice: &mut Dice,
) {
    out.hamlets.push(name);
    let hamlet = out.hamlets.len() as u32 - 1;
    let sides = ground.sides(middle);
    let mut left = quota;
    let place = |out: &mut Content, ground: &mut Ground<'_>, at: [f64; 2], left: &mut u32, dice: &mut Dice| {
        let n = if single { 1 } else { 1 + dice.weighted(&[0.8, 0.15, 0.05]) as u32 }.min(*left);
        let dwellings = (0..n).map(|_| dwelling(0, 0, dice)).collect();
        ground.build(at);
        out.buildings.push(Building { at, hamlet, group: 0, dwellings, dedicated: None });
        *left -= n;
    };
    for lane in 0..60_u32 {
        if left == 0 {
            return;
        }
        let spread = 22.0 + 9.0 * f64::from(lane);
        let mut at = [middle[0] + dice.normal(0.0, spread), middle[1] + dice.normal(0.0, spread)];
        let mut heading = dice.between(0.0, std::f64::consts::TAU);
        let mut turn = dice.normal(0.0, 0.02);
        let mut walked = 0.0;
        let length = dice.between(130.0, 520.0);
        while walked < length && left > 0 {
            let step = 6.0
                + dice.exponential(6.0)
                + dice.exponential(5.0)
                + if dice.chance(0.06) { dice.exponential(50.0) } else { 0.0 };
            walked += step;
            turn = 0.85 * turn + dice.normal(0.0, 0.004) * step.min(30.0);
            heading += turn;
            let along = [heading.cos(), heading.sin()];
            at = [at[0] + step * along[0], at[1] + step * along[1]];
            for side in [-1.0, 1.0] {
                let rows = if dice.chance(0.2) { 2 } else { 1 };
                if !dice.chance(0.55) {
                    continue;
                }
                for row in 0..rows {
                    let off = side * (dice.between(6.0, 13.0) + f64::from(row) * 15.0);
                    let p = [
                        at[0] - along[1] * off + dice.normal(0.0, 0.8),
                        at[1] + along[0] * off + dice.normal(0.0, 0.8),
                    ];
                    if left > 0 && ground.spaced(p, HOUSE_M) && ground.open(p, 0.0) && ground.sides(p) == sides {
                        place(out, ground, p, &mut left, dice);
                    }
                }
            }
        }
    }
    // A cramped spot: anywhere near, then closer together, at last as further households of the hamlet's first house.
    for attempt in 0..4_000_u32 {
        if left == 0 {
            return;
        }
        let spread = 40.0 + f64::from(attempt) * 0.2;
        let p = [middle[0] + dice.normal(0.0, spread), middle[1] + dice.normal(0.0, spread)];
        let apart = if attempt < 2_000 { HOUSE_M } else { CRAMPED_M };
        if ground.spaced(p, apart) && ground.open(p, 0.0) && (attempt > 3_000 || ground.sides(p) == sides) {
            place(out, ground, p, &mut left, dice);
        }
    }
    if left > 0 {
        let at = out.buildings.iter().find(|b| b.hamlet == hamlet).or(out.buildings.last()).map_or(middle, |b| b.at);
        let fresh: Vec<Dwelling> = (0..left).map(|_| dwelling(0, 0, dice)).collect();
        match out.buildings.iter_mut().find(|b| b.at == at && b.dedicated.is_none()) {
            Some(b) => b.dwellings.extend(fresh),
            None => out.buildings.push(Building { at, hamlet, group: 0, dwellings: fresh, dedicated: None }),
        }
    }
}

/// A town quarter: blocks of slab buildings, towers and self-built houses about a middle; a school and a hospital on plots of
/// their own.
fn town(out: &mut Content, ground: &mut Ground<'_>, plan: &VillagePlan, middle: [f64; 2], quota: u32, dice: &mut Dice) {
    const BLOCK_M: [f64; 2] = [112.0, 84.0];
    let turn = dice.between(0.0, std::f64::consts::FRAC_PI_2);
    let (sin, cos) = turn.sin_cos();
    let to_ground = |x: f64, y: f64| [middle[0] + cos * x - sin * y, middle[1] + sin * x + cos * y];
    let sides = ground.sides(middle);
    let mut blocks: Vec<(f64, [f64; 2])> = Vec::new();
    for i in -14..=14_i32 {
        for j in -14..=14_i32 {
            let (x, y) = (f64::from(i) * BLOCK_M[0], f64::from(j) * BLOCK_M[1]);
            blocks.push((x.hypot(y) + dice.between(0.0, 130.0), [x, y]));
        }
    }
    blocks.sort_by(|a, b| a.0.total_cmp(&b.0));
    let first = out.hamlets.len() as u32;
    if quota > 0 {
        for quarter in ["东街小区", "北街小区", "西街小区", "南街小区"] {
            out.hamlets.push(quarter.to_owned());
        }
    } else {
        out.hamlets.push("街上".to_owned());
    }
    let quarters = out.hamlets.len() as u32 - first;
    let quarter_of =
        |b: [f64; 2]| first + (b[1].atan2(b[0]) / std::f64::consts::FRAC_PI_2).rem_euclid(4.0) as u32 % quarters;
    let short = names::short(&plan.division.name).to_owned();
    // Plots of the institutions: the first blocks of the town that are wholly free.
    // One building each: houses that come later must not stand between the parts of a school.
    let plots = [format!("{short}中心小学"), format!("{short}卫生院")];
    let (mut taken_blocks, mut towers) = (0, 0);
    let mut left = quota;
    let mut institutions = plots.into_iter();
    let mut waiting = institutions.next();
    for (rank, (_, b)) in blocks.iter().enumerate() {
        if left == 0 && waiting.is_none() {
            break;
        }
        let fits = |ground: &Ground<'_>, p: [f64; 2], apart: f64| {
            ground.spaced(p, apart) && ground.open(p, 2.0) && ground.sides(p) == sides
        };
        let centre = to_ground(b[0], b[1]);
        if (rank >= 1 || quota == 0) && waiting.is_some() && ground.open(centre, 40.0) && fits(ground, centre, 30.0) {
            if let Some(name) = waiting.take() {
                ground.build(centre);
                out.buildings.push(Building {
                    at: centre,
                    hamlet: quarter_of(*b),
                    group: 0,
                    dwellings: Vec::new(),
                    dedicated: Some(name),
                });
            }
            waiting = institutions.next();
            continue;
        }
        if left == 0 || dice.chance(0.12) {
            continue;
        }
        let drawn = dice.weighted(&[0.5, 0.12, 0.38]);
        // Every town has a pair of towers, however small it is.
        let kind = if taken_blocks >= 2 && towers == 0 { 1 } else { drawn };
        let (columns, rows, pitch) = match kind {
            0 => (dice.whole(2, 3), dice.whole(2, 3), [34.0, 25.0]),
            1 => (2, 1, [44.0, 40.0]),
            _ => (dice.whole(5, 7), 3, [13.5, 21.0]),
        };
        let mut built = false;
        for r in 0..rows {
            for c in 0..columns {
                if left == 0 {
                    break;
                }
                let x = b[0] + (f64::from(c) - f64::from(columns - 1) / 2.0) * pitch[0] + dice.normal(0.0, 0.9);
                let y = b[1] + (f64::from(r) - f64::from(rows - 1) / 2.0) * pitch[1] + dice.normal(0.0, 0.9);
                let p = to_ground(x, y);
                if !fits(ground, p, if kind == 2 { HOUSE_M } else { 16.0 }) {
                    continue;
                }
                let mut dwellings = match kind {
                    0 => flats(dice.whole(2, 4) as u8, dice.whole(4, 6) as u8, 2, dice.between(0.55, 0.95), dice),
                    1 => flats(1, dice.whole(11, 17) as u8, dice.whole(2, 3) as u8, dice.between(0.6, 0.92), dice),
                    _ => (0..=dice.weighted(&[0.4, 0.3, 0.2, 0.1])).map(|_| dwelling(0, 0, dice)).collect(),
                };
                dwellings.truncate(left as usize);
                left -= dwellings.len() as u32;
                ground.build(p);
                out.buildings.push(Building { at: p, hamlet: quarter_of(*b), group: 0, dwellings, dedicated: None });
                built = true;
                towers += u32::from(kind == 1);
            }
        }
        taken_blocks += u32::from(built);
    }
    // A town hemmed in by rivers on all sides grows upwards.
    if left > 0 {
        let fresh: Vec<Dwelling> = (0..left).map(|i| dwelling(1, (i / 2 % 30 + 1) as u8, dice)).collect();
        let tower = out
            .buildings
            .iter_mut()
            .filter(|b| b.dedicated.is_none() && b.hamlet >= first)
            .max_by_key(|b| b.dwellings.len());
        match tower {
            Some(b) if taken_blocks > 0 => b.dwellings.extend(fresh),
            _ => {
                out.buildings.push(Building { at: middle, hamlet: first, group: 0, dwellings: fresh, dedicated: None })
            }
        }
    }
}

/// The flats of a building that are lived in; 10 to 48 of them.
fn flats(stairwells: u8, floors: u8, doors: u8, share: f64, dice: &mut Dice) -> Vec<Dwelling> {
    let mut lived_in = Vec::new();
    for stairwell in 1..=stairwells {
        for floor in 1..=floors {
            for _ in 0..doors {
                if dice.chance(share) {
                    lived_in.push(dwelling(stairwell, floor, dice));
                }
            }
        }
    }
    while lived_in.len() < 10 {
        let floor = 1 + (lived_in.len() as u8) % floors.max(1);
        lived_in.push(dwelling(1, floor, dice));
    }
    lived_in.truncate(48);
    lived_in
}

/// Sorts the buildings by hamlet and cuts every hamlet into one to three villagers' groups along its longer side (in towns, into
/// groups of about eighty households).
fn number_groups(out: &mut Content) {
    let mut next = 1;
    let mut sorted: Vec<Building> = Vec::with_capacity(out.buildings.len());
    for hamlet in 0..out.hamlets.len() as u32 {
        let mut own: Vec<Building> = out.buildings.iter().filter(|b| b.hamlet == hamlet).cloned().collect();
        let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for b in &own {
            lo = [lo[0].min(b.at[0]), lo[1].min(b.at[1])];
            hi = [hi[0].max(b.at[0]), hi[1].max(b.at[1])];
        }
        let axis = usize::from(hi[1] - lo[1] > hi[0] - lo[0]);
        own.sort_by(|a, b| a.at[axis].total_cmp(&b.at[axis]));
        let total: usize = own.iter().map(|b| b.dwellings.len()).sum();
        let town = own.iter().any(|b| b.dwellings.iter().any(|d| d.floor > 0));
        let groups = if town { (total / 80).max(1) } else { (total / 40).clamp(1, 3) };
        let mut before = 0;
        for b in &mut own {
            b.group = next + (before * groups / total.max(1)).min(groups - 1) as u32;
            before += b.dwellings.len();
        }
        if !own.is_empty() {
            next += groups as u32;
        }
        sorted.extend(own);
    }
    out.buildings = sorted;
}
