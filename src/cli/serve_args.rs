//! The command line of the service as types.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::register_args::StoreArgs;

#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// 库：sqlite:文件.gpkg（没有则新建）或 postgres://…，默认 sqlite:lianhu.gpkg。The store; a file that is not there is made.
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// 监听地址，默认 127.0.0.1:8080。Where to listen.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) bind: Option<SocketAddr>,
    /// 运维监听地址：/livez /readyz /metrics，默认 127.0.0.1:8081。Where the operator asks.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) admin_bind: Option<SocketAddr>,
    /// 对外的地址（在 TLS 代理之后）。The origin known outside, behind a proxy that does TLS.
    #[arg(long, value_name = "https://HOST")]
    pub(crate) public_origin: Option<String>,
    /// 演示：本机访问者即演示规划员；空库载入示例乡镇。Visitors from this machine are demo planners; an empty store gets the example township.
    #[arg(long)]
    pub(crate) demo: bool,
    /// 单个上传文件的上限（MiB），默认 256。Longest upload, MiB.
    #[arg(long, value_name = "MIB")]
    pub(crate) upload_mib: Option<u64>,
    /// 可读取 /ogc 的其他网页来源（CORS），逗号分隔，默认无。Other origins whose pages may read /ogc, with commas between them.
    #[arg(long, value_name = "https://HOST,…", value_delimiter = ',')]
    pub(crate) allowed_origins: Vec<String>,
    /// 配置文件（TOML），也可用 LIANHU_CONFIG 指定。Settings as TOML; environment (LIANHU_…) and flags count more.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Routes for tests of faults.
    #[arg(long, hide = true)]
    pub(crate) test_routes: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum UserCommand {
    /// 添加用户；密码由标准输入读取。Adds a user; the password is read from standard input.
    Add(UserArgs),
}

#[derive(Args, Debug)]
pub(crate) struct UserArgs {
    /// 用户名。Name to sign in with.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) of: ScopeArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Subcommand, Debug)]
pub(crate) enum TokenCommand {
    /// 添加令牌，只显示一次。Adds a token and prints it, once.
    Add(TokenArgs),
}

#[derive(Args, Debug)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    pub(crate) of: ScopeArgs,
    /// 用途。What it is for.
    #[arg(long, default_value = "cli")]
    pub(crate) name: String,
    /// 有效天数。Days it is good for.
    #[arg(long, default_value_t = crate::api::TOKEN_DAYS, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub(crate) days: u32,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ScopeArgs {
    /// 角色：viewer planner exporter admin auditor。
    #[arg(long)]
    pub(crate) role: String,
    /// 区划编码（2–12 位；网格 15、单元 18 位），功能区用 + 连接乡镇，全库为 *。Code of the area; townships of a zone with +; * is all.
    #[arg(long, value_name = "CODE")]
    pub(crate) region: String,
}
