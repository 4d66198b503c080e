//! A county's rules as a TOML file: each profile is a row, with the whole of it as TOML in one cell.

use std::io::Read as _;

use crate::domain::io_words::halves;
use crate::domain::profile_file::{FiledProfile, read_profiles};
use crate::exchange::error::{Fault, ReadError};
use crate::exchange::source::{decoded, sha256_hex};
use crate::exchange::table::{Cell, Halt, Head, RawRow, RowSink};

use super::Request;

pub(super) fn read(request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
    let most = request.limits.text_bytes as u64;
    let mut bytes = Vec::new();
    request.open()?.take(most + 1).read_to_end(&mut bytes).map_err(|e| request.unreadable(&e))?;
    if bytes.len() as u64 > most {
        return Err(ReadError::limit(
            &request.file,
            "too_large",
            format!("规则文件超过 {most} 字节"),
            format!("a file of profiles has at most {most} bytes"),
        )
        .into());
    }
    let text = decoded(&request.file, &bytes)?;
    if text.trim().is_empty() {
        return Err(ReadError::empty(&request.file).into());
    }
    let profiles = read_profiles(&text).map_err(|e| ReadError::Json {
        file: request.file.clone(),
        code: "toml_syntax",
        line: e.line,
        column: e.column,
        byte: e.byte,
        chinese: format!("不是有效的规则文件（TOML）：{}", e.chinese),
        english: format!("is no file of profiles (TOML): {}", e.english),
    })?;
    sink.head(Head {
        columns: ["name", "title", "toml", "row_version"].map(str::to_owned).to_vec(),
        encoding: Some("UTF-8"),
        sha256_hex: sha256_hex(&bytes),
        ..Head::default()
    })?;
    for (profile, number) in profiles.into_iter().zip(1..) {
        sink.row(row(profile, number))?;
    }
    Ok(())
}

fn row(FiledProfile { name, row_version, profile }: FiledProfile, number: u64) -> RawRow {
    let version = row_version.map_or(Cell::Empty, Cell::Whole);
    let (cells, fault) = match profile {
        Ok(p) => (vec![Cell::text(name), Cell::text(p.title.as_str()), Cell::text(p.to_toml()), version], None),
        Err(what) => {
            let cells = vec![Cell::text(name), Cell::Empty, Cell::Empty, version];
            let (chinese, english) = halves(&what);
            let said = format!("规则不成立：{chinese} / the profile does not hold: {english}");
            (cells, Some(Fault::new("bad_profile", said)))
        }
    };
    RawRow { number, id: None, cells, geometry: None, fault }
}
