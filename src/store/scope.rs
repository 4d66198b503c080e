//! Who may see and do what, and where: every read and write of the store takes a [`Scope`].

use super::error::StoreError;

/// The five roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sees.
    Viewer,
    /// Sees and edits plans and the register.
    Planner,
    /// Sees and takes copies out.
    Exporter,
    /// May do everything.
    Admin,
    /// Sees, and reads the audit log.
    Auditor,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Viewer, Self::Planner, Self::Exporter, Self::Admin, Self::Auditor];

    /// The role of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.word() == word)
    }

    /// Its word in logs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Planner => "planner",
            Self::Exporter => "exporter",
            Self::Admin => "admin",
            Self::Auditor => "auditor",
        }
    }
}

/// What a role may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    EditRegister,
    HandleIncidents,
    EditPlan,
    Publish,
    ListOfficers,
    SeeOfficers,
    SeeAudit,
    ManageAccounts,
    Maintain,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Area {
    /// Codes that begin with these digits; none is the whole store.
    Prefix(String),
    /// Codes that begin with one of these townships.
    Zone(Vec<String>),
}

/// A role within an area. There is no read without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    role: Role,
    area: Area,
}

/// Lengths at which a code may be cut.
const BOUNDARIES: [usize; 7] = [2, 4, 6, 9, 12, 15, 18];

fn check_code(code: &str, lengths: &[usize]) -> Result<(), StoreError> {
    if lengths.contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    let lengths: Vec<String> = lengths.iter().map(usize::to_string).collect();
    Err(StoreError::BadArgument {
        name: "region",
        what: format!("“{}”: {} 位数字 digits", code.chars().take(20).collect::<String>(), lengths.join("/")),
    })
}

/// Checks a region prefix.
///
/// # Errors
/// When it is not digits of a boundary's length.
pub(super) fn check_prefix(code: &str) -> Result<(), StoreError> {
    check_code(code, &BOUNDARIES)
}

impl Scope {
    /// A role within a region (2, 4, 6, 9, 12 digits), grid (15) or unit (18).
    ///
    /// # Errors
    /// When the code is not cut at a boundary: `52042310` would leak half a township.
    pub fn region(role: Role, code: &str) -> Result<Self, StoreError> {
        check_prefix(code)?;
        Ok(Self { role, area: Area::Prefix(code.to_owned()) })
    }

    /// A role within a function zone: its townships' codes.
    ///
    /// # Errors
    /// When there is none, or one is not nine digits.
    pub fn zone(role: Role, townships: &[String]) -> Result<Self, StoreError> {
        if townships.is_empty() {
            return Err(StoreError::BadArgument { name: "zone", what: "没有乡镇 / no township".to_owned() });
        }
        for code in townships {
            check_code(code, &[9])?;
        }
        Ok(Self { role, area: Area::Zone(townships.to_vec()) })
    }

    /// A role within all the store has: for whoever holds the file itself, and the service's own upkeep.
    #[must_use]
    pub const fn whole_store(role: Role) -> Self {
        Self { role, area: Area::Prefix(String::new()) }
    }

    /// A role within an area as [`Scope::area`] writes it: `*`, a code, or the townships of a zone with `+` between them.
    ///
    /// # Errors
    /// When a code is not cut at a boundary.
    pub fn of_area(role: Role, area: &str) -> Result<Self, StoreError> {
        if area == "*" {
            return Ok(Self::whole_store(role));
        }
        if area.contains('+') {
            return Self::zone(role, &area.split('+').map(str::to_owned).collect::<Vec<_>>());
        }
        Self::region(role, area)
    }

    /// Its area in one word, see [`Scope::of_area`].
    #[must_use]
    pub fn area(&self) -> String {
        if self.is_whole() { "*".to_owned() } else { self.prefixes().join("+") }
    }

    /// Whether all that another scope covers is covered here too.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.is_whole() || (!other.is_whole() && other.prefixes().iter().all(|p| self.covers(p)))
    }

    /// Whether the two areas have anything in common.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        other.prefixes().iter().any(|p| self.within(p).is_some())
    }

    /// The same area for another role.
    #[must_use]
    pub fn as_role(&self, role: Role) -> Self {
        Self { role, area: self.area.clone() }
    }

    /// The role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Whether a code lies inside.
    #[must_use]
    pub fn covers(&self, code: &str) -> bool {
        self.prefixes().iter().any(|p| code.starts_with(p.as_str()))
    }

    /// Whether an incident lies inside, by its most exact code; see the column reads go by.
    #[must_use]
    pub fn covers_incident(&self, region: &str, grid: Option<&str>, unit: Option<&str>) -> bool {
        self.prefixes().iter().any(|p| {
            let code = match p.len() {
                18 => unit,
                15 => grid,
                _ => Some(region),
            };
            code.is_some_and(|c| c.starts_with(p.as_str()))
        })
    }

    /// The codes it is made of; an empty one is the whole store.
    #[must_use]
    pub fn prefixes(&self) -> &[String] {
        match &self.area {
            Area::Prefix(p) => std::slice::from_ref(p),
            Area::Zone(list) => list,
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        matches!(&self.area, Area::Prefix(p) if p.is_empty())
    }

    /// The narrower of the two areas, `None` where they do not meet.
    #[must_use]
    pub fn within(&self, prefix: &str) -> Option<Self> {
        let inside: Vec<String> = self
            .prefixes()
            .iter()
            .filter_map(|p| {
                if prefix.starts_with(p.as_str()) {
                    Some(prefix.to_owned())
                } else {
                    p.starts_with(prefix).then(|| p.clone())
                }
            })
            .collect();
        (!inside.is_empty()).then_some(Self { role: self.role, area: Area::Zone(inside) })
    }

    /// The same role within what the two areas have in common, `None` where they do not meet.
    #[must_use]
    pub fn narrowed_to(&self, other: &Self) -> Option<Self> {
        if other.contains(self) {
            return Some(self.clone());
        }
        let parts = other.prefixes().iter().filter_map(|p| self.within(p));
        let mut inside: Vec<String> = parts.flat_map(|s| s.prefixes().to_vec()).collect();
        inside.sort_unstable();
        inside.dedup();
        match inside.as_slice() {
            [] => None,
            [one] => Some(Self { role: self.role, area: Area::Prefix(one.clone()) }),
            _ => Some(Self { role: self.role, area: Area::Zone(inside) }),
        }
    }

    /// How it is written in the audit log.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{}@{}", self.role.word(), self.area())
    }

    pub(super) fn need(&self, right: Right) -> Result<(), StoreError> {
        use Right::{
            EditPlan, EditRegister, HandleIncidents, ListOfficers, Maintain, ManageAccounts, Publish, SeeAudit,
            SeeOfficers,
        };
        let (may, operation) = match right {
            EditRegister => (matches!(self.role, Role::Planner | Role::Admin), "修改台账 / edit the register"),
            HandleIncidents => (
                matches!(self.role, Role::Viewer | Role::Planner | Role::Admin),
                "上报和办理事件 / report and handle incidents",
            ),
            EditPlan => (matches!(self.role, Role::Planner | Role::Admin), "修改方案 / edit a plan"),
            Publish => (self.role == Role::Admin || self.role == Role::Planner, "发布方案 / publish a plan"),
            // which posts are filled; who fills them is revealed for a purpose, which is logged
            ListOfficers => (true, "列出人员 / list officers"),
            SeeOfficers => (self.role != Role::Auditor, "查看人员姓名电话 / see officers' names and telephones"),
            SeeAudit => (matches!(self.role, Role::Auditor | Role::Admin), "查看审计 / read the audit log"),
            ManageAccounts => (self.role == Role::Admin, "管理用户和令牌 / manage users and tokens"),
            Maintain => (self.role == Role::Admin && self.is_whole(), "维护全库 / maintain the whole store"),
        };
        if may { Ok(()) } else { Err(StoreError::Forbidden { role: self.role.word(), operation }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_is_cut_at_code_boundaries_only() {
        for bad in ["", "5", "52042310", "5204231020011", "52042x", "５２"] {
            assert!(Scope::region(Role::Viewer, bad).is_err(), "{bad}");
        }
        for good in ["52", "5204", "520423", "520423102", "520423102001", "520423102001003", "520423102001003012"] {
            assert!(Scope::region(Role::Viewer, good).is_ok(), "{good}");
        }
        assert!(Scope::zone(Role::Viewer, &[]).is_err());
    }

    #[test]
    fn area_is_read_as_it_is_written() {
        let zone = Scope::zone(Role::Viewer, &["520423102".to_owned(), "520424107".to_owned()]).expect("zone");
        let county = Scope::region(Role::Admin, "520423").expect("scope");
        for scope in [Scope::whole_store(Role::Admin), county.clone(), zone.clone()] {
            assert_eq!(Scope::of_area(scope.role(), &scope.area()), Ok(scope));
        }
        assert!(Scope::whole_store(Role::Admin).contains(&zone) && !county.contains(&zone) && county.meets(&zone));
        assert!(!county.contains(&Scope::whole_store(Role::Admin)));
    }

    #[test]
    fn narrowing_never_widens() {
        let county = Scope::region(Role::Viewer, "520423").expect("scope");
        assert_eq!(county.within("520423102").expect("inside").prefixes(), ["520423102"]);
        assert_eq!(county.within("52").expect("outside").prefixes(), ["520423"]);
        assert!(county.within("520424").is_none());
    }

    #[test]
    fn common_part_of_two_areas_lies_in_both() {
        let of = |area: &str| Scope::of_area(Role::Viewer, area).expect("scope");
        for (one, other, common) in [
            ("*", "520423", Some("520423")),
            ("520423", "*", Some("520423")),
            ("520423102", "520423", Some("520423102")),
            ("520423", "520423102001", Some("520423102001")),
            ("520423102+520424107", "520423", Some("520423102")),
            ("5204", "520423102+520424107", Some("520423102+520424107")),
            ("520423102+520424107", "520424107+520423103", Some("520424107")),
            ("520423102+520424107", "520423102001", Some("520423102001")),
            ("520423", "520424", None),
            ("520423102+520424107", "520425", None),
        ] {
            let found = of(one).narrowed_to(&of(other));
            assert_eq!(found.as_ref().map(Scope::area).as_deref(), common, "{one} {other}");
            if let Some(found) = found {
                assert!(of(one).contains(&found) && of(other).contains(&found));
                assert_eq!(Scope::of_area(Role::Viewer, &found.area()), Ok(found));
            }
        }
    }

    #[test]
    fn only_the_whole_store_is_maintained_and_by_admins() {
        assert!(Scope::whole_store(Role::Admin).need(Right::Maintain).is_ok());
        assert!(Scope::region(Role::Admin, "52").expect("scope").need(Right::Maintain).is_err());
        assert!(Scope::whole_store(Role::Planner).need(Right::Maintain).is_err());
    }
}
