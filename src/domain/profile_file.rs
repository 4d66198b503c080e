//! Profiles in a file: one profile as TOML, or several, each under `[[profile]]`, with the version it had in the register.

use serde::Serialize;

use super::profile::{GridProfile, Profile, UnitProfile};
use super::toml_words::{TomlFault, words_of_table};

/// The key several profiles of one file stand under.
const SEVERAL: &str = "profile";
/// The key of the version a row of the register had when it was written out.
const VERSION: &str = "row_version";

/// A profile as a file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FiledProfile {
    /// Its name, as far as there is one.
    pub name: String,
    /// The version it had in the register, where the file says so.
    pub row_version: Option<i64>,
    /// The profile, or what is wrong with it.
    pub profile: Result<Profile, String>,
}

#[derive(Serialize)]
struct Written<'p> {
    row_version: i64,
    name: &'p str,
    title: &'p str,
    note: &'p str,
    unit: &'p UnitProfile,
    grid: &'p GridProfile,
}

#[derive(Serialize)]
struct Several<'p> {
    profile: [Written<'p>; 1],
}

fn filed(mut table: toml::Table) -> FiledProfile {
    let name = table.get("name").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    let row_version = match table.remove(VERSION) {
        None => None,
        Some(toml::Value::Integer(v)) if v >= 0 => Some(v),
        Some(other) => {
            let profile = Err(format!("{VERSION} {other}: 应为非负整数 / a whole number from 0"));
            return FiledProfile { name, row_version: None, profile };
        }
    };
    let profile = table.try_into::<Profile>().map_err(|e| words_of_table(&e)).and_then(Profile::checked);
    FiledProfile { name, row_version, profile }
}

/// Reads every profile of a file.
///
/// # Errors
/// When the text is no TOML, or has other keys beside `[[profile]]`; what is wrong with one profile stands with it.
pub fn read_profiles(text: &str) -> Result<Vec<FiledProfile>, TomlFault> {
    let mut document: toml::Table = toml::from_str(text).map_err(|e| TomlFault::of(text, &e))?;
    let list = match document.remove(SEVERAL) {
        None => return Ok(vec![one(document, text)]),
        Some(toml::Value::Array(list)) if document.is_empty() => list,
        Some(_) => {
            let said = ["[[profile]] 须为唯一的内容", "[[profile]] is to be all there is"].map(str::to_owned);
            let [chinese, english] = said;
            return Err(TomlFault::at(text, 0, chinese, english));
        }
    };
    let item = |value: toml::Value| match value {
        toml::Value::Table(table) => filed(table),
        other => FiledProfile {
            name: String::new(),
            row_version: None,
            profile: Err(format!(
                "[[profile]] 应为表，实为 {0} / [[profile]] is to be a table and is {0}",
                other.type_str()
            )),
        },
    };
    Ok(list.into_iter().map(item).collect())
}

/// A document that is one profile; its own text, where it can be read as it stands, tells the line of a fault.
fn one(table: toml::Table, text: &str) -> FiledProfile {
    let claims = table.contains_key(VERSION);
    let mut read = filed(table);
    if !claims {
        read.profile = Profile::parse(text).and_then(Profile::well_named);
    }
    read
}

/// One profile for a file of several: such texts one after the other are a document.
#[must_use]
pub fn profile_in_file(profile: &Profile, row_version: i64) -> String {
    let Profile { name, title, note, unit, grid } = profile;
    let written = Written { row_version, name, title, note, unit, grid };
    toml::to_string_pretty(&Several { profile: [written] }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_profiles_of_one_file_come_back_with_their_versions() {
        let all = Profile::shipped();
        let text: String = all.iter().zip(1..).map(|(p, v)| profile_in_file(p, v)).collect();
        let read = read_profiles(&text).expect("a document");
        assert_eq!(read.len(), all.len());
        for ((read, wanted), version) in read.iter().zip(&all).zip(1..) {
            assert_eq!((read.name.as_str(), read.row_version), (wanted.name.as_str(), Some(version)));
            assert_eq!(read.profile.as_ref(), Ok(wanted));
        }
    }

    #[test]
    fn one_profile_may_stand_alone_and_a_fault_is_its_own() {
        let xixiu = Profile::named("xixiu").expect("shipped").to_toml();
        let read = read_profiles(&xixiu).expect("a document");
        assert_eq!((read.len(), read[0].row_version), (1, None));
        assert!(read[0].profile.is_ok());
        let versioned = read_profiles(&format!("row_version = 3\n{xixiu}")).expect("a document");
        assert_eq!((versioned[0].row_version, versioned[0].profile.is_ok()), (Some(3), true));
        let bad = xixiu.replace("min = 10", "min = 40");
        assert!(read_profiles(&bad).expect("a document")[0].profile.as_ref().is_err_and(|e| e.contains("unit.min 40")));
        let unknown = format!("street = 1\n{xixiu}");
        assert!(read_profiles(&unknown).expect("a document")[0].profile.as_ref().is_err_and(|e| e.contains("street")));
        let negative = read_profiles(&format!("row_version = -1\n{xixiu}")).expect("a document");
        assert!(negative[0].profile.is_err());
        // the text of one among several is not at hand: the setting is named
        let all =
            format!("{}{}", profile_in_file(&Profile::named("xixiu").expect("shipped"), 1), "[[profile]]\nname = 7\n");
        let several = read_profiles(&all).expect("a document");
        let said = several[1].profile.as_ref().expect_err("a fault");
        assert!(said.starts_with("name：类型不对") && said.contains(" / name: invalid type"), "{said}");
    }

    #[test]
    fn what_is_no_file_of_profiles_says_where() {
        let e = read_profiles("name = \"a\"\nunit = [\n").expect_err("no TOML");
        assert!(e.byte > 0 && e.line == 2 && e.chinese.contains("数组没有写完"), "{e:?}");
        let mixed = format!("x = 1\n{}", profile_in_file(&Profile::named("xixiu").expect("shipped"), 1));
        assert!(read_profiles(&mixed).is_err());
        assert!(read_profiles("").expect("an empty document")[0].profile.is_err());
    }
}
