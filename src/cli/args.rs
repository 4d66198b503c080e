//! The command line as types: names and flags are a contract.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// 联户：村（社区）网格与十联户划分。Balanced grids and ten-household units for every village.
#[derive(Parser, Debug)]
#[command(name = "lianhu", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// 十联户单元划分。Forms ten-household units.
    Units(UnitsArgs),
}

/// How long to work, shared by the solving commands.
#[derive(Args, Debug, Clone)]
pub(crate) struct EffortArgs {
    /// 随机种子。Seed of all random choices.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// 轮数（结果与线程数无关）。Rounds; the same bytes at any thread count.
    #[arg(long, conflicts_with = "budget")]
    pub(crate) rounds: Option<u32>,
    /// 时间上限（秒），0 = 立即给出。Wall-clock cap in seconds from the start; 0 = the instant answer.
    #[arg(long, value_parser = seconds)]
    pub(crate) budget: Option<f64>,
    /// 线程数。Threads (default: all cores).
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// 重现一份报告的结果。Reproduces the result of a report.
    #[arg(long, value_name = "REPORT", conflicts_with_all = ["rounds", "budget"])]
    pub(crate) replay: Option<PathBuf>,
}

/// What is read, shared by the commands with an INPUT.
#[derive(Args, Debug, Clone)]
pub(crate) struct InputArgs {
    /// 住户文件：CSV，“-”为标准输入。Households as CSV; "-" is standard input.
    pub(crate) input: String,
    /// 坐标系：wgs84 cgcs2000 gcj02 bd09 EPSG:45xx。Reference system of the coordinates.
    #[arg(long)]
    pub(crate) crs: Option<String>,
}

/// What is written, shared by units and grids.
#[derive(Args, Debug, Clone)]
pub(crate) struct OutputArgs {
    /// 标签文件：按输入顺序每行一个整数。Labels: one integer a line, in input order.
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,
    /// 图形文件。Polygons as GeoJSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) geojson: Option<PathBuf>,
    /// 报告文件。Report as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct UnitsArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// 每单元最少户数。Fewest households in a unit.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) min: Option<u32>,
    /// 每单元最多户数。Most households in a unit.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max: Option<u32>,
    /// 单元总数。Fixed number of units.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) count: Option<u32>,
    /// 容器列：law 不可跨越，prefer 尽量不跨越。A column units must (law) or should (prefer) not cross.
    #[arg(long, value_name = "COL=law|prefer")]
    pub(crate) container: Vec<String>,
    /// 把每行按户数展开。Expands rows by their number of households.
    #[arg(long)]
    pub(crate) expand: bool,
    /// 证明与最优划分的差距（不超过 400 户的村）。Proves how far the best division can be (villages of at most 400 households).
    #[arg(long)]
    pub(crate) certify: bool,
    #[command(flatten)]
    pub(crate) effort: EffortArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

fn seconds(text: &str) -> Result<f64, String> {
    let v: f64 = text.parse().map_err(|_| format!("“{text}”不是秒数 / \"{text}\" is not a number of seconds"))?;
    if v.is_finite() && (0.0..=1e7).contains(&v) {
        Ok(v)
    } else {
        Err(format!("“{text}”应在 0 到 10000000 之间 / \"{text}\" must lie between 0 and 10000000"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
