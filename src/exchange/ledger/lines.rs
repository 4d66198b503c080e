//! The lines of each ledger, in the order of its columns.

use crate::exchange::table::Cell;

/// A line of the grid ledger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GridLine {
    /// 网格编码: fifteen digits.
    pub code: String,
    /// 网格名称.
    pub name: String,
    /// 级别: `一级` or `二级`.
    pub level: String,
    /// 类型: `基础网格` or `专属网格`.
    pub kind: String,
    /// 所属村(社区).
    pub village: String,
    /// 户数.
    pub households: i64,
    /// 楼栋数.
    pub buildings: i64,
    /// 人口, where it is known.
    pub persons: Option<i64>,
    /// 面积, in square metres, where it is known.
    pub area_m2: Option<f64>,
    /// 四至: what lies to the four sides.
    pub bounds: String,
    /// 网格长: ids of officers.
    pub heads: Vec<String>,
    /// 网格员: ids of officers.
    pub workers: Vec<String>,
    /// 启用日期, as `2021-05-03`.
    pub valid_from: String,
    /// 停用日期.
    pub valid_to: String,
    /// 方案版本: which state of which plan the line shows.
    pub claim: String,
    /// Names of heads and workers, where they were asked for.
    pub names: Option<[Vec<String>; 2]>,
}

/// A line of the unit ledger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnitLine {
    /// 单元编码: eighteen digits.
    pub code: String,
    /// 单元名称.
    pub name: String,
    /// 所属网格: its code.
    pub grid: String,
    /// 户数.
    pub households: i64,
    /// 联户长: the household's id.
    pub leader: String,
    /// 副联户长1 and 2: the households' ids.
    pub deputies: [String; 2],
    /// 户号清单.
    pub members: Vec<String>,
    /// 更新日期.
    pub updated_on: String,
    /// 变更原因.
    pub reason: String,
    /// 成立日期.
    pub founded_on: String,
    /// 联系群: the link of the contact group.
    pub contact_group: String,
    /// 方案版本: which state of which plan the line shows.
    pub claim: String,
    /// Names of leader and deputies, where they were asked for.
    pub names: Option<[String; 3]>,
}

/// A line of the staffing gaps: a place and a post.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GapLine {
    /// 编码 of the grid or unit.
    pub code: String,
    /// 名称.
    pub name: String,
    /// 所属村(社区).
    pub village: String,
    /// 岗位: 网格长, 网格员, 联户长 or 副联户长.
    pub post: String,
    /// 应配: what the profile wants.
    pub wanted: i64,
    /// 实配.
    pub present: i64,
}

/// A line of the township summary; the last one may be the total, without a code.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SummaryLine {
    /// 乡镇编码.
    pub code: String,
    /// 乡镇(街道).
    pub name: String,
    /// 网格数.
    pub grids: i64,
    /// 网格长.
    pub heads: i64,
    /// 网格员.
    pub workers: i64,
    /// 联户单元数.
    pub units: i64,
    /// 联户长.
    pub leaders: i64,
    /// 副联户长.
    pub deputies: i64,
    /// 一级网格数: villages' own grids above the working ones, where there are two levels.
    pub level_one: i64,
}

/// What stands between several names or ids in one cell.
const BETWEEN: &str = "、";

fn text(text: &str) -> Cell {
    Cell::text(text)
}

fn date(day: &str) -> Cell {
    if day.is_empty() { Cell::Empty } else { Cell::Date(day.into()) }
}

fn several(items: &[String]) -> Cell {
    Cell::text(items.join(BETWEEN))
}

impl GridLine {
    /// Its cells.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells = vec![
            text(&self.code),
            text(&self.name),
            text(&self.level),
            text(&self.kind),
            text(&self.village),
            Cell::Whole(self.households),
            Cell::Whole(self.buildings),
            self.persons.map_or(Cell::Empty, Cell::Whole),
            self.area_m2.map_or(Cell::Empty, Cell::real),
            text(&self.bounds),
            several(&self.heads),
            several(&self.workers),
            date(&self.valid_from),
            date(&self.valid_to),
            text(&self.claim),
        ];
        cells.extend(self.names.iter().flatten().map(|n| several(n)));
        cells
    }
}

impl UnitLine {
    /// Its cells.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let [first, second] = &self.deputies;
        let mut cells = vec![
            text(&self.code),
            text(&self.name),
            text(&self.grid),
            Cell::Whole(self.households),
            text(&self.leader),
            text(first),
            text(second),
            several(&self.members),
            date(&self.updated_on),
            text(&self.reason),
            date(&self.founded_on),
            text(&self.contact_group),
            text(&self.claim),
        ];
        cells.extend(self.names.iter().flatten().map(|n| text(n)));
        cells
    }
}

impl GapLine {
    /// Its cells.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let missing = self.wanted.saturating_sub(self.present).max(0);
        vec![
            text(&self.code),
            text(&self.name),
            text(&self.village),
            text(&self.post),
            Cell::Whole(self.wanted),
            Cell::Whole(self.present),
            Cell::Whole(missing),
        ]
    }
}

impl SummaryLine {
    /// Its cells.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let counts = [self.grids, self.heads, self.workers, self.units, self.leaders, self.deputies, self.level_one];
        let mut cells = vec![Cell::text(self.code.as_str()), Cell::text(self.name.as_str())];
        cells.extend(counts.map(Cell::Whole));
        cells
    }

    /// The line under all: 合计.
    #[must_use]
    pub fn total(lines: &[Self]) -> Self {
        let sum = |of: fn(&Self) -> i64| lines.iter().map(of).sum();
        Self {
            code: String::new(),
            name: "合计".to_owned(),
            grids: sum(|l| l.grids),
            heads: sum(|l| l.heads),
            workers: sum(|l| l.workers),
            units: sum(|l| l.units),
            leaders: sum(|l| l.leaders),
            deputies: sum(|l| l.deputies),
            level_one: sum(|l| l.level_one),
        }
    }
}
