//! `lianhu profiles`, and which profile a name or file means.

use crate::domain::io_words::halves;
use crate::domain::{Binding, Divide, Profile, read_profiles};
use crate::plan::register::{known_profiles, profile_named};
use crate::store::{OpenMode, Store};

use super::commands::{Failure, Outcome};
use super::outputs;
use super::register::{everything, failed, with_store};
use super::register_args::{ProfilesArgs, StoreArgs};

fn is_file(name: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"))
}

fn unknown(name: &str, known: &[String]) -> Failure {
    let (chinese, english) = (known.join("、"), known.join(", "));
    Failure::usage(format!(
        "--profile {name}：没有这个规则；可用 {chinese}，或一个 .toml 文件\n--profile {name}: no such profile; there are {english}, or give a .toml file"
    ))
}

/// The one profile of a file, as an export of the register writes it too.
fn of_file(path: &str) -> Result<Profile, Failure> {
    let wrong = |e: &str| {
        let (chinese, english) = halves(e);
        Failure::input(format!(
            "{path}：不能用作规则（可参照 lianhu plan 写出的 profile.toml）：{chinese}\n{path}: cannot be used as a profile (see the profile.toml that lianhu plan writes): {english}"
        ))
    };
    let text = std::fs::read_to_string(path).map_err(|e| outputs::unreadable(path.as_ref(), &e))?;
    let mut all = read_profiles(&text).map_err(|e| wrong(&e.to_string()))?;
    match (all.pop(), all.len()) {
        (Some(one), 0) => one.profile.map_err(|e| wrong(&e)),
        (_, others) => {
            let n = others + 1;
            Err(Failure::input(format!(
                "{path}：有 {n} 个规则，须只有一个；可先导入库再按名称使用\n{path}: {n} profiles where one is wanted: import them into a register and name one"
            )))
        }
    }
}

/// The profile of a file, or that ships under this name.
pub(super) fn profile(name: &str) -> Result<Profile, Failure> {
    if is_file(name) {
        return of_file(name);
    }
    let known = || Profile::shipped().into_iter().map(|p| p.name).collect::<Vec<_>>();
    Profile::named(name).ok_or_else(|| unknown(name, &known()))
}

/// The profile of a file, else the register's own of this name, else the one that ships.
pub(super) async fn found(store: &dyn Store, name: &str) -> Result<Profile, Failure> {
    if is_file(name) {
        return of_file(name);
    }
    match profile_named(store, &everything(), name).await.map_err(failed)? {
        Some(profile) => Ok(profile),
        None => {
            let all = known_profiles(store, &everything()).await.map_err(failed)?;
            Err(unknown(name, &all.into_iter().map(|(p, _)| p.name).collect::<Vec<_>>()))
        }
    }
}

/// The same of a store that is opened for this alone.
pub(super) fn of_store(url: &str, name: &str) -> Result<Profile, Failure> {
    with_store(&StoreArgs { store: url.to_owned() }, OpenMode::ReadOnly, async |store| found(store, name).await)
}

pub(super) fn list(a: &ProfilesArgs) -> Outcome {
    let all = match &a.store {
        None => Profile::shipped().into_iter().map(|p| (p, false)).collect(),
        Some(url) => {
            let at = StoreArgs { store: url.clone() };
            with_store(&at, OpenMode::ReadOnly, async |store| {
                known_profiles(store, &everything()).await.map_err(failed)
            })?
        }
    };
    for (p, own) in all {
        let containers: Vec<String> = p
            .containers()
            .iter()
            .map(|(c, b)| format!("{c}={}", if *b == Binding::Law { "law" } else { "prefer" }))
            .collect();
        let grids = match p.grid.divide {
            Divide::Balance => match p.grid.per_village {
                Some(n) => format!("每村约 {n} 个 / {n} a village"),
                None => format!("每格约 {0} 户 / about {0} households", p.grid.target_households),
            },
            Divide::Village => "一村一格 / the village".to_owned(),
            Divide::Hamlet => "自然寨 / hamlets".to_owned(),
            Divide::Group => "村民小组 / groups".to_owned(),
            Divide::Building => "楼栋 / buildings".to_owned(),
        };
        outln!(
            "{:<12} {}{}\n             单元 units {}–{} 户，副联户长 deputies {}，{}\n             网格 grids {}\n             {}",
            p.name,
            p.title,
            if own { "（库中 the register's）" } else { "" },
            p.unit.min,
            p.unit.max,
            p.unit.deputies,
            containers.join(" "),
            grids,
            p.note
        );
    }
    Ok(0)
}
