//! Ledgers from outside: out of the register, edited as an office would, and back; and what is refused.

#![expect(clippy::panic, reason = "a test fails loudly")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::common::{done, lianhu, said};

const STORE: &str = "--store sqlite:register.gpkg";
const VILLAGE: &str = "520423102003";

fn fixture(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures", "township", name].iter().collect();
    path.display().to_string()
}

/// A store with the fixture township and a plan in force for one village.
fn planned(folder: &Path) {
    done(folder, &format!("import {STORE} --layer regions {}", fixture("regions.geojson")));
    done(folder, &format!("import {STORE} --layer barriers --region 520423 {}", fixture("barriers.geojson")));
    done(folder, &format!("import {STORE} --layer households {}", fixture("households.csv")));
    done(folder, &format!("draft {STORE} --region {VILLAGE} --profile jingkai --budget 0 --publish 2026-12-01"));
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|e| panic!("a temporary folder: {e}"))
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A CSV file as rows of fields, the header first.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = text(path);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    reader.records().map(|r| r.unwrap_or_else(|e| panic!("{e}")).iter().map(str::to_owned).collect()).collect()
}

fn column(rows: &[Vec<String>], title: &str) -> usize {
    rows[0].iter().position(|t| t == title).unwrap_or_else(|| panic!("no column {title} in {:?}", rows[0]))
}

fn save(path: &Path, rows: &[Vec<String>]) {
    let mut writer = csv::Writer::from_path(path).unwrap_or_else(|e| panic!("{e}"));
    for row in rows {
        writer.write_record(row).unwrap_or_else(|e| panic!("{e}"));
    }
    writer.flush().unwrap_or_else(|e| panic!("{e}"));
}

fn number(text: &str) -> i64 {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn ledgers_are_handed_out_and_come_back_unchanged() {
    let dir = folder();
    let at = dir.path();
    planned(at);
    for (layer, ending) in
        [("ledger-grids", "csv"), ("网格台账", "xlsx"), ("ledger-units", "csv"), ("单元台账", "xlsx")]
    {
        let file = format!("l.{ending}");
        done(at, &format!("export {STORE} --layer {layer} {file}"));
        let back = done(at, &format!("import {STORE} --layer {layer} {file}"));
        assert!(back.contains("更新 0，") && !back.contains("未变 0，"), "{layer}: {back}");
    }
    done(at, &format!("export {STORE} --layer ledger-units u.csv"));
    let units = rows(&at.join("u.csv"));
    let (code, leader, members) = (column(&units, "单元编码"), column(&units, "联户长"), column(&units, "户号清单"));
    for row in &units[1..] {
        assert_eq!(row[code].len(), 18);
        let members: Vec<&str> = row[members].split('、').collect();
        assert_eq!(members.len() as i64, number(&row[column(&units, "户数")]));
        // vacant where nobody may be proposed
        assert!(row[leader].is_empty() || members.contains(&row[leader].as_str()), "{row:?}");
    }
    let vacant = units[1..].iter().filter(|row| row[leader].is_empty()).count();
    assert!(vacant * 10 < units.len(), "{vacant} of {}", units.len());
    done(at, &format!("export {STORE} --layer ledger-grids g.csv"));
    let grids = rows(&at.join("g.csv"));
    for row in &grids[1..] {
        assert!(row[column(&grids, "四至")].starts_with("东至"), "{row:?}");
        assert_eq!(row[column(&grids, "启用日期")], "2026-12-01");
    }
    assert_eq!(done(at, "check sqlite:register.gpkg").trim(), "库完好 / the store is as it was written");
}

#[test]
fn totals_of_the_summary_are_the_rows_counted() {
    let dir = folder();
    let at = dir.path();
    planned(at);
    std::fs::write(
        at.join("o.csv"),
        format!("人员编号,所属编码,职务,姓名\no1,{VILLAGE}001,网格长,张三\no2,{VILLAGE}001,网格员,李四\no3,{VILLAGE}002,网格员,王五\n"),
    )
    .unwrap_or_else(|e| panic!("{e}"));
    done(at, &format!("import {STORE} --layer officers o.csv"));
    for layer in ["ledger-grids", "ledger-units", "ledger-gaps", "ledger-summary"] {
        done(at, &format!("export {STORE} --layer {layer} {layer}.csv"));
    }
    let grids = rows(&at.join("ledger-grids.csv"));
    let units = rows(&at.join("ledger-units.csv"));
    let gaps = rows(&at.join("ledger-gaps.csv"));
    let summary = rows(&at.join("ledger-summary.csv"));
    let filled = |rows: &[Vec<String>], title: &str| {
        let c = column(rows, title);
        rows[1..].iter().filter(|r| !r[c].is_empty()).count() as i64
    };
    let expected: BTreeMap<&str, i64> = [
        ("网格数", grids.len() as i64 - 1),
        ("网格长", filled(&grids, "网格长")),
        ("网格员", filled(&grids, "网格员")),
        ("联户单元数", units.len() as i64 - 1),
        ("联户长", filled(&units, "联户长")),
        ("副联户长", filled(&units, "副联户长1") + filled(&units, "副联户长2")),
    ]
    .into();
    assert_eq!((expected["网格长"], expected["网格员"]), (1, 2));
    let last = summary.last().unwrap_or_else(|| panic!("no total"));
    assert_eq!(last[column(&summary, "乡镇(街道)")], "合计");
    for (title, n) in expected {
        let c = column(&summary, title);
        assert_eq!(number(&last[c]), n, "{title}");
        let lines: i64 = summary[1..summary.len() - 1].iter().map(|r| number(&r[c])).sum();
        assert_eq!(lines, n, "{title}");
    }
    // Every grid wants a head and a worker; who is there already is no gap.
    let post = column(&gaps, "岗位");
    let of = |p: &str| gaps[1..].iter().filter(|r| r[post] == p).count() as i64;
    assert_eq!((of("网格长"), of("网格员")), (grids.len() as i64 - 2, grids.len() as i64 - 3));
    let vacant = units.len() as i64 - 1 - filled(&units, "联户长");
    assert_eq!(of("联户长"), vacant, "a fresh plan proposes a leader wherever anybody is eligible");
    assert!(vacant * 5 < units.len() as i64, "{vacant} of {} units without a leader", units.len());
}

#[test]
fn names_stand_in_a_ledger_only_for_a_purpose_and_that_is_logged() {
    let dir = folder();
    let at = dir.path();
    planned(at);
    done(at, &format!("export {STORE} --layer ledger-units u.csv"));
    let units = rows(&at.join("u.csv"));
    let (code, leader) = (units[1][0].clone(), units[1][column(&units, "联户长")].clone());
    let officers = format!("人员编号,所属编码,职务,姓名,户号\no1,{code},联户长,张三,{leader}\n");
    std::fs::write(at.join("o.csv"), officers).unwrap_or_else(|e| panic!("{e}"));
    done(at, &format!("import {STORE} --layer officers o.csv"));
    done(at, &format!("export {STORE} --layer ledger-units plain.csv"));
    assert!(!text(&at.join("plain.csv")).contains("张三"));
    let out = lianhu(at, &format!("export {STORE} --layer ledger-units --with-names n.csv"));
    assert_eq!(out.status.code(), Some(2), "{}", said(&out));
    done(at, &format!("export {STORE} --layer ledger-units --with-names --purpose 换届公示 n.csv"));
    let named = rows(&at.join("n.csv"));
    assert_eq!(named[1][column(&named, "联户长姓名")], "张三");
    let log = done(at, &format!("audit {STORE}"));
    assert!(log.contains("officers.reveal") && log.contains("换届公示") && !log.contains("张三"), "{log}");
    // The columns of names do not disturb the way back.
    let back = done(at, &format!("import {STORE} --layer ledger-units n.csv"));
    assert!(back.contains("更新 0，"), "{back}");
}

#[test]
fn edited_rows_alone_are_applied_and_can_be_looked_up_later() {
    let dir = folder();
    let at = dir.path();
    planned(at);
    done(at, &format!("export {STORE} --layer ledger-units u.csv"));
    let mut units = rows(&at.join("u.csv"));
    let (leader, first, members) = (column(&units, "联户长"), column(&units, "副联户长1"), column(&units, "户号清单"));
    let second = column(&units, "副联户长2");
    let taken = [units[2][leader].clone(), units[2][first].clone(), units[2][second].clone()];
    let fresh = units[2][members].split('、').find(|m| !taken.contains(&(*m).to_owned())).map(str::to_owned);
    let fresh = fresh.unwrap_or_else(|| panic!("a member without office"));
    let (reason, founded) = (column(&units, "变更原因"), column(&units, "成立日期"));
    units[2][leader].clone_from(&fresh);
    units[2][reason] = "换届选举".to_owned();
    units[5][founded] = "2021/5/3".to_owned();
    save(&at.join("u.csv"), &units);
    let tried = done(at, &format!("import {STORE} --layer ledger-units --dry-run u.csv"));
    assert!(tried.contains("更新 2，") && tried.contains("试运行"), "{tried}");
    let back = done(at, &format!("import {STORE} --layer ledger-units u.csv"));
    assert!(back.contains("更新 2，") && back.contains("单元格 2"), "{back}");
    done(at, &format!("export {STORE} --layer ledger-units v.csv"));
    let now = rows(&at.join("v.csv"));
    assert_eq!((now[2][leader].as_str(), now[2][reason].as_str()), (fresh.as_str(), "换届选举"));
    assert_eq!((now[5][founded].as_str(), now[5][reason].as_str()), ("2021-05-03", "台账修改"));
    assert_eq!(now[3], {
        let mut same = units[3].clone();
        same[column(&units, "方案版本")].clone_from(&now[3][column(&now, "方案版本")]);
        same
    });
    // The map's layer of leaders follows.
    done(at, &format!("export {STORE} --layer leaders l.csv"));
    let leaders = rows(&at.join("l.csv"));
    assert!(leaders.iter().any(|r| r[0] == now[2][0] && r[1] == fresh && r[2] == "leader"));
    assert!(!leaders.iter().any(|r| r[1] == taken[0]), "the former leader is still shown");
    assert!(done(at, "check sqlite:register.gpkg").contains("库完好"));
    // The file shows the plan before its own edit: editing it further would overwrite unseen changes of the same grid.
    units[2][leader].clone_from(&taken[0]);
    save(&at.join("u.csv"), &units);
    let out = lianhu(at, &format!("import {STORE} --layer ledger-units u.csv --faults f.csv"));
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    assert!(text(&at.join("f.csv")).contains("conflict"), "{}", text(&at.join("f.csv")));
    done(at, &format!("export {STORE} --layer ledger-units w.csv"));
    assert_eq!(text(&at.join("v.csv")), text(&at.join("w.csv")), "nothing was overwritten");
}

#[test]
fn rows_that_break_a_rule_are_refused_by_row_and_nothing_is_applied_unless_partial() {
    let dir = folder();
    let at = dir.path();
    planned(at);
    done(at, &format!("export {STORE} --layer ledger-units u.csv"));
    let original = text(&at.join("u.csv"));
    let mut units = rows(&at.join("u.csv"));
    let (leader, count, group) = (column(&units, "联户长"), column(&units, "户数"), column(&units, "联系群"));
    let stranger = units[9][leader].clone();
    units[2][leader] = stranger.clone();
    units[3][count] = "99".to_owned();
    units[4][group] = "群4".to_owned();
    units[5][0] = "5.20423E+17".to_owned();
    save(&at.join("bad.csv"), &units);
    let out = lianhu(at, &format!("import {STORE} --layer ledger-units bad.csv --faults f.csv"));
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    // Cells are judged before rows: what the cells already refuse hides the rule's breach until they are mended.
    let faults = rows(&at.join("f.csv"));
    let named: Vec<(&str, &str)> = faults[1..].iter().map(|r| (r[2].as_str(), r[5].as_str())).collect();
    assert_eq!(named, [("4", "derived_column"), ("6", "code_not_text")], "{faults:?}");
    units[3] = rows(&at.join("u.csv"))[3].clone();
    units[5] = rows(&at.join("u.csv"))[5].clone();
    save(&at.join("bad.csv"), &units);
    let out = lianhu(at, &format!("import {STORE} --layer ledger-units bad.csv --faults f.csv"));
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    let faults = rows(&at.join("f.csv"));
    assert!(faults[1..].iter().all(|r| r[2] == "3" && r[5] == "h8"), "{faults:?}");
    assert!(faults[1..].iter().any(|r| r[3] == "联户长" && r[6].contains(&stranger)), "{faults:?}");
    done(at, &format!("export {STORE} --layer ledger-units v.csv"));
    assert_eq!(original, text(&at.join("v.csv")), "nothing was applied");
    let out = done(at, &format!("import {STORE} --layer ledger-units bad.csv --partial"));
    assert!(out.contains("更新 1，"), "{out}");
    done(at, &format!("export {STORE} --layer ledger-units w.csv"));
    let now = rows(&at.join("w.csv"));
    assert_eq!(now[4][group], "群4");
    assert_ne!(now[2][leader], stranger);
}

#[test]
fn ledger_of_several_plans_is_applied_to_all_of_them_or_to_none() {
    let dir = folder();
    let at = dir.path();
    planned(at);
    let other = "520423102004";
    done(at, &format!("draft {STORE} --region {other} --profile jingkai --budget 0 --publish 2026-12-01"));
    done(at, &format!("export {STORE} --layer ledger-units u.csv"));
    let original = text(&at.join("u.csv"));
    let mut units = rows(&at.join("u.csv"));
    let of =
        |village: &str| units.iter().position(|r| r[0].starts_with(village)).unwrap_or_else(|| panic!("{village}"));
    let (here, there) = (of(VILLAGE), of(other));
    let (leader, group) = (column(&units, "联户长"), column(&units, "联系群"));
    // a good row in the first plan, one that breaks H8 in the second
    units[here][group] = "群一".to_owned();
    let own = std::mem::replace(&mut units[there][leader], "stranger".to_owned());
    save(&at.join("bad.csv"), &units);
    let out = lianhu(at, &format!("import {STORE} --layer ledger-units bad.csv --faults f.csv"));
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    assert!(rows(&at.join("f.csv"))[1..].iter().all(|r| r[5] == "h8"), "{}", text(&at.join("f.csv")));
    done(at, &format!("export {STORE} --layer ledger-units v.csv"));
    assert_eq!(original, text(&at.join("v.csv")), "nothing was applied, to neither plan");
    // with both rows good, both plans change, each with an entry of its own
    units[there][leader] = own;
    units[there][group] = "群二".to_owned();
    save(&at.join("good.csv"), &units);
    let back = done(at, &format!("import {STORE} --layer ledger-units good.csv"));
    assert!(back.contains("更新 2，"), "{back}");
    done(at, &format!("export {STORE} --layer ledger-units w.csv"));
    let now = rows(&at.join("w.csv"));
    assert_eq!((now[here][group].as_str(), now[there][group].as_str()), ("群一", "群二"));
    let log = done(at, &format!("audit {STORE}"));
    assert_eq!(log.matches("plan.edit").count(), 2, "{log}");
    assert!(done(at, "check sqlite:register.gpkg").contains("库完好"));
    // and what is good is taken over partially, as before
    let mut units = now;
    units[here][group] = "群三".to_owned();
    units[there][leader] = "stranger".to_owned();
    save(&at.join("bad.csv"), &units);
    let back = done(at, &format!("import {STORE} --layer ledger-units bad.csv --partial"));
    assert!(back.contains("更新 1，"), "{back}");
}

#[test]
fn grids_are_renamed_by_ledger_and_numeric_codes_of_a_workbook_are_refused() {
    let dir = folder();
    let at = dir.path();
    planned(at);
    done(at, &format!("export {STORE} --layer ledger-grids g.csv"));
    let mut grids = rows(&at.join("g.csv"));
    let name = column(&grids, "网格名称");
    grids[1][name] = "=东街网格".to_owned();
    grids[1][name].insert(0, '\'');
    save(&at.join("g.csv"), &grids);
    done(at, &format!("import {STORE} --layer ledger-grids g.csv"));
    done(at, &format!("export {STORE} --layer ledger-grids g.xlsx"));
    let book = std::fs::File::open(at.join("g.xlsx")).unwrap_or_else(|e| panic!("{e}"));
    let mut archive = zip::ZipArchive::new(book).unwrap_or_else(|e| panic!("{e}"));
    let mut sheet = String::new();
    let mut part = archive.by_name("xl/worksheets/sheet1.xml").unwrap_or_else(|e| panic!("{e}"));
    std::io::Read::read_to_string(&mut part, &mut sheet).unwrap_or_else(|e| panic!("{e}"));
    assert!(sheet.contains("=东街网格") && !sheet.contains("<f>") && !sheet.contains("<f "), "no cell is a formula");
    // The workbook an office gets when it types codes as numbers.
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    let wrong = |e: rust_xlsxwriter::XlsxError| panic!("{e}");
    sheet.write_string(0, 0, "网格编码").map(drop).unwrap_or_else(wrong);
    sheet.write_string(0, 1, "网格名称").map(drop).unwrap_or_else(wrong);
    sheet.write_number(1, 0, 520_423_102_003_001_f64).map(drop).unwrap_or_else(wrong);
    sheet.write_string(1, 1, "新名").map(drop).unwrap_or_else(wrong);
    book.save(at.join("n.xlsx")).unwrap_or_else(wrong);
    let out = lianhu(at, &format!("import {STORE} --layer ledger-grids n.xlsx"));
    assert_eq!(out.status.code(), Some(3));
    assert!(said(&out).contains("code_not_text") && said(&out).contains("第 2 行"), "{}", said(&out));
}

#[test]
fn usage_of_ledgers_is_explained() {
    let dir = folder();
    let at = dir.path();
    done(at, &format!("import {STORE} --layer regions {}", fixture("regions.geojson")));
    for (line, word) in [
        ("export --layer ledger-grids g.geojson", "xlsx"),
        ("export --layer ledger-grids --as-of 2026-02-30 g.csv", "as-of"),
        ("import --layer ledger-summary s.csv", "ledger-units"),
        ("import --layer ledger-grids --region 52 s.csv", "--region"),
        ("import --layer regions --plan x s.csv", "--plan"),
    ] {
        let (verb, rest) = line.split_once(' ').unwrap_or_default();
        let out = lianhu(at, &format!("{verb} {STORE} {rest}"));
        assert_eq!(out.status.code(), Some(2), "{line}: {}", said(&out));
        assert!(said(&out).contains(word), "{line}: {}", said(&out));
    }
    let said = done(at, &format!("export {STORE} --layer 汇总 s.csv"));
    assert!(said.contains("1 行"), "the total alone: {said}");
}
