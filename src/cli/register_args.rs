//! The command line of the register as types.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Which store, shared by all commands of the register.
#[derive(Args, Debug, Clone)]
pub(crate) struct StoreArgs {
    /// 库：sqlite:文件.gpkg 或 postgres://…。The store: sqlite:PATH.gpkg or postgres://….
    #[arg(long, value_name = "URL")]
    pub(crate) store: String,
}

#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// 图层：regions buildings households barriers officers incidents old_nets centres zones profiles dictionaries（或中文名）；改过的台账：
    /// ledger-grids（网格台账）ledger-units（单元台账），只应用有改动的单元格。Layer, in English or Chinese; or an edited ledger, of which only
    /// changed cells are applied.
    #[arg(long)]
    pub(crate) layer: String,
    /// 文件：CSV XLSX GeoJSON(Seq) GeoPackage Shapefile(zip) FlatGeobuf KML；规则（profiles）还可为 TOML：一个规则，或若干 [[profile]]，与
    /// 导出的相同；- 为标准输入。Files of that layer; profiles come as TOML too, one alone or several under [[profile]], as the export
    /// writes them; - is standard input.
    #[arg(required = true)]
    pub(crate) files: Vec<String>,
    /// 工作表或 GeoPackage 图层。Sheet of a workbook, layer of a package.
    #[arg(long, value_name = "NAME")]
    pub(crate) sheet: Option<String>,
    /// 格式：csv xlsx geojson geojsonseq gpkg fgb shp kml toml；省略则按文件名，标准输入为 csv。Format; told from the file's name otherwise,
    /// CSV of standard input.
    #[arg(long)]
    pub(crate) format: Option<String>,
    /// 坐标系：wgs84 cgcs2000 gcj02 bd09 EPSG:45xx。Reference system of the coordinates.
    #[arg(long)]
    pub(crate) crs: Option<String>,
    /// 列对应：“列=字段”，可多次。Which column is which field; may be repeated.
    #[arg(long, value_name = "列=field")]
    pub(crate) map: Vec<String>,
    /// 没有所属区划列时使用的区划编码。Region of rows that name none.
    #[arg(long, value_name = "CODE")]
    pub(crate) region: Option<String>,
    /// 台账所属方案，省略则为施行中的方案。The plan an edited ledger shows, instead of those in force.
    #[arg(long, value_name = "ID")]
    pub(crate) plan: Option<String>,
    /// 只检查，不入库。Says what would happen, stores nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// 有错的行跳过，其余入库。Leaves faulty rows out and stores the others.
    #[arg(long)]
    pub(crate) partial: bool,
    /// 导入原因，记入审计和修改记录。Why, as the audit log and the history of each row keep it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// 错误清单文件（CSV 或 XLSX）。Where the list of faults goes.
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// 图层，含 grids units leaders；台账（xlsx 或 csv）：ledger-grids（网格台账）ledger-units（单元台账）ledger-gaps（缺口）
    /// ledger-summary（汇总）。Layer; grids, units, leaders and ledgers are those of the plans in force.
    #[arg(long)]
    pub(crate) layer: String,
    /// 格式：geojson geojsonseq gpkg fgb shp kml csv xlsx geoparquet，规则（profiles）还有 toml；省略则按文件名。Format, for profiles toml too;
    /// told from the file's name otherwise.
    #[arg(long)]
    pub(crate) format: Option<String>,
    /// 区划编码前缀。Rows of this region only.
    #[arg(long, value_name = "CODE")]
    pub(crate) region: Option<String>,
    /// 范围（度）：西,南,东,北。Rows within a box of degrees: west,south,east,north.
    #[arg(long, value_name = "W,S,E,N", allow_hyphen_values = true)]
    pub(crate) bbox: Option<String>,
    /// 某日有效的行；grids units leaders 和台账为当日施行的方案，其后改过的方案不能还原。Rows valid on this day; of plans and ledgers, the
    /// plans in force then, unless they were edited since.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) as_of: Option<String>,
    /// 指定方案（用于 grids units leaders 和台账）。The plan, instead of those in force.
    #[arg(long, value_name = "ID")]
    pub(crate) plan: Option<String>,
    /// 包含人员姓名和电话（须说明用途，记入审计）。Officers with names and telephones; wants a purpose, and is logged.
    #[arg(long, requires = "purpose")]
    pub(crate) with_names: bool,
    /// 用途。What the names are for.
    #[arg(long)]
    pub(crate) purpose: Option<String>,
    /// 写入的文件；- 为标准输出。File to write; - is standard output.
    pub(crate) file: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct DraftArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// 区划编码（村至县）。Region to plan, village up to county.
    #[arg(long, value_name = "CODE")]
    pub(crate) region: String,
    /// 县区规则：库中或内置的名称，或 TOML 文件。Rules: a name the register has or that ships (`lianhu profiles --store`), or a TOML file.
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub(crate) profile: String,
    /// 方案名称。Name of the plan.
    #[arg(long, default_value = "")]
    pub(crate) name: String,
    /// 随机种子。Seed of all random choices.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// 时间上限（秒）。Wall-clock cap in seconds; rounds chosen by size otherwise.
    #[arg(long)]
    pub(crate) budget: Option<f64>,
    /// 沿用旧网边界（全科网格）：旧网名称，可多次；all 为全部。Old nets whose borders are re-used; `all` for every one.
    #[arg(long, value_name = "NET")]
    pub(crate) old_nets: Vec<String>,
    /// 立即发布，自该日起施行。Puts it in force from this day on.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) publish: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ProfilesArgs {
    /// 同时列出此库中的规则。Those of this register too.
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct FileArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// 备份文件（.gpkg）。The copy.
    pub(crate) file: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct KeyArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// 密钥文件；省略则为库文件旁的 .key。The key's file; without it, beside the store.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct PurgeArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// 删除此日前离任的人员。Officers who left before this day.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) officers_left_before: Option<String>,
    /// 删除指定人员（编号），可多次。These officers, by id.
    #[arg(long, value_name = "ID")]
    pub(crate) officer: Vec<String>,
    /// 删除此日前收到、事件已办结的照片。Photos that came before this day, of incidents that are over.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) photos_before: Option<String>,
    /// 删除此日前的幂等键。Idempotency keys from before this day.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) keys_before: Option<String>,
    /// 删除此日前结束的任务。Jobs that ended before this day.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) jobs_before: Option<String>,
    /// 删除此日前的逐项修改记录（审计记录始终保留）。Logs of changed cells from before this day; the audit log always stays.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) cell_logs_before: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// 图层：households buildings regions…。Layer of the row.
    #[arg(long, default_value = "households")]
    pub(crate) layer: String,
    /// 编号。Key of the row.
    pub(crate) id: String,
}

#[derive(Subcommand, Debug)]
pub(crate) enum ForeignCommand {
    /// 列出待确认的修改。Lists the edits nobody has settled.
    List(ForeignListArgs),
    /// 确认：成为库中的数据。Makes edits the register's own.
    Accept(ForeignArgs),
    /// 撤回：恢复修改前的数据。Puts rows back as they were.
    TakeBack(ForeignArgs),
}

#[derive(Args, Debug)]
pub(crate) struct ForeignListArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// 只看此图层。Of this layer only.
    #[arg(long)]
    pub(crate) layer: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ForeignArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// 只限此图层。Of this layer only.
    #[arg(long)]
    pub(crate) layer: Option<String>,
    /// 只限此序号及以前的修改。None after this number.
    #[arg(long, value_name = "SEQ")]
    pub(crate) up_to: Option<u64>,
    /// 全部。Every edit.
    #[arg(long, conflicts_with = "ids")]
    pub(crate) all: bool,
    /// 编号，可多个；同一行的修改一并处理。Keys of rows; all edits of a row go together.
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub(crate) ids: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// 从此序号之后开始。Entries after this number.
    #[arg(long, default_value_t = 0)]
    pub(crate) after: u64,
    /// 最多条数。Most entries.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) limit: u32,
}
