//! `lianhu key`, and where the key is found that officers' telephones are sealed with.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::plan::register::Sealer;

use super::commands::{Failure, Outcome};
use super::register_args::{KeyArgs, StoreArgs};

/// The key itself, 64 hexadecimal digits.
const KEY: &str = "LIANHU_KEY";
/// The file that holds it.
const KEY_FILE: &str = "LIANHU_KEY_FILE";

/// The key's file beside a store: none for a server.
fn beside(a: &StoreArgs) -> Option<PathBuf> {
    a.store.strip_prefix("sqlite:").map(|path| PathBuf::from(format!("{path}.key")))
}

/// The key in force: of the environment, of the file it names, or beside the store. `None` where there is none.
pub(super) fn find(a: &StoreArgs) -> Result<Option<Sealer>, Failure> {
    find_named(a, None)
}

/// The same, with the file that the settings name.
pub(super) fn find_named(a: &StoreArgs, file: Option<&Path>) -> Result<Option<Sealer>, Failure> {
    let read = |text: &str, from: &str| Sealer::from_hex(text).map_err(|e| Failure::input(format!("{from}：{e}")));
    if let Ok(text) = std::env::var(KEY) {
        return read(&text, KEY).map(Some);
    }
    let named = file.map(Path::to_owned).or_else(|| std::env::var_os(KEY_FILE).map(PathBuf::from));
    let path = match named.or_else(|| beside(a).filter(|p| p.exists())) {
        Some(path) => path,
        None => return Ok(None),
    };
    let shown = path.display().to_string();
    let failed = |e: std::io::Error| Failure::input(format!("{shown}: {e}"));
    check_private(&path)?;
    read(&std::fs::read_to_string(&path).map_err(failed)?, &shown).map(Some)
}

/// Refuses a key that others on this computer can read.
pub(super) fn check_private(path: &Path) -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map(|m| m.permissions().mode()).unwrap_or(0);
        if mode & 0o077 != 0 {
            return Err(Failure::input(format!(
                "{0}：其他用户可读取密钥，请先 chmod 600 / {0}: others can read the key, chmod 600 it first",
                path.display()
            )));
        }
    }
    Ok(())
}

/// The key in force; where there is none, a new one in a file beside the store. `None` for a server's store without one.
pub(super) fn find_or_make(a: &StoreArgs, file: Option<&Path>) -> Result<Option<Sealer>, Failure> {
    match (find_named(a, file)?, beside(a)) {
        (None, Some(path)) => {
            create(&path)?;
            find_named(a, file)
        }
        (found, _) => Ok(found),
    }
}

/// Makes a new key in a file that only its owner reads; never over another.
pub(super) fn make(a: &KeyArgs) -> Outcome {
    let path = match (&a.out, beside(&a.store)) {
        (Some(path), _) => path.clone(),
        (None, Some(path)) => path,
        (None, None) => {
            let said = "PostgreSQL 库请用 --out 指定密钥文件 / say --out where the key of a PostgreSQL store goes";
            return Err(Failure::usage(said));
        }
    };
    create(&path)?;
    outln!(
        "已生成密钥 key made: {}\n请另行保管一份：丢失后电话无法恢复 / keep a copy elsewhere: without it no telephone can be read again",
        path.display()
    );
    Ok(0)
}

fn create(path: &Path) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::input(format!("{0}：{e}\n{0}: {e}", path.display()));
    let mut bytes = [0_u8; crate::plan::register::KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(|e| Failure::input(format!("{e}")))?;
    let mut text = crate::domain::hex(&bytes);
    text.push('\n');
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}
