//! An office's round: export, edit in Excel, read the changed cells back.

use crate::exchange::{Format, OpenOptions, open};

use super::*;

fn lines() -> Vec<Vec<Cell>> {
    (1..=3_u32)
        .map(|i| {
            GridLine {
                code: format!("52040210220100{i}"),
                name: format!("第{i}网格"),
                level: "二级".to_owned(),
                kind: "基础网格".to_owned(),
                village: "甲村".to_owned(),
                households: 300 + i64::from(i),
                buildings: 40,
                persons: Some(900),
                area_m2: Some(12_345.5),
                bounds: "东至河，西至公路".to_owned(),
                heads: vec!["w1".to_owned()],
                workers: vec!["w2".to_owned(), "w3".to_owned()],
                valid_from: "2021-05-03".to_owned(),
                valid_to: String::new(),
                claim: "p@7".to_owned(),
                names: None,
            }
            .cells()
        })
        .collect()
}

/// The ledger with some cells replaced, written again as an office would, against a plan that changed where `stale` says so.
fn edited(format: Format, edits: &[(usize, usize, Cell)], stale: bool) -> LedgerChanges {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join(format!("台账.{}", format.name()));
    let mut rows = lines();
    for (row, column, cell) in edits {
        rows[*row][*column] = cell.clone();
    }
    let mut writer = Ledger::Grids.begin(format, &path, false, WriteOptions::default()).expect("begun");
    for row in rows {
        writer.write(&row).expect("written");
    }
    writer.finish().expect("finished");
    let source = open(path.to_str().expect("path"), &OpenOptions::default()).expect("readable");
    ledger_changes(source, Ledger::Grids, &lines(), &|_, claim| {
        assert_eq!(claim, "p@7");
        stale
    })
    .expect("compared")
}

fn text(t: &str) -> Cell {
    Cell::Text(t.into())
}

fn codes(edits: &[(usize, usize, Cell)], stale: bool) -> Vec<(u64, &'static str)> {
    edited(Format::Xlsx, edits, stale).faults.faults.iter().map(|f| (f.row, f.code)).collect()
}

#[test]
fn the_headers_are_those_offices_know() {
    assert_eq!(
        Ledger::Grids.headers(false).join(" "),
        "网格编码 网格名称 级别 类型 所属村(社区) 户数 楼栋数 人口 面积 四至 网格长 网格员 启用日期 停用日期 方案版本"
    );
    assert_eq!(
        Ledger::Units.headers(false).join(" "),
        "单元编码 单元名称 所属网格 户数 联户长 副联户长1 副联户长2 户号清单 更新日期 变更原因 成立日期 联系群 方案版本"
    );
    for ledger in Ledger::ALL {
        assert_eq!((Ledger::named(ledger.name()), Ledger::named(ledger.title())), (Some(ledger), Some(ledger)));
        assert!(ledger.headers(true).len() >= ledger.headers(false).len());
    }
    assert_eq!(Ledger::named("缺口"), Some(Ledger::Gaps));
    assert_eq!(Ledger::named("台账"), None);
}

#[test]
fn only_changed_cells_come_back() {
    for format in [Format::Csv, Format::Xlsx] {
        let same = edited(format, &[], false);
        assert!(same.changes.is_empty() && same.faults.is_empty() && same.unchanged_rows == 3, "{same:?}");
        let changed = edited(format, &[(1, 1, text("东街网格")), (2, 1, Cell::Empty)], false);
        assert!(changed.faults.is_empty(), "{changed:?}");
        let cells: Vec<_> = changed.changes.iter().map(|c| (c.row, c.code.as_str(), c.column)).collect();
        assert_eq!(cells, [(3, "520402102201002", "网格名称"), (4, "520402102201003", "网格名称")]);
        assert_eq!(
            (changed.changes[0].before.clone(), changed.changes[0].after.clone()),
            (text("第2网格"), text("东街网格"))
        );
        assert_eq!(changed.changes[1].after, Cell::Empty);
        assert_eq!((changed.unchanged_rows, changed.unclaimed_rows), (1, 0));
    }
}

#[test]
fn computed_figures_unknown_repeated_and_numeric_codes_are_faults() {
    assert_eq!(codes(&[(0, 5, Cell::Whole(999))], false), [(2, "derived_column")]);
    assert_eq!(codes(&[(0, 10, text("w9"))], false), [(2, "derived_column")]);
    assert_eq!(codes(&[(0, 0, text("520402102201999"))], false), [(2, "unknown_code")]);
    assert_eq!(codes(&[(1, 0, text("520402102201001"))], false), [(3, "duplicate_id")]);
    assert_eq!(codes(&[(1, 0, Cell::Empty)], false), [(3, "missing_code")]);
}

#[test]
fn a_plan_that_moved_on_makes_edits_conflicts_and_figures_no_faults() {
    assert_eq!(codes(&[(0, 5, Cell::Whole(999))], true), []);
    assert_eq!(codes(&[(0, 5, Cell::Whole(999)), (0, 1, text("新名"))], true), [(2, "conflict")]);
}

#[test]
fn rows_without_their_version_are_counted() {
    let changed = edited(Format::Csv, &[(0, 1, text("新名")), (0, 14, Cell::Empty), (1, 14, Cell::Empty)], false);
    assert_eq!((changed.changes.len(), changed.unclaimed_rows), (1, 1));
}

#[test]
fn gaps_and_totals_add_up() {
    let gap = GapLine {
        code: "520402102201001".to_owned(),
        post: "网格员".to_owned(),
        wanted: 2,
        present: 1,
        ..GapLine::default()
    };
    assert_eq!(gap.cells()[6], Cell::Whole(1));
    let line = SummaryLine { grids: 50, workers: 50, units: 509, leaders: 509, ..SummaryLine::default() };
    let total = SummaryLine::total(&[line.clone(), line]);
    assert_eq!((total.name.as_str(), total.units), ("合计", 1018));
    assert_eq!(total.cells().len(), Ledger::Summary.headers(false).len());
}
