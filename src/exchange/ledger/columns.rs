//! The columns of each ledger, and what may happen to them in an office.

use crate::exchange::gate::schema::FieldKind;
use crate::exchange::write::FieldType;

use super::Ledger;

/// What may happen to a column in an office.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Rows are matched by it.
    Key,
    /// It may be edited.
    Open,
    /// A remark on the row's change; by itself it changes nothing.
    Remark,
    /// It is computed or kept elsewhere: a change to it is a misunderstanding. Says where it is kept, Chinese then English.
    Elsewhere(&'static str, &'static str),
    /// Which state of which plan the row shows.
    Claim,
}

/// One column of a ledger.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) title: &'static str,
    /// What is written.
    pub(super) kind: FieldType,
    /// What may come back.
    pub(super) wants: FieldKind,
    pub(super) role: Role,
}

const fn text(title: &'static str, role: Role) -> Column {
    Column { title, kind: FieldType::Text, wants: FieldKind::Text, role }
}

const fn id(title: &'static str, role: Role) -> Column {
    Column { title, kind: FieldType::Text, wants: FieldKind::Id, role }
}

const fn code(title: &'static str, digits: &'static [usize]) -> Column {
    Column { title, kind: FieldType::Text, wants: FieldKind::Code(digits), role: Role::Key }
}

const fn count(title: &'static str) -> Column {
    Column { title, kind: FieldType::Whole, wants: FieldKind::Count(i64::MAX), role: COMPUTED }
}

const fn day(title: &'static str, role: Role) -> Column {
    Column { title, kind: FieldType::Date, wants: FieldKind::Date, role }
}

const COMPUTED: Role = Role::Elsewhere("由系统计算", "it is computed");
const OFFICERS: Role = Role::Elsewhere("人员请导入 officers 图层", "officers come by the layer officers");
const MEMBERS: Role = Role::Elsewhere("住户调整请编辑方案", "households are moved by editing the plan");
const PUBLISHED: Role = Role::Elsewhere("启用、停用随方案发布", "it follows from publishing a plan");

const GRIDS: &[Column] = &[
    code("网格编码", &[15]),
    text("网格名称", Role::Open),
    text("级别", COMPUTED),
    text("类型", COMPUTED),
    text("所属村(社区)", COMPUTED),
    count("户数"),
    count("楼栋数"),
    count("人口"),
    Column { title: "面积", kind: FieldType::Real, wants: FieldKind::Real, role: COMPUTED },
    text("四至", COMPUTED),
    text("网格长", OFFICERS),
    text("网格员", OFFICERS),
    day("启用日期", PUBLISHED),
    day("停用日期", PUBLISHED),
    text("方案版本", Role::Claim),
];
const GRID_NAMES: &[Column] = &[text("网格长姓名", OFFICERS), text("网格员姓名", OFFICERS)];

const UNITS: &[Column] = &[
    code("单元编码", &[18]),
    text("单元名称", COMPUTED),
    text("所属网格", COMPUTED),
    count("户数"),
    id("联户长", Role::Open),
    id("副联户长1", Role::Open),
    id("副联户长2", Role::Open),
    text("户号清单", MEMBERS),
    day("更新日期", Role::Remark),
    text("变更原因", Role::Remark),
    day("成立日期", Role::Open),
    text("联系群", Role::Open),
    text("方案版本", Role::Claim),
];
const UNIT_NAMES: &[Column] =
    &[text("联户长姓名", OFFICERS), text("副联户长1姓名", OFFICERS), text("副联户长2姓名", OFFICERS)];

const GAPS: &[Column] = &[
    code("编码", &[15, 18]),
    text("名称", COMPUTED),
    text("所属村(社区)", COMPUTED),
    text("岗位", COMPUTED),
    count("应配"),
    count("实配"),
    count("缺额"),
];

const SUMMARY: &[Column] = &[
    code("乡镇编码", &[9]),
    text("乡镇(街道)", COMPUTED),
    count("网格数"),
    count("网格长"),
    count("网格员"),
    count("联户单元数"),
    count("联户长"),
    count("副联户长"),
    count("一级网格数"),
];

impl Ledger {
    /// The columns without people's names: those that may come back.
    pub(super) const fn own_columns(self) -> &'static [Column] {
        match self {
            Self::Grids => GRIDS,
            Self::Units => UNITS,
            Self::Gaps => GAPS,
            Self::Summary => SUMMARY,
        }
    }

    pub(super) fn columns(self, with_names: bool) -> impl Iterator<Item = &'static Column> {
        let names = match self {
            Self::Grids if with_names => GRID_NAMES,
            Self::Units if with_names => UNIT_NAMES,
            _ => &[],
        };
        self.own_columns().iter().chain(names)
    }
}
