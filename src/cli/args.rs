//! The command line as types: names and flags are a contract.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::hotspot_args::{DensityArgs, HotspotsArgs, KnoxArgs, ScanArgs, TrendsArgs};
use super::plans_args::PlansArgs;
use super::register_args::{
    AuditArgs, DraftArgs, ExportArgs, FileArgs, ForeignCommand, HistoryArgs, ImportArgs, KeyArgs, ProfilesArgs,
    PurgeArgs, StoreArgs,
};
use super::serve_args::{ServeArgs, TokenCommand, UserCommand};

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
    /// 网格划分。Divides villages into balanced, contiguous grids.
    Grids(GridsArgs),
    /// 完整方案：网格、单元、编码、联户长建议。A whole plan: grids, units, codes, proposed leaders.
    Plan(PlanArgs),
    /// 检查方案是否违反 H1–H11。Lists every breach of the hard rules; exit code 1 if there is any.
    Check(CheckArgs),
    /// 列出内置的和库中的县区规则。Lists the rule profiles that come with the program, and those of a register.
    Profiles(ProfilesArgs),
    /// 村挂图（SVG，A3 横向）。Wall map of a village: grids, units, leaders.
    Draw(DrawArgs),
    /// 生成合成数据（演示、压力测试）。Makes a synthetic county for demonstration and load.
    Synth(SynthArgs),
    /// 热点：六边形的 Gi*、显著性、排列检验。Where incidents concentrate, and whether that is more than chance.
    Hotspots(HotspotsArgs),
    /// 趋势：Mann–Kendall 与新兴热点分类。Which hot and cold spots are new, growing, fading.
    Trends(TrendsArgs),
    /// 时空扫描：近日的异常聚集。Outbreaks alive on the last day, and how often chance brings such a one.
    Scan(ScanArgs),
    /// 核密度：每平方公里事件数的平滑面。A smooth surface of incidents per square kilometre.
    Density(DensityArgs),
    /// 近重复：同处是否接连发生（Knox 表）。Near repeats: whether what is close in place is close in time, as a Knox table.
    Knox(KnoxArgs),
    /// 导入台账。Brings files into the register; nothing is stored unless all rows are good.
    Import(ImportArgs),
    /// 导出图层。Hands a layer of the register or of its plans out.
    Export(ExportArgs),
    /// 由库中数据编制方案草案。Makes a plan from the register and keeps it there as a draft.
    Draft(DraftArgs),
    /// 备份。Copies the store while others read and write.
    Backup(FileArgs),
    /// 恢复备份。Makes a store of a backup.
    Restore(FileArgs),
    /// 升级库结构（先备份）。Brings an older store up to date; makes a backup first.
    Migrate(StoreArgs),
    /// 按保留期清除。Deletes what need not be kept, and every byte of it.
    Purge(PurgeArgs),
    /// 库中的方案：列出、修改、撤销、比较、检查、发布、跟随名册。Stored plans: list, edit, undo, compare, check, publish, absorb.
    Plans(PlansArgs),
    /// 生成人员电话的加密密钥。Makes the key that officers' telephones are sealed with.
    Key(KeyArgs),
    /// 审计记录。The audit log.
    Audit(AuditArgs),
    /// 某行（住户、楼栋等）的修改记录：谁、何时、为何。Who changed a row of the register, when and why.
    History(HistoryArgs),
    /// 其他软件（如 QGIS）对库文件的修改：查看、确认、撤回。Edits another program made in the file: list, accept, take back.
    #[command(subcommand)]
    Foreign(ForeignCommand),
    /// 显示服务的有效配置（不含密码）。Shows how the service would be configured, without passwords.
    Config(ServeArgs),
    /// 启动服务。Runs the service: OGC API, application API, map.
    Serve(ServeArgs),
    /// 用户。Users.
    #[command(subcommand)]
    User(UserCommand),
    /// 令牌。Bearer tokens.
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(Args, Debug)]
pub(crate) struct SynthArgs {
    /// 户数（准确）。Households, exactly.
    #[arg(long, default_value_t = 8_000)]
    pub(crate) households: u32,
    /// 村数（准确）。Villages, exactly.
    #[arg(long, default_value_t = 12)]
    pub(crate) villages: u32,
    /// 事件数（准确）。Incidents, exactly.
    #[arg(long, default_value_t = 600)]
    pub(crate) incidents: u32,
    /// 随机种子。Seed of all random choices.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// 使用黄果树镇的公开代码和名称（最多 12 村）。Official codes and names of one township (at most 12 villages).
    #[arg(long)]
    pub(crate) township: bool,
    /// 输出文件夹（须为空或不存在）。Folder to write; empty or not there yet.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// 替换以前生成的文件夹。Replaces the folder of an earlier run.
    #[arg(long)]
    pub(crate) force: bool,
    /// 线程数（不影响结果）。Threads; no influence on the result.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
}

#[derive(Args, Debug)]
pub(crate) struct DrawArgs {
    /// 方案文件夹（lianhu plan 的输出）或库 sqlite:文件.gpkg、postgres://…。Plan directory, or a store.
    #[arg(value_name = "DIR|URL")]
    pub(crate) source: String,
    /// 库中的方案，省略则为施行中的方案。A plan of the store, instead of those in force.
    #[arg(long, value_name = "ID")]
    pub(crate) plan: Option<String>,
    /// 村编码；省略则画全部村的总图。Village code; without it, an overview of all villages.
    #[arg(long, value_name = "CODE")]
    pub(crate) village: Option<String>,
    /// 输出文件：.svg 或 .pdf（用本机中文字体）。File to write: .svg, or .pdf with the Chinese font of this computer.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// How long to work, shared by the solving commands.
#[derive(Args, Debug, Clone)]
pub(crate) struct EffortArgs {
    /// 随机种子（默认 1）。Seed of all random choices (default: 1).
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// 轮数（结果与线程数无关）。Rounds; the same bytes at any thread count.
    #[arg(long, conflicts_with = "budget")]
    pub(crate) rounds: Option<u32>,
    /// 时间上限（秒），0 = 立即给出。Wall-clock cap in seconds from the start; 0 = the instant answer.
    #[arg(long, allow_negative_numbers = true, value_parser = seconds)]
    pub(crate) budget: Option<f64>,
    /// 线程数。Threads (default: all cores).
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// 重现一份报告的结果：种子和参数取自报告。Reproduces the result of a report: seed and parameters are the report's.
    #[arg(long, value_name = "REPORT", conflicts_with_all = ["rounds", "budget"])]
    pub(crate) replay: Option<PathBuf>,
}

impl EffortArgs {
    /// The seed asked for, or the one that is used without.
    pub(crate) fn seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }
}

/// What is read, shared by the commands with an INPUT.
#[derive(Args, Debug, Clone)]
pub(crate) struct InputArgs {
    /// 住户文件：CSV，“-”为标准输入。Households as CSV; "-" is standard input.
    pub(crate) input: String,
    /// 坐标系：wgs84 cgcs2000 gcj02 bd09 EPSG:45xx。Reference system of the coordinates.
    #[arg(long)]
    pub(crate) crs: Option<String>,
    /// GeoPackage 图层。Layer of a GeoPackage.
    #[arg(long, value_name = "NAME")]
    pub(crate) layer: Option<String>,
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

#[derive(Args, Debug, Clone)]
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
    /// 县区规则（单元部分）；其余选项优先。Rules for units; the other options go before them.
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub(crate) profile: Option<String>,
    /// 障碍：单元不跨越硬障碍。Barriers: units never cross hard ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) barriers: Option<String>,
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

#[derive(Args, Debug, Clone)]
pub(crate) struct GridsArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// 每网格目标户数。Households a grid should have.
    #[arg(long, value_name = "HOUSEHOLDS", conflicts_with = "count", required_unless_present_any = ["count", "replay"],
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) target: Option<u32>,
    /// 网格总数。Number of grids.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) count: Option<u32>,
    /// 允许偏差（占平均户数的比例，默认 0.01）。Deviation allowed, as a share of the mean (default: 0.01).
    #[arg(long, value_parser = share)]
    pub(crate) tolerance: Option<f64>,
    /// 村界（GeoJSON 或 GeoPackage）。Outline of the village.
    #[arg(long, value_name = "FILE")]
    pub(crate) boundary: Option<String>,
    /// 障碍：河流、铁路、道路、桥。Barriers: lines or polygons with kind and hard.
    #[arg(long, value_name = "FILE")]
    pub(crate) barriers: Option<String>,
    #[command(flatten)]
    pub(crate) effort: EffortArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args, Debug, Clone)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// 县区规则：内置名称或 TOML 文件；加 --store 则先找库中的。Rules: a name that `lianhu profiles` lists, or a TOML file; with --store,
    /// those of the register first.
    #[arg(long, value_name = "NAME|FILE.toml", required_unless_present = "replay")]
    pub(crate) profile: Option<String>,
    /// 规则所在的库，只用于 --profile。The store that has the profile; nothing else is read of it.
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// 村界文件：code、name、level。Villages with code, name, level and outline.
    #[arg(long, value_name = "FILE")]
    pub(crate) regions: Option<String>,
    /// 障碍：河流、铁路、道路、桥。Barriers: lines or polygons with kind and hard.
    #[arg(long, value_name = "FILE")]
    pub(crate) barriers: Option<String>,
    #[command(flatten)]
    pub(crate) effort: EffortArgs,
    /// 现行方案文件夹：报告调整户数（S6）。Folder of the plan in force: the report then says who is moved (S6).
    #[arg(long, value_name = "DIR")]
    pub(crate) in_force: Option<PathBuf>,
    /// 方案文件夹。Folder the plan is written to.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// 方案文件夹、grids 命令写出的 GeoJSON，或库的 URL。A plan folder, the GeoJSON of the grids command, or a store's URL.
    #[arg(value_name = "DIR_OR_FILE_OR_URL")]
    pub(crate) path: PathBuf,
}

fn share(text: &str) -> Result<f64, String> {
    let v: f64 = text.parse().map_err(|_| format!("“{text}”不是数 / \"{text}\" is not a number"))?;
    if (0.0..1.0).contains(&v) {
        Ok(v)
    } else {
        Err(format!("“{text}”应在 0 到 1 之间，如 0.01 / \"{text}\" must lie between 0 and 1, such as 0.01"))
    }
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
