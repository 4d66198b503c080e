//! Rows of what a county brings of its own: zones, profiles, the entries of lists.

use crate::domain::Profile;
use crate::domain::incident::Dictionaries;
use crate::domain::incident::dictionary::{CATEGORIES, hours_of, hours_text, list_named};
use crate::domain::io_words::halves;
use crate::domain::register::{DictionaryRow, ProfileRow, trim_code};
use crate::exchange::Fault;

use super::rows::{Fields, split};

/// A category's key, where the file says its name.
pub(super) fn word_of_category(lists: &Dictionaries, said: String) -> String {
    lists.category(&said).map(|c| c.key.clone()).unwrap_or(said)
}

/// The key of a type of dispute, where the file says its name.
pub(super) fn word_of_dispute(lists: &Dictionaries, said: String) -> String {
    lists.dispute(&said).map(|d| d.key.clone()).unwrap_or(said)
}

/// The townships of a zone, each once, in the order of the file.
pub(super) fn townships(said: &str) -> Result<Vec<String>, Fault> {
    let mut all: Vec<String> = Vec::new();
    for code in split(said) {
        let township = trim_code(&code);
        if township.len() != 9 {
            let what = format!(
                "“{code}”不是乡镇（街道）编码，应为 9 位或末三位为 000 的 12 位 / \"{code}\" is no township's code: 9 digits, or 12 that end in 000"
            );
            return Err(Fault::new("bad_code", what).of("townships"));
        }
        if !all.iter().any(|t| t == township) {
            all.push(township.to_owned());
        }
    }
    Ok(all)
}

/// A profile as the register keeps it: its text written anew, so that the same rules are the same text.
pub(super) fn profile_row(f: &Fields<'_>, row_version: u64) -> Result<ProfileRow, Fault> {
    let wrong = |what: String| Fault::new("bad_profile", what);
    let profile = Profile::parse(&f.needed("toml")).and_then(Profile::well_named).map_err(|e| {
        let (chinese, english) = halves(&e);
        wrong(format!("规则不成立：{chinese} / the profile does not hold: {english}")).of("toml")
    })?;
    let name = f.needed("name");
    if name != profile.name {
        let inside = &profile.name;
        let what = format!(
            "规则名“{name}”与规则内容中的 name = “{inside}”不一致 / the name \"{name}\" is not that of the profile, \"{inside}\""
        );
        return Err(wrong(what).of("name"));
    }
    if f.text("title").is_some_and(|t| t != profile.title) {
        let inside = &profile.title;
        let what =
            format!("名称与规则内容中的 title = “{inside}”不一致 / the title is not that of the profile, \"{inside}\"");
        return Err(wrong(what).of("title"));
    }
    Ok(ProfileRow { name, title: profile.title.clone(), toml: profile.to_toml(), row_version })
}

/// An entry of a list; which lists and keys there may be is judged with the others of the file.
pub(super) fn dictionary_row(f: &Fields<'_>, row_version: u64) -> Result<DictionaryRow, Fault> {
    let (said, key) = (f.needed("dictionary"), f.needed("key"));
    let dictionary = list_named(&said).map_or(said, str::to_owned);
    let is_word = |t: &str| !t.is_empty() && t.len() <= 60 && !t.contains(['/', '\n', '\r', '\t']);
    for (field, text) in [("dictionary", &dictionary), ("key", &key)] {
        if !is_word(text) {
            let shown: String = text.chars().take(40).collect();
            let what = format!("“{shown}”：1–60 字节，不含“/” / \"{shown}\": so many bytes, none of them /");
            return Err(Fault::new("bad_key", what).of(field));
        }
    }
    let due_hours = f.text("due_hours").map(|said| hours(&dictionary, &said)).transpose()?;
    Ok(DictionaryRow {
        id: format!("{dictionary}/{key}"),
        dictionary,
        key,
        name: f.needed("name"),
        name_en: f.text("name_en"),
        position: f.whole("position").unwrap_or(0),
        enabled: f.flag("enabled").unwrap_or(true),
        due_hours,
        row_version,
    })
}

/// The hours of a category, as they are kept.
fn hours(dictionary: &str, said: &str) -> Result<String, Fault> {
    if dictionary != CATEGORIES {
        let what = "只有事件类别（category）有办理时限 / only categories have due hours";
        return Err(Fault::new("bad_hours", what).of("due_hours"));
    }
    hours_of(said).map(hours_text).ok_or_else(|| {
        let shown: String = said.chars().take(40).collect();
        let what = format!(
            "“{shown}”应为一个小时数，或网格、村、乡镇、县四级的小时数（如 24、48、72、96），各 1–8784 / \"{shown}\": one number of hours, or four for grid, village, township and county, each 1–8784"
        );
        Fault::new("bad_hours", what).of("due_hours")
    })
}
