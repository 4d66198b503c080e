//! 900,000 households into the store beside `ogr2ogr` writing the same rows: run by hand, with optimisation.
//!
//! `cargo test --release --test store_contract speed -- --ignored --nocapture`

use std::io::Write;
use std::process::Command;
use std::time::Instant;

use lianhu::store::{ImportRequest, Layer, RegisterRow, RowSource, StoreError};

use crate::ground::{Place, VILLAGE, admin, bring, building, household};

const HOUSEHOLDS: usize = 900_000;
const CHUNK: usize = 5_000;
const BUILDINGS: usize = 90_000;

/// Makes rows as they are asked for, so that memory is the store's.
struct Making {
    next: usize,
    layer: Layer,
    end: usize,
}

fn place_of(building: usize) -> (f64, f64) {
    let scattered = building.wrapping_mul(2_654_435_761) % 1_000_000;
    (105.5 + (scattered % 1_000) as f64 * 5e-4, 25.8 + (scattered / 1_000) as f64 * 5e-4)
}

#[async_trait::async_trait]
impl RowSource for Making {
    async fn next_chunk(&mut self) -> Result<Option<Vec<RegisterRow>>, StoreError> {
        let from = self.next;
        self.next = (from + CHUNK).min(self.end);
        let row = |i: usize| match self.layer {
            Layer::Buildings => building(&format!("b{i:06}"), VILLAGE, place_of(i).0, place_of(i).1),
            _ => {
                let b = i % BUILDINGS;
                household(&format!("h{i:07}"), VILLAGE, &format!("b{b:06}"), place_of(b).0, place_of(b).1)
            }
        };
        Ok((from < self.next).then(|| (from..self.next).map(row).collect()))
    }
}

/// Highest memory this process ever had, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024
}

async fn measured(name: &str, place: Place) -> f64 {
    let store = place.open().await;
    bring(store.as_ref(), vec![]).await.expect("nothing");
    let mut buildings = Making { next: 0, layer: Layer::Buildings, end: BUILDINGS };
    store.import(&admin(), "t", &ImportRequest::new(Layer::Buildings), &mut buildings).await.expect("buildings");
    let started = Instant::now();
    let mut households = Making { next: 0, layer: Layer::Households, end: HOUSEHOLDS };
    let request = ImportRequest::new(Layer::Households);
    let report = store.import(&admin(), "t", &request, &mut households).await.expect("households");
    let first_s = started.elapsed().as_secs_f64();
    assert_eq!(report.inserted as usize, HOUSEHOLDS);
    let started = Instant::now();
    let mut again = Making { next: 0, layer: Layer::Households, end: HOUSEHOLDS };
    let report = store.import(&admin(), "t", &request, &mut again).await.expect("households");
    assert_eq!(report.unchanged as usize, HOUSEHOLDS);
    let again_s = started.elapsed().as_secs_f64();
    let started = Instant::now();
    assert_eq!(store.check(&admin()).await.expect("check"), []);
    let check_s = started.elapsed().as_secs_f64();
    println!(
        "{name}: import {first_s:.1} s, the same again {again_s:.1} s, check {check_s:.1} s, peak {} MiB",
        peak_mib()
    );
    first_s
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, minutes long"]
async fn speed_of_900_000_households_beside_ogr2ogr() {
    let ours_s = measured("sqlite", Place::sqlite()).await;
    let folder = tempfile::tempdir().expect("folder");
    let csv = folder.path().join("households.csv");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&csv).expect("a file"));
    writeln!(out, "id,village,building,stairwell,floor,hamlet,group_name,persons,tenure,eligible,lon,lat")
        .expect("a line");
    for i in 0..HOUSEHOLDS {
        let (b, (lon, lat)) = (i % BUILDINGS, place_of(i % BUILDINGS));
        writeln!(out, "h{i:07},{VILLAGE},b{b:06},1单元,-1,上寨,3组,4,rented,1,{lon},{lat}").expect("a line");
    }
    out.flush().expect("written");
    let started = Instant::now();
    let done = Command::new("ogr2ogr")
        .args(["-f", "GPKG", "-a_srs", "EPSG:4326", "-oo", "X_POSSIBLE_NAMES=lon", "-oo", "Y_POSSIBLE_NAMES=lat"])
        .arg(folder.path().join("peer.gpkg"))
        .arg(&csv)
        .status();
    assert!(done.is_ok_and(|s| s.success()));
    let peer_s = started.elapsed().as_secs_f64();
    println!("ogr2ogr: {peer_s:.1} s; ours is {:.2} of it", ours_s / peer_s);
    measured("postgis", Place::postgis()).await;
}
