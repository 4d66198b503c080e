//! What is wrong with a command line, in Chinese: clap says it in English only.

use clap::Error;
use clap::error::{ContextKind, ErrorKind};

use super::console;

/// Tells what is wrong, Chinese first and clap's own words after it; or answers `--help` and `--version`.
pub(super) fn tell(e: &Error) {
    if let Some(said) = chinese(e) {
        errln!("错误：{said}");
    }
    console::answer(e);
}

/// The fault in Chinese; nothing where help was asked for.
fn chinese(e: &Error) -> Option<String> {
    let of = |kind| e.get(kind).map(ToString::to_string).filter(|t| !t.is_empty());
    let argument = || of(ContextKind::InvalidArg).unwrap_or_default();
    let value = || of(ContextKind::InvalidValue);
    let number = |kind| of(kind).unwrap_or_default();
    let hint = |kind| of(kind).map_or_else(String::new, |s| format!("；是否要写 {s}？"));
    Some(match e.kind() {
        ErrorKind::InvalidValue => match (value(), of(ContextKind::ValidValue)) {
            (None, _) => format!("{} 后面缺少值", argument()),
            (Some(v), Some(valid)) => format!("{} 的值“{v}”不可用；可用：{valid}", argument()),
            (Some(v), None) => format!("{} 的值“{v}”不可用", argument()),
        },
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(e).map(ToString::to_string).unwrap_or_default();
            format!("{} 的值“{}”不可用：{}", argument(), value().unwrap_or_default(), reason(&why))
        }
        ErrorKind::UnknownArgument => format!("没有参数 {}{}", argument(), hint(ContextKind::SuggestedArg)),
        ErrorKind::InvalidSubcommand => {
            let name = of(ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("没有子命令“{name}”{}；全部子命令见 lianhu --help", hint(ContextKind::SuggestedSubcommand))
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "缺少子命令或参数，可用的见下".to_owned()
        }
        ErrorKind::MissingRequiredArgument => format!("缺少必需的参数：{}", argument()),
        ErrorKind::ArgumentConflict => match of(ContextKind::PriorArg) {
            Some(prior) if prior == argument() => format!("{prior} 只能写一次"),
            Some(prior) => format!("{} 不能与 {prior} 同时使用", argument()),
            None => format!("{} 不能与其他参数同时使用", argument()),
        },
        ErrorKind::NoEquals => format!("{} 的值要用等号连接", argument()),
        ErrorKind::TooManyValues => format!("{} 的值过多：“{}”", argument(), value().unwrap_or_default()),
        ErrorKind::TooFewValues => {
            let (least, given) = (number(ContextKind::MinValues), number(ContextKind::ActualNumValues));
            format!("{} 至少要 {least} 个值，只给了 {given} 个", argument())
        }
        ErrorKind::WrongNumberOfValues => {
            let (wanted, given) = (number(ContextKind::ExpectedNumValues), number(ContextKind::ActualNumValues));
            format!("{} 要 {wanted} 个值，给了 {given} 个", argument())
        }
        ErrorKind::InvalidUtf8 => "参数中有不是 UTF-8 的文字，请检查终端的编码".to_owned(),
        _ => return None,
    })
}

/// Why a value will not do: the Chinese half of our own words, or what clap and the standard library say of numbers.
fn reason(why: &str) -> String {
    if !why.is_ascii() {
        return why.split(" / ").next().unwrap_or(why).to_owned();
    }
    match why.split_once(" is not in ").map(|(_, range)| range) {
        Some(range) => match range.split_once("..=").or_else(|| range.split_once("..")) {
            Some((least, "")) => format!("不能小于 {least}"),
            Some(("", most)) => format!("不能大于 {most}"),
            Some((least, most)) => format!("应在 {least} 到 {most} 之间"),
            None => why.to_owned(),
        },
        None if why.contains("invalid digit") => "应为整数".to_owned(),
        None if why.contains("invalid float") => "应为数".to_owned(),
        None if why.contains("empty string") => "是空的".to_owned(),
        None if why.contains("too large") => "数过大".to_owned(),
        None if why.contains("too small") => "数过小".to_owned(),
        None => why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::Arguments;

    #[test]
    fn every_kind_of_fault_is_said_in_chinese() {
        let said = |line: &str| {
            let e = Arguments::try_parse_from(line.split_whitespace()).expect_err(line);
            (e.kind(), chinese(&e).unwrap_or_default())
        };
        let scan = "lianhu scan i.csv --out o.csv --radius 3km";
        for (line, kind, parts) in [
            (format!("{scan} --days 0"), ErrorKind::ValueValidation, ["--days", "应在 1 到 366 之间"]),
            (format!("{scan} --days x"), ErrorKind::ValueValidation, ["“x”", "应为整数"]),
            (format!("{scan} --days"), ErrorKind::InvalidValue, ["--days", "缺少值"]),
            (scan.to_owned(), ErrorKind::MissingRequiredArgument, ["--days", "缺少必需的参数"]),
            (format!("{scan} --days 3 --dais 4"), ErrorKind::UnknownArgument, ["没有参数 --dais", "是否要写 --days"]),
            (format!("{scan} --days 3 --days 4"), ErrorKind::ArgumentConflict, ["--days", "只能写一次"]),
            (
                "lianhu hotspots c.csv --cells --window 3d --out o.csv".to_owned(),
                ErrorKind::ArgumentConflict,
                ["--cells", "不能与 --window"],
            ),
            (
                "lianhu hotspots c.csv --cells --fdr-method x --out o.csv".to_owned(),
                ErrorKind::InvalidValue,
                ["“x”", "可用：bh, by"],
            ),
            (
                "lianhu scan i.csv --out o.csv --radius x --days 3".to_owned(),
                ErrorKind::ValueValidation,
                ["--radius", "不是距离"],
            ),
            ("lianhu units i.csv --min 0".to_owned(), ErrorKind::ValueValidation, ["--min", "1"]),
            ("lianhu sca".to_owned(), ErrorKind::InvalidSubcommand, ["没有子命令“sca”", "是否要写"]),
            ("lianhu".to_owned(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, ["缺少子命令", "可用的见下"]),
        ] {
            let (found, words) = said(&line);
            assert_eq!(found, kind, "{line}: {words}");
            assert!(parts.iter().all(|p| words.contains(p)), "{line}: {words}");
        }
        let help = Arguments::try_parse_from(["lianhu", "--help"]).expect_err("help");
        assert_eq!(chinese(&help), None);
    }

    #[test]
    fn reasons_of_numbers_are_translated_and_our_own_keep_their_chinese() {
        assert_eq!(reason("0 is not in 1..=366"), "应在 1 到 366 之间");
        assert_eq!(reason("0 is not in 1.."), "不能小于 1");
        assert_eq!(reason("invalid float literal"), "应为数");
        assert_eq!(reason("“x”不是数 / \"x\" is not a number"), "“x”不是数");
        assert_eq!(reason("odd"), "odd");
    }
}
