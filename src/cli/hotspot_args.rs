//! Flags of `lianhu hotspots`, `trends`, `scan`, `density` and `knox`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::hotspot::density::SPREAD_M;
use crate::hotspot::fdr::FdrMethod;
use crate::hotspot::scan::RADIUS_M;
use crate::hotspot::weights::BAND_M;
use crate::hotspot::{HotspotError, Neighbourhood};

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum FdrName {
    /// Benjamini–Hochberg.
    #[default]
    Bh,
    /// Benjamini–Yekutieli.
    By,
}

impl From<FdrName> for FdrMethod {
    fn from(name: FdrName) -> Self {
        match name {
            FdrName::Bh => Self::BenjaminiHochberg,
            FdrName::By => Self::BenjaminiYekutieli,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct HotspotsArgs {
    /// 事件文件：地点和时间（无时区的时间为北京时间）。Incidents with a place and a time (China's where no zone is given).
    pub(crate) input: String,
    /// 六边形（H3）分辨率 0–15。Resolution of the hexagons.
    #[arg(long, required_unless_present = "cells", value_parser = clap::value_parser!(u8).range(0..=15))]
    pub(crate) resolution: Option<u8>,
    /// INPUT 是 h3,count 的 CSV。INPUT is a CSV of h3,count.
    #[arg(long, conflicts_with_all = ["window", "as_of", "boundary"])]
    pub(crate) cells: bool,
    /// 邻域：ring1 为相邻六边形，band:500 为 500 米以内。Who is a neighbour: the first ring, or centres within so many metres.
    #[arg(long, default_value = "ring1", value_parser = neighbourhood, value_name = "ring1|band:METRES")]
    pub(crate) weights: Neighbourhood,
    /// 住户文件：按户数计算率。Households: incidents are judged by how many live there.
    #[arg(long, value_name = "FILE", conflicts_with = "boundary")]
    pub(crate) rate: Option<String>,
    /// 研究区边界；界外事件仍计入边缘邻域。Outline of the study; incidents beyond it still count at its edge.
    #[arg(long, value_name = "FILE")]
    pub(crate) boundary: Option<String>,
    /// 时间窗口，如 30d、12h。Only incidents of so long before --as-of.
    #[arg(long, value_parser = seconds, value_name = "30d")]
    pub(crate) window: Option<i64>,
    /// 截止时间（默认为最后一件事件）。The moment the window ends; that of the last incident otherwise.
    #[arg(long, value_parser = moment, value_name = "TIME")]
    pub(crate) as_of: Option<i64>,
    /// 条件排列次数；0 为不做。Conditional permutations; none with 0.
    #[arg(long, default_value_t = 999, value_parser = clap::value_parser!(u32).range(0..=99_999))]
    pub(crate) permutations: u32,
    /// 随机种子。Seed of all draws.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// class 列的错误发现率（fdr05 列固定为 0.05）。Share of false discoveries for class (column fdr05 is always at 0.05).
    #[arg(long, default_value_t = 0.05, value_parser = level)]
    pub(crate) fdr: f64,
    /// 错误发现率的算法。How it is held.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) fdr_method: FdrName,
    /// 输出文件：.csv 或 .geojson。File to write, by its ending.
    #[arg(long, value_name = "FILE.csv|.geojson")]
    pub(crate) out: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct TrendsArgs {
    /// 事件文件：地点和时间。Incidents with a place and a time.
    pub(crate) input: String,
    /// 六边形（H3）分辨率 0–15。Resolution of the hexagons.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=15))]
    pub(crate) resolution: u8,
    /// 时段长度，如 1d、7d、6h。Length of a step.
    #[arg(long, value_parser = seconds, value_name = "1d")]
    pub(crate) step: i64,
    /// 时段数，最后一个含最后一件事件。Number of steps; the last one holds the last incident.
    #[arg(long)]
    pub(crate) steps: usize,
    /// 输出文件：.csv 或 .geojson。File to write, by its ending.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct ScanArgs {
    /// 事件文件：地点和时间。Incidents with a place and a time.
    pub(crate) input: String,
    /// 最大半径，如 3km、500m。Greatest radius of a cluster.
    #[arg(long, value_parser = radius, value_name = "3km")]
    pub(crate) radius: f64,
    /// 最长天数（均以最后一天结束）。Longest cluster in days; all end on the last day.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub(crate) days: u32,
    /// 蒙特卡洛次数。Maps dealt anew.
    #[arg(long, default_value_t = 999, value_parser = clap::value_parser!(u32).range(0..=99_999))]
    pub(crate) permutations: u32,
    /// 随机种子。Seed of the dealing.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// 输出文件：.csv 或 .geojson。File to write, by its ending.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct DensityArgs {
    /// 事件文件：地点和时间。Incidents with a place and a time.
    pub(crate) input: String,
    /// 带宽：高斯核的标准差，如 300m；省略则按事件的离散程度取值。Standard deviation of the kernel; from the spread of the incidents otherwise.
    #[arg(long, value_parser = spread, value_name = "300m")]
    pub(crate) bandwidth: Option<f64>,
    /// 格距，如 100m；默认为带宽的三分之一。Distance between nodes; a third of the bandwidth otherwise.
    #[arg(long, value_parser = spread, value_name = "100m")]
    pub(crate) cell: Option<f64>,
    /// 时间窗口，如 30d、12h。Only incidents of so long before --as-of.
    #[arg(long, value_parser = seconds, value_name = "30d")]
    pub(crate) window: Option<i64>,
    /// 截止时间（默认为最后一件事件）。The moment the window ends; that of the last incident otherwise.
    #[arg(long, value_parser = moment, value_name = "TIME")]
    pub(crate) as_of: Option<i64>,
    /// 输出文件：.csv 为节点，.geojson 等为方格。File to write, by its ending: nodes as .csv, squares as .geojson.
    #[arg(long, value_name = "FILE.csv|.geojson")]
    pub(crate) out: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct KnoxArgs {
    /// 事件文件：地点和时间。Incidents with a place and a time.
    pub(crate) input: String,
    /// 距离分段的上限，由小到大；1m 即同一地点。Upper ends of the bands of distance, ascending; 1m is the same place.
    #[arg(long, value_parser = metres, value_delimiter = ',', default_value = "1m,100m,200m,400m,800m")]
    pub(crate) distances: Vec<f64>,
    /// 时间分段的上限（天，或 12h），由小到大。Upper ends of the bands of time in days (or 12h), ascending.
    #[arg(long, value_parser = days, value_delimiter = ',', default_value = "2,7,14,28")]
    pub(crate) days: Vec<i64>,
    /// 时间窗口，如 90d。Only incidents of so long before --as-of.
    #[arg(long, value_parser = seconds, value_name = "90d")]
    pub(crate) window: Option<i64>,
    /// 截止时间（默认为最后一件事件）。The moment the window ends; that of the last incident otherwise.
    #[arg(long, value_parser = moment, value_name = "TIME")]
    pub(crate) as_of: Option<i64>,
    /// 把时间重新分给各地点的次数；0 为不做。How often the times are dealt to the places anew; none with 0.
    #[arg(long, default_value_t = 999, value_parser = clap::value_parser!(u32).range(0..=99_999))]
    pub(crate) permutations: u32,
    /// 随机种子。Seed of the dealing.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// 输出文件：.csv 或 .xlsx。File to write, by its ending.
    #[arg(long, value_name = "FILE.csv|.xlsx")]
    pub(crate) out: PathBuf,
}

fn neighbourhood(text: &str) -> Result<Neighbourhood, String> {
    match text.split_once(':') {
        None if text == "ring1" => Ok(Neighbourhood::Ring1),
        Some(("band", width)) => metres_within(width, BAND_M).map(Neighbourhood::BandM),
        _ => Err(format!("“{text}”应为 ring1 或 band:500 / \"{text}\": write ring1 or band:500")),
    }
}

/// A number and its unit, apart.
fn split(text: &str) -> (Option<f64>, &str) {
    let at = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    (number.parse().ok().filter(|v: &f64| v.is_finite() && *v > 0.0), unit.trim())
}

fn metres(text: &str) -> Result<f64, String> {
    match split(text) {
        (Some(v), "" | "m" | "米") => Ok(v),
        (Some(v), "km" | "公里") => Ok(v * 1e3),
        _ => Err(format!("“{text}”不是距离（如 500m、3km） / \"{text}\" is no distance such as 500m or 3km")),
    }
}

fn metres_within(text: &str, [least_m, most_m]: [f64; 2]) -> Result<f64, String> {
    let given_m = metres(text)?;
    if (least_m..=most_m).contains(&given_m) {
        return Ok(given_m);
    }
    Err(HotspotError::Distance { given_m, least_m, most_m }.to_string())
}

fn radius(text: &str) -> Result<f64, String> {
    metres_within(text, RADIUS_M)
}

fn spread(text: &str) -> Result<f64, String> {
    metres_within(text, SPREAD_M)
}

fn seconds(text: &str) -> Result<i64, String> {
    let whole = |v: f64, unit_s: f64| Some((v * unit_s).round() as i64).filter(|s| (1..=3_200_000_000).contains(s));
    let found = match split(text) {
        (Some(v), "d" | "天") => whole(v, 86_400.0),
        (Some(v), "h" | "小时") => whole(v, 3_600.0),
        (Some(v), "m" | "min" | "分钟") => whole(v, 60.0),
        (Some(v), "w" | "周") => whole(v, 604_800.0),
        _ => None,
    };
    found.ok_or_else(|| {
        format!("“{text}”不是时长（如 30d、12h、2w） / \"{text}\" is no duration such as 30d, 12h or 2w")
    })
}

/// Days where no unit is written.
fn days(text: &str) -> Result<i64, String> {
    match split(text) {
        (Some(_), "") => seconds(&format!("{text}d")),
        _ => seconds(text),
    }
}

fn moment(text: &str) -> Result<i64, String> {
    crate::exchange::gate::moment_of(text).map(time::OffsetDateTime::unix_timestamp).ok_or_else(|| {
        format!("“{text}”不是日期时间（如 2026-11-26 08:00） / \"{text}\" is no time such as 2026-11-26 08:00")
    })
}

fn level(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|v| *v > 0.0 && *v < 1.0)
        .ok_or_else(|| format!("“{text}”应在 0 到 1 之间，如 0.05 / \"{text}\" must lie between 0 and 1, such as 0.05"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_durations_and_moments_are_read_with_their_units() {
        assert_eq!((metres("3km"), metres("500"), metres("1.5公里")), (Ok(3_000.0), Ok(500.0), Ok(1_500.0)));
        assert_eq!((seconds("30d"), seconds("12h"), seconds("2周")), (Ok(2_592_000), Ok(43_200), Ok(1_209_600)));
        assert_eq!((days("2"), days("12h"), days("x").is_err()), (Ok(172_800), Ok(43_200), true));
        assert_eq!(moment("2021-05-03 14:30"), Ok(1_620_023_400));
        assert_eq!(neighbourhood("band:500"), Ok(Neighbourhood::BandM(500.0)));
        for bad in ["", "-3km", "3 miles", "km", "NaN"] {
            assert!(metres(bad).is_err() && seconds(bad).is_err(), "{bad}");
        }
        for wide in ["0.5m", "9m", "9000km"] {
            let said = radius(wide).expect_err(wide);
            assert!(said.contains("10–2000000 米") && said.contains("between 10 and 2000000 m"), "{said}");
        }
        assert!(neighbourhood("band:0.5").expect_err("short").contains("1–2000000 米"));
        assert_eq!((radius("10m"), spread("0.1m"), spread("0.01m").is_err()), (Ok(10.0), Ok(0.1), true));
        assert!(neighbourhood("ring2").is_err() && level("1.5").is_err() && moment("gestern").is_err());
        assert!(seconds("30").is_err() && seconds("9999999d").is_err());
    }
}
