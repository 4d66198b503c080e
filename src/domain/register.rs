//! The register as rows: what offices keep about places, dwellings, nets, officers and incidents.
//!
//! Every row has an opaque or official key, an optional validity in whole days and `row_version`: 0 in a row that comes from
//! outside and claims nothing, otherwise the version the row had when it was read; the store counts it up at each change.
//! Geometry is in WGS 84 degrees, `[lon, lat]`.

use serde::{Deserialize, Serialize};

use super::position::LonLat;

/// A ring of positions, first = last.
pub type Ring = Vec<[f64; 2]>;

/// Polygons, each a list of rings, exterior first.
pub type Polygons = Vec<Vec<Ring>>;

/// A shape in WGS 84 degrees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Geometry {
    /// One place.
    Point([f64; 2]),
    /// An open line of two places or more.
    Line(Vec<[f64; 2]>),
    /// Rings, exterior first.
    Polygon(Vec<Ring>),
    /// Several polygons (exclaves).
    MultiPolygon(Polygons),
}

impl Geometry {
    /// Calls `see` with every position.
    pub fn each_position(&self, mut see: impl FnMut([f64; 2])) {
        match self {
            Self::Point(p) => see(*p),
            Self::Line(line) => line.iter().copied().for_each(see),
            Self::Polygon(rings) => rings.iter().flatten().copied().for_each(see),
            Self::MultiPolygon(parts) => parts.iter().flatten().flatten().copied().for_each(&mut see),
        }
    }

    /// `[min lon, min lat, max lon, max lat]` in degrees; `None` for a shape without positions.
    #[must_use]
    pub fn bounds_deg(&self) -> Option<[f64; 4]> {
        let mut b = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        self.each_position(|[x, y]| b = [b[0].min(x), b[1].min(y), b[2].max(x), b[3].max(y)]);
        (b[0] <= b[2]).then_some(b)
    }
}

/// Whether a place lies inside polygons, by the even–odd rule over all rings.
#[must_use]
pub fn holds(polygons: &[Vec<Ring>], [x, y]: [f64; 2]) -> bool {
    let edges = polygons.iter().flatten().flat_map(|ring| ring.iter().zip(ring.iter().skip(1)));
    edges.fold(false, |odd, (a, b)| {
        if (a[1] > y) == (b[1] > y) {
            return odd;
        }
        odd ^ (x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
    })
}

/// Cuts the zeros of a written-out twelve-digit code of a higher division: `520423102000` → `520423102`.
///
/// Regions have 2, 4, 6, 9 or 12 digits in the store, so that a code is a prefix of all that lies in it.
#[must_use]
pub fn trim_code(code: &str) -> &str {
    if code.len() != 12 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return code;
    }
    for keep in [2, 4, 6, 9] {
        if code.bytes().skip(keep).all(|b| b == b'0') {
            return &code[..keep];
        }
    }
    code
}

/// An administrative division (行政区).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RegionRow {
    /// 2, 4, 6, 9 or 12 digits.
    pub code: String,
    /// Name.
    pub name: String,
    /// `province`, `city`, `county`, `township`, `village`, as its digits say.
    pub level: String,
    /// Code of the division it lies in, where that is kept too.
    pub parent: Option<String>,
    /// Outline, where known.
    pub outline: Option<Polygons>,
    /// First day, `YYYY-MM-DD`.
    pub valid_from: Option<String>,
    /// Day from which it is no more.
    pub valid_to: Option<String>,
    /// Version of the row.
    pub row_version: u64,
}

/// A function zone (功能区): townships of several counties under one administration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ZoneRow {
    /// Opaque id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Codes of its townships, nine digits.
    pub townships: Vec<String>,
    /// First day.
    pub valid_from: Option<String>,
    /// Day from which it is no more.
    pub valid_to: Option<String>,
    /// Version of the row.
    pub row_version: u64,
}

/// A building (楼栋): what a grid's border never splits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuildingRow {
    /// Opaque id.
    pub id: String,
    /// Village code, twelve digits.
    pub village: String,
    /// Name or address.
    pub name: Option<String>,
    /// `dwelling`, `school`, `hospital`, … as the office says.
    pub kind: Option<String>,
    /// Households in it, where counted apart from the household rows.
    pub households: Option<u32>,
    /// Institution whose dedicated grid it belongs to.
    pub dedicated: Option<String>,
    /// Names of its stairwells (单元/楼道).
    pub stairwells: Vec<String>,
    /// A point, or its ground plan.
    pub place: Geometry,
    /// First day.
    pub valid_from: Option<String>,
    /// Day it was pulled down.
    pub valid_to: Option<String>,
    /// Version of the row.
    pub row_version: u64,
}

/// How a dwelling is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tenure {
    /// 自有.
    Own,
    /// 租住.
    Rented,
    /// 空置.
    Vacant,
}

/// An actual dwelling household (实有住户): where, never who.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HouseholdRow {
    /// Opaque id.
    pub id: String,
    /// Village code, twelve digits.
    pub village: String,
    /// Id of its building.
    pub building: String,
    /// Stairwell within the building.
    pub stairwell: Option<String>,
    /// Storey.
    pub floor: Option<i32>,
    /// Natural settlement (自然寨).
    pub hamlet: Option<String>,
    /// Villagers' group (村民小组).
    pub group_name: Option<String>,
    /// Persons.
    pub persons: Option<u32>,
    /// How it is held.
    pub tenure: Option<Tenure>,
    /// May be proposed as leader or deputy.
    pub eligible: Option<bool>,
    /// Where it lies.
    pub place: LonLat,
    /// Day it arrived.
    pub valid_from: Option<String>,
    /// Day it left.
    pub valid_to: Option<String>,
    /// Version of the row.
    pub row_version: u64,
}

/// A governance centre (综治中心).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CentreRow {
    /// Opaque id.
    pub id: String,
    /// Code of its division.
    pub region: String,
    /// `county`, `township` or `village`.
    pub level: String,
    /// Name.
    pub name: String,
    /// Where it is.
    pub place: Option<LonLat>,
    /// Address.
    pub address: Option<String>,
    /// Duty hours, as posted at the door.
    pub duty_hours: Option<String>,
    /// First day.
    pub valid_from: Option<String>,
    /// Day from which it is no more.
    pub valid_to: Option<String>,
    /// Version of the row.
    pub row_version: u64,
}

/// An officer (网格长, 网格员, 联户长 …): optional, in a table of its own; name and phone stand nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OfficerRow {
    /// Opaque id.
    pub id: String,
    /// Code of the region (2–12 digits), grid (15) or unit (18) served.
    pub region: String,
    /// Role: `grid_head`, `grid_worker`, `leader`, `deputy`, …
    pub role: String,
    /// Name.
    pub name: Option<String>,
    /// Phone, sealed by the caller.
    pub phone_sealed: Option<Vec<u8>>,
    /// Household id, for leaders and deputies.
    pub household: Option<String>,
    /// Day of election or appointment.
    pub elected_on: Option<String>,
    /// First day.
    pub valid_from: Option<String>,
    /// Day the office was left.
    pub valid_to: Option<String>,
    /// Version of the row.
    pub row_version: u64,
}

/// A river, railway, road, … or a bridge (H11, S2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BarrierRow {
    /// Opaque id.
    pub id: String,
    /// Code of the division it is kept with.
    pub region: String,
    /// `river`, `railway`, `road`, `bridge`, …
    pub kind: String,
    /// Removes adjacency instead of costing.
    pub hard: bool,
    /// Name.
    pub name: Option<String>,
    /// A line or a polygon.
    pub shape: Geometry,
    /// First day.
    pub valid_from: Option<String>,
    /// Day from which it is no more.
    pub valid_to: Option<String>,
    /// Version of the row.
    pub row_version: u64,
}

/// One area of a former net (police, city management, tourism, poverty relief) whose borders can be re-used (S10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OldNetRow {
    /// Opaque id.
    pub id: String,
    /// Which net.
    pub net: String,
    /// Code of the division it is kept with.
    pub region: String,
    /// Name of the area.
    pub name: Option<String>,
    /// Its area.
    pub shape: Polygons,
    /// First day.
    pub valid_from: Option<String>,
    /// Day from which it is no more.
    pub valid_to: Option<String>,
    /// Version of the row.
    pub row_version: u64,
}

/// An incident (事件). Whether it is overdue is derived from `due_at`, never stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IncidentRow {
    /// Opaque id.
    pub id: String,
    /// Village code, twelve digits, or a higher division's where that is all one knows.
    pub region: String,
    /// Grid code, by the plan in force when it was reported or, while it is open, now.
    pub grid: Option<String>,
    /// Code of the unit of the nearest household of that grid.
    pub unit: Option<String>,
    /// Category, a key of the dictionary.
    pub category: String,
    /// Dispute type, a key of the dictionary.
    pub dispute: Option<String>,
    /// Level that handles it: `grid`, `village`, `township`, `county`.
    pub level: String,
    /// State the last transition led to.
    pub state: String,
    /// When it happened, RFC 3339 UTC with milliseconds.
    pub occurred_at: String,
    /// When it must be done.
    pub due_at: Option<String>,
    /// What it is about, without names.
    pub summary: Option<String>,
    /// Where.
    pub place: Option<LonLat>,
    /// System it came from, where it was sent by one.
    pub source: Option<String>,
    /// Its id there: with the source it stands once.
    pub source_id: Option<String>,
    /// Version of the row.
    pub row_version: u64,
}

/// One step of an incident; appended, never changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IncidentTransition {
    /// Opaque id.
    pub id: String,
    /// The incident.
    pub incident: String,
    /// The incident's region, so that a step is found by it too.
    pub region: String,
    /// State before.
    pub from_state: String,
    /// State after.
    pub to_state: String,
    /// Level before.
    pub from_level: String,
    /// Level after.
    pub to_level: String,
    /// Role that did it.
    pub role: String,
    /// When, RFC 3339 UTC with milliseconds.
    pub at: String,
    /// Due time it sets.
    pub due_at: Option<String>,
    /// Reason (of a rejection, a skipped level, a return).
    pub reason: Option<String>,
    /// Version of the row.
    pub row_version: u64,
}

/// One entry of an extensible list (incident categories, dispute types, building kinds).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DictionaryRow {
    /// `dictionary/key`.
    pub id: String,
    /// Which list.
    pub dictionary: String,
    /// Key within the list.
    pub key: String,
    /// Chinese name.
    pub name: String,
    /// English name.
    pub name_en: Option<String>,
    /// Place in the list.
    pub position: i64,
    /// Offered for new entries.
    pub enabled: bool,
    /// Of a category: hours an incident may take at grid, village, township and county, with `、` between them; as it ships where not said.
    pub due_hours: Option<String>,
    /// Version of the row.
    pub row_version: u64,
}

/// A rule profile kept with the register, as TOML.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProfileRow {
    /// Name, as in the TOML.
    pub name: String,
    /// Title people read.
    pub title: String,
    /// The profile.
    pub toml: String,
    /// Version of the row.
    pub row_version: u64,
}

/// Work that outlives a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// Opaque id.
    pub id: String,
    /// Region it works on.
    pub region: String,
    /// `import`, `plan`, `export`, …
    pub kind: String,
    /// `queued`, `running`, `done`, `failed`, `cancelled`.
    pub state: String,
    /// Share done, 0…1.
    pub progress: f64,
    /// What was asked, as JSON.
    pub parameters: String,
    /// What came of it, as JSON.
    pub result: Option<String>,
    /// When it was asked for.
    pub created_at: String,
    /// When it last said something.
    pub updated_at: String,
    /// Version of the row.
    pub row_version: u64,
}

/// One entry of the audit log. `hash` is the SHA-256 of `previous` and all the other fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Counts the entries from 1, without gaps, in commit order.
    pub seq: u64,
    /// When, RFC 3339 UTC with milliseconds.
    pub at: String,
    /// Who, as an opaque id.
    pub actor: String,
    /// With which scope.
    pub scope: String,
    /// What was done, e.g. `plan.edit`.
    pub operation: String,
    /// What it was done to: a plan's id, a layer.
    pub subject: String,
    /// Before, as JSON; officers appear as id and salted commitment.
    pub before: Option<String>,
    /// After, as JSON.
    pub after: Option<String>,
    /// Hash of the entry before, hexadecimal.
    pub previous: String,
    /// Hash of this entry, hexadecimal.
    pub hash: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_of_a_higher_division_loses_its_zeros_only() {
        for (long, short) in [
            ("520423102000", "520423102"),
            ("520423000000", "520423"),
            ("520400000000", "5204"),
            ("520000000000", "52"),
            ("520423102001", "520423102001"),
            ("520423100000", "520423100"),
            ("5204", "5204"),
        ] {
            assert_eq!(trim_code(long), short);
        }
    }
}
