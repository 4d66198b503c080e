//! The command line of stored plans as types.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::register_args::StoreArgs;

#[derive(Args, Debug)]
pub(crate) struct PlansArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(subcommand)]
    pub(crate) command: PlansCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum PlansCommand {
    /// 列出方案。Lists the plans with standing and version.
    List {
        /// 区划编码前缀。Plans of this region or inside it.
        #[arg(long, value_name = "CODE")]
        region: Option<String>,
    },
    /// 修改方案：操作文件为 JSON 数组（见文档），“-”为标准输入。Does a batch of operations, all or nothing.
    Edit {
        /// 方案编号。The plan.
        plan: String,
        /// 村编码。The village.
        #[arg(long, value_name = "CODE")]
        village: String,
        /// 操作（JSON）。Operations as JSON; `-` is standard input.
        operations: PathBuf,
        /// 基于的方案版本；省略则为最新。Version the operations were thought out on; the newest otherwise.
        #[arg(long)]
        base_version: Option<u64>,
        /// 违反硬性规则时仍保存为草案问题。Keeps what breaks a hard rule as a problem of the draft.
        #[arg(long)]
        keep_problems: bool,
        /// 只预览，不保存。Says what would happen, stores nothing.
        #[arg(long)]
        preview: bool,
    },
    /// 撤销一次修改。Takes an edit back.
    Undo(TurnArgs),
    /// 重做一次修改。Does an edit again that was taken back.
    Redo(TurnArgs),
    /// 修改历史。What was changed, when, by whom.
    History {
        /// 方案编号。The plan.
        plan: String,
        /// 从此序号之后开始。Entries after this number.
        #[arg(long, default_value_t = 0)]
        after: u64,
    },
    /// 按 H1–H11 检查方案。Every breach of H1–H11; exit code 1 if any.
    Check {
        /// 方案编号。The plan.
        plan: String,
    },
    /// 发布草案，自该日起施行。Puts a draft in force from a day on.
    Publish {
        /// 方案编号。The draft.
        plan: String,
        /// 施行日期。First day in force.
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: String,
    },
    /// 复制为新草案。A new draft with the same rows.
    Fork {
        /// 方案编号。The plan.
        plan: String,
        /// 新草案名称。Name of the draft.
        #[arg(long, default_value = "")]
        name: String,
    },
    /// 比较两个方案。What differs between two plans.
    Compare {
        /// 方案编号。The first plan.
        first: String,
        /// 方案编号。The second plan.
        second: String,
        /// 区划编码前缀。Only this region.
        #[arg(long, value_name = "CODE")]
        region: Option<String>,
        /// 完整结果（JSON）。The whole answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// 动态台账：方案跟随名册变化，尽量少动。Brings a plan onto the changed register, moving few households.
    Absorb {
        /// 方案编号。The plan.
        plan: String,
        /// 区划编码前缀。Only this region.
        #[arg(long, value_name = "CODE")]
        region: Option<String>,
        /// 同时给出重新划分会变动的户数。Also says how many a full re-plan would move.
        #[arg(long)]
        beside_new_plan: bool,
    },
    /// 某户某日属于哪个网格和单元。Where a household belonged on a day.
    Where {
        /// 户号。The household.
        household: String,
        /// 日期。The day.
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct TurnArgs {
    /// 方案编号。The plan.
    pub(crate) plan: String,
    /// 历史序号；省略则为最近一次。Number in the history; the last one otherwise.
    #[arg(long)]
    pub(crate) seq: Option<u64>,
}
