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
                area_m2: 12_345.5,
                bounds: "东至河，西至公路".to_owned(),
                head: "张三".to_owned(),
                workers: "李四、王五".to_owned(),
                valid_from: "2021-05-03".to_owned(),
                valid_to: String::new(),
            }
            .cells()
        })
        .collect()
}

/// The ledger with some cells replaced, written again as an office would.
fn edited(format: Format, edits: &[(usize, usize, Cell)]) -> LedgerChanges {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join(format!("台账.{}", format.name()));
    let mut rows = lines();
    for (row, column, cell) in edits {
        rows[*row][*column] = cell.clone();
    }
    Ledger::Grids.write(format, &path, rows, WriteOptions::default()).expect("written");
    let source = open(path.to_str().expect("path"), &OpenOptions::default()).expect("readable");
    ledger_changes(source, Ledger::Grids, &lines()).expect("compared")
}

#[test]
fn the_headers_are_those_offices_know() {
    assert_eq!(
        Ledger::Grids.headers().join(" "),
        "网格编码 网格名称 级别 类型 所属村(社区) 户数 楼栋数 人口 面积 四至 网格长 网格员 启用日期 停用日期"
    );
    assert_eq!(
        Ledger::Units.headers().join(" "),
        "单元编码 单元名称 所属网格 户数 联户长 副联户长1 副联户长2 户号清单 更新日期 变更原因"
    );
}

#[test]
fn only_changed_cells_come_back() {
    for format in [Format::Csv, Format::Xlsx] {
        let same = edited(format, &[]);
        assert!(same.changes.is_empty() && same.faults.is_empty() && same.unchanged_rows == 3, "{same:?}");
        let new = Cell::Text("赵六".to_owned());
        let changed = edited(format, &[(1, 10, new.clone()), (2, 12, Cell::Date("2022-01-01".to_owned()))]);
        assert!(changed.faults.is_empty(), "{changed:?}");
        let cells: Vec<_> = changed.changes.iter().map(|c| (c.row, c.code.as_str(), c.column)).collect();
        assert_eq!(cells, [(3, "520402102201002", "网格长"), (4, "520402102201003", "启用日期")]);
        assert_eq!(
            (changed.changes[0].before.clone(), changed.changes[0].after.clone()),
            (Cell::Text("张三".to_owned()), new)
        );
        assert_eq!(changed.unchanged_rows, 1);
    }
}

#[test]
fn computed_figures_unknown_and_repeated_codes_are_faults() {
    let text = |t: &str| Cell::Text(t.to_owned());
    let codes = |edits: &[(usize, usize, Cell)]| -> Vec<(u64, &'static str)> {
        edited(Format::Xlsx, edits).faults.faults.iter().map(|f| (f.row, f.code)).collect()
    };
    assert_eq!(codes(&[(0, 5, Cell::Whole(999))]), [(2, "derived_column")]);
    assert_eq!(codes(&[(0, 0, text("520402102201999"))]), [(2, "unknown_code")]);
    assert_eq!(codes(&[(1, 0, text("520402102201001"))]), [(3, "duplicate_id")]);
    assert_eq!(codes(&[(1, 12, text("昨天"))]), [(3, "not_a_date")]);
    let absent = edited(Format::Xlsx, &[(1, 0, text("520402102201001"))]).absent;
    assert_eq!(absent, ["520402102201002"]);
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
    assert_eq!(total.cells().len(), Ledger::Summary.headers().len());
}
