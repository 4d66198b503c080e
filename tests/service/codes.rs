//! Codes of problems are a promise: one that gets another name or status, or is not in the documentation, is noticed here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

type Codes = BTreeSet<(u16, String)>;

/// Where the code of a problem is another text's word: a file's, or one of those that stand beside their status in the same file.
const SAID_ELSEWHERE: [&str; 2] = ["error.rs", "extract.rs"];

const STATUSES: [(&str, u16); 19] = [
    ("BAD_REQUEST", 400),
    ("UNAUTHORIZED", 401),
    ("FORBIDDEN", 403),
    ("NOT_FOUND", 404),
    ("METHOD_NOT_ALLOWED", 405),
    ("REQUEST_TIMEOUT", 408),
    ("CONFLICT", 409),
    ("GONE", 410),
    ("PRECONDITION_FAILED", 412),
    ("PAYLOAD_TOO_LARGE", 413),
    ("UNSUPPORTED_MEDIA_TYPE", 415),
    ("UNPROCESSABLE_ENTITY", 422),
    ("PRECONDITION_REQUIRED", 428),
    ("TOO_MANY_REQUESTS", 429),
    ("INTERNAL_SERVER_ERROR", 500),
    ("BAD_GATEWAY", 502),
    ("SERVICE_UNAVAILABLE", 503),
    ("GATEWAY_TIMEOUT", 504),
    ("INSUFFICIENT_STORAGE", 507),
];

fn of_the_package(path: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), path].iter().collect();
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") && path.file_name().is_some_and(|n| n != "tests.rs") {
            into.push(path);
        }
    }
}

/// A status and a code, where a text begins with them.
fn pair(text: &str) -> Option<(u16, String)> {
    let rest = text.strip_prefix("axum::http::").unwrap_or(text).strip_prefix("StatusCode::")?;
    let end = rest.find(|c: char| !(c.is_ascii_uppercase() || c == '_'))?;
    let (name, rest) = rest.split_at(end);
    let (code, _) = rest.trim_start().strip_prefix(',')?.trim_start().strip_prefix('"')?.split_once('"')?;
    if code.is_empty() || !code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return None;
    }
    let status = STATUSES.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("the number of {name}")).1;
    Some((status, code.to_owned()))
}

/// Words that stand in quotes after a beginning.
fn quoted_after<'t>(text: &'t str, begin: &str) -> Vec<&'t str> {
    text.match_indices(begin).filter_map(|(at, _)| text[at + begin.len()..].split('"').next()).collect()
}

/// Every code that the sources of the interface give, with its status.
fn given() -> Codes {
    let mut files = Vec::new();
    sources(&[env!("CARGO_MANIFEST_DIR"), "src", "api"].iter().collect::<PathBuf>(), &mut files);
    let mut codes = Codes::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source");
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        codes.extend(text.match_indices("StatusCode::").filter_map(|(at, _)| pair(&text[at..])));
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for (at, call) in text.match_indices("Problem::new(") {
            let said = text[at + call.len()..].trim_start();
            assert!(pair(said).is_some() || SAID_ELSEWHERE.contains(&name.as_str()), "{name}: which code? {said:.80}");
        }
    }
    let error = of_the_package("src/api/error.rs");
    codes.extend(quoted_after(&error, "faulty(\"").into_iter().map(|code| (422, code.to_owned())));
    // an incident that is not taken: which field is at fault is 422, what must not be sent 400
    for code in quoted_after(&of_the_package("src/plan/room/wish.rs"), "Refused { code: \"") {
        codes.insert((if code == "bad_field" { 422 } else { 400 }, code.to_owned()));
    }
    codes
}

/// What the documentation promises.
fn promised() -> Codes {
    let text = of_the_package("docs/service.md");
    let part = text.split("\n## ").find(|p| p.starts_with("Codes of problems")).expect("the part about codes");
    let mut codes = Codes::new();
    for row in part.lines().filter_map(|l| l.strip_prefix("| ")) {
        let Some((status, words)) = row.split_once(" | ") else { continue };
        let Ok(status) = status.parse() else { continue };
        codes.extend(words.split('`').skip(1).step_by(2).map(|code| (status, code.to_owned())));
    }
    codes
}

#[test]
fn codes_are_those_of_the_documentation() {
    let (given, promised) = (given(), promised());
    assert!(given.len() > 60, "{given:?}");
    let (new, gone): (Vec<_>, Vec<_>) = (given.difference(&promised).collect(), promised.difference(&given).collect());
    assert!(
        new.is_empty() && gone.is_empty(),
        "docs/service.md, “Codes of problems”: not there {new:?}; there, and given by nothing any more {gone:?}. A code that clients know keeps \
         its name"
    );
}
