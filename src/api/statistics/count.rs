//! The counting itself: groups from the store, names and what has none from memory.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::Answer;
use crate::api::extract::Params;
use crate::api::incidents::Names;
use crate::api::memory::{Collection, Snapshot, View};
use crate::api::turns::in_turn;
use crate::domain::incident::{Level, State};
use crate::plan::room::moments;
use crate::store::{Grouping, IncidentFilter, Scope, Tally};

/// Lengths of codes of divisions, from the province down.
const LENGTHS: [usize; 5] = [2, 4, 6, 9, 12];
/// Days shown in a row, those without an incident among them.
const MOST_DAYS: i64 = 3_660;
/// What incidents of no grid or unit are called.
const UNASSIGNED: &str = "未归格 unassigned";

/// By what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum By {
    Category,
    Level,
    State,
    Region,
    Day,
    Grid,
    Unit,
}

impl By {
    /// Their words and Chinese titles.
    pub(in crate::api) const WORDS: [(&'static str, &'static str, Self); 7] = [
        ("category", "类别", Self::Category),
        ("level", "层级", Self::Level),
        ("state", "状态", Self::State),
        ("region", "区划", Self::Region),
        ("day", "日期", Self::Day),
        ("grid", "网格", Self::Grid),
        ("unit", "单元", Self::Unit),
    ];

    pub(in crate::api) fn find(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|w| w.0 == word).map(|w| w.2)
    }

    pub(in crate::api) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|w| w.2 == self).map_or("", |w| w.0)
    }

    pub(in crate::api) fn title(self) -> &'static str {
        Self::WORDS.iter().find(|w| w.2 == self).map_or("", |w| w.1)
    }

    const fn grouping(self) -> Grouping {
        match self {
            Self::Category => Grouping::Category,
            Self::Level => Grouping::Level,
            Self::State => Grouping::State,
            Self::Region => Grouping::Region,
            Self::Day => Grouping::Hour,
            Self::Grid => Grouping::Grid,
            Self::Unit => Grouping::Unit,
        }
    }
}

/// One line: a group and its numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::api) struct Line {
    pub(in crate::api) key: String,
    pub(in crate::api) name: String,
    pub(in crate::api) count: u64,
    pub(in crate::api) open: u64,
    pub(in crate::api) overdue: u64,
}

/// What there is, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::api) struct Totals {
    pub(in crate::api) units: u64,
    pub(in crate::api) grids: u64,
    pub(in crate::api) households: u64,
    pub(in crate::api) leaders: u64,
    pub(in crate::api) incidents: u64,
    pub(in crate::api) open: u64,
    pub(in crate::api) overdue: u64,
    pub(in crate::api) today: u64,
    pub(in crate::api) days7: u64,
}

/// All that was counted.
pub(in crate::api) struct Counted {
    pub(in crate::api) by: By,
    pub(in crate::api) lines: Vec<Line>,
    pub(in crate::api) totals: Totals,
    /// Villages without an incident in the period (零发案村): code and name.
    pub(in crate::api) incident_free: Vec<(String, String)>,
}

impl Counted {
    pub(super) fn to_json(&self, params: &Params) -> Value {
        let t = self.totals;
        let line =
            |l: &Line| json!({"key": l.key, "name": l.name, "count": l.count, "open": l.open, "overdue": l.overdue});
        json!({
            "by": self.by.word(),
            "from": params.get("from"),
            "to": params.get("to"),
            "rows": self.lines.iter().map(line).collect::<Vec<_>>(),
            "totals": {
                "units": t.units, "grids": t.grids, "households": t.households, "leaders": t.leaders,
                "incidents": t.incidents, "open": t.open, "overdue": t.overdue, "today": t.today, "days7": t.days7,
            },
            "incident_free": self
                .incident_free
                .iter()
                .map(|(code, name)| json!({"code": code, "name": name}))
                .collect::<Vec<_>>(),
        })
    }
}

/// Lines by key, in the order in which they are shown.
#[derive(Default)]
struct Lines(Vec<Line>, BTreeMap<String, usize>);

impl Lines {
    fn line(&mut self, key: &str, name: impl FnOnce() -> String) -> Option<&mut Line> {
        let next = self.0.len();
        let at = *self.1.entry(key.to_owned()).or_insert(next);
        if at == next {
            self.0.push(Line { key: key.to_owned(), name: name(), ..Line::default() });
        }
        self.0.get_mut(at)
    }

    fn add(&mut self, key: &str, tally: &Tally, name: impl FnOnce() -> String) {
        if let Some(line) = self.line(key, name) {
            line.count += tally.count;
            line.open += tally.open;
            line.overdue += tally.overdue;
        }
    }
}

/// Divisions one sees in a region: code, level.
async fn divisions(app: &App, scope: &Scope, region: Option<&str>) -> Answer<Vec<(String, String)>> {
    let snapshot = app.memory.get(Collection::Regions).await?;
    let view = app.memory.view(&snapshot, scope).await?;
    let text = |t: &str| serde_json::from_str::<String>(t).unwrap_or_default();
    let level = snapshot.spec().position("level").unwrap_or_default();
    let mut all = Vec::new();
    for row in (0..snapshot.len() as u32).filter(|row| view.sees(*row)) {
        let code = snapshot.id(row).to_owned();
        if region.is_none_or(|r| code.starts_with(r)) {
            all.push((code, snapshot.field(row, level).map(text).unwrap_or_default()));
        }
    }
    Ok(all)
}

/// How long the codes are by which a region is divided: those of the next level down.
fn next_length(scope: &Scope, region: Option<&str>, divisions: &[(String, String)]) -> usize {
    let own = match (region, scope.prefixes()) {
        (Some(region), _) => region.len(),
        (None, [prefix]) if !prefix.is_empty() => prefix.len(),
        (None, [_]) => divisions.iter().map(|d| d.0.len()).min().unwrap_or(0),
        (None, _) => 6,
    };
    LENGTHS.into_iter().find(|l| *l > own).unwrap_or(12)
}

/// Counts.
///
/// # Errors
/// What the store says.
pub(in crate::api) async fn counted(
    app: &App,
    principal: &Principal,
    names: &Names,
    filter: &IncidentFilter,
    by: By,
) -> Answer<Counted> {
    let scope = &principal.scope;
    let region = filter.region.as_deref();
    // a village whose incidents are all closed is not without
    let whatever_became = IncidentFilter { states: None, open: None, overdue: None, ..filter.clone() };
    let (groups, everywhere, recent) = tokio::try_join!(
        async { Ok(app.store.tally_incidents(scope, filter, by.grouping()).await?) },
        async { Ok(app.store.tally_incidents(scope, &whatever_became, Grouping::Region).await?) },
        recent(app, scope, filter),
    )?;
    let divisions = divisions(app, scope, region).await?;
    let mut lines = Lines::default();
    match by {
        By::Category => {
            for c in names.lists.categories.iter().filter(|c| c.enabled) {
                lines.line(&c.key, || c.name.clone());
            }
            for t in &groups {
                lines.add(names.lists.category_key(&t.key), t, || names.lists.category_name(&t.key).to_owned());
            }
        }
        By::Level => {
            for level in Level::ALL {
                lines.line(level.word(), || level.name().to_owned());
            }
            for t in &groups {
                let key = Level::find(&t.key).map_or(t.key.as_str(), |l| l.word());
                lines.add(key, t, || t.key.clone());
            }
        }
        By::State => {
            for state in State::ALL {
                lines.line(state.word(), || state.name().to_owned());
            }
            for t in &groups {
                let key = State::find(&t.key).map_or(t.key.as_str(), |s| s.word());
                lines.add(key, t, || t.key.clone());
            }
        }
        By::Region => {
            let length = next_length(scope, region, &divisions);
            for (code, _) in divisions.iter().filter(|d| d.0.len() == length) {
                lines.line(code, || names.region(code));
            }
            for t in &groups {
                let key = t.key.get(..length).unwrap_or(&t.key);
                lines.add(key, t, || names.region(key));
            }
        }
        By::Day => by_day(&mut lines, &groups, filter),
        By::Grid => {
            for t in &groups {
                lines.add(&t.key, t, || match t.key.as_str() {
                    "" => UNASSIGNED.to_owned(),
                    code => names.grid(code).unwrap_or_else(|| code.to_owned()),
                });
            }
        }
        By::Unit => {
            for t in &groups {
                lines.add(&t.key, t, || match t.key.as_str() {
                    "" => UNASSIGNED.to_owned(),
                    code => {
                        let grid = code.get(..15).and_then(|g| names.grid(g));
                        format!("{} {}", grid.unwrap_or_default(), code.get(15..).unwrap_or(code)).trim().to_owned()
                    }
                });
            }
        }
    }
    let had: std::collections::BTreeSet<&str> = everywhere.iter().map(|t| t.key.as_str()).collect();
    let free = divisions.iter().filter(|(code, level)| level == "village" && !had.contains(code.as_str()));
    let incident_free = free.map(|(code, _)| (code.clone(), names.region(code))).collect();
    let of = |number: fn(&Tally) -> u64| groups.iter().map(number).sum();
    let totals = Totals {
        incidents: of(|t| t.count),
        open: of(|t| t.open),
        overdue: of(|t| t.overdue),
        today: recent.0,
        days7: recent.1,
        ..register(app, scope, region).await?
    };
    Ok(Counted { by, lines: lines.0, totals, incident_free })
}

/// Hours, UTC, folded into China's days; days without an incident stand between.
fn by_day(lines: &mut Lines, groups: &[Tally], filter: &IncidentFilter) {
    let day = |hour: &str| moments::parse(&format!("{hour}:00:00Z")).map(moments::china_day);
    let moment = |text: &Option<String>| text.as_deref().and_then(moments::parse);
    let first = moment(&filter.from).map(moments::china_day).or_else(|| day(&groups.first()?.key));
    let last =
        moment(&filter.to).map(|t| moments::china_day(t - Duration::SECOND)).or_else(|| day(&groups.last()?.key));
    if let (Some(first), Some(last)) = (first, last)
        && (last - first).whole_days() < MOST_DAYS
    {
        let mut at = first;
        while at <= last {
            lines.line(&at.to_string(), || at.to_string());
            let Some(next) = at.next_day() else { break };
            at = next;
        }
    }
    for t in groups {
        if let Some(day) = day(&t.key) {
            lines.add(&day.to_string(), t, || day.to_string());
        }
    }
}

/// How many incidents there are since today's and since the sixth midnight before it, in China.
async fn recent(app: &App, scope: &Scope, filter: &IncidentFilter) -> Answer<(u64, u64)> {
    let midnight = moments::start_of(moments::china_day(OffsetDateTime::now_utc()));
    let since = async |from: OffsetDateTime| -> Answer<u64> {
        let filter = IncidentFilter { from: Some(moments::stored(from)), to: None, ..filter.clone() };
        let groups = app.store.tally_incidents(scope, &filter, Grouping::Nothing).await?;
        Ok(groups.first().map_or(0, |t| t.count))
    };
    Ok((since(midnight).await?, since(midnight - Duration::days(6)).await?))
}

/// What there is in a region, of the plan in force and of the register.
///
/// # Errors
/// What the store says.
async fn register(app: &App, scope: &Scope, region: Option<&str>) -> Answer<Totals> {
    let mut totals = Totals::default();
    let narrow = match region {
        None => Some(scope.clone()),
        Some(region) => scope.within(region),
    };
    let Some(narrow) = narrow else { return Ok(totals) };
    for (collection, into) in [
        (Collection::Units, &mut totals.units),
        (Collection::Grids, &mut totals.grids),
        (Collection::Households, &mut totals.households),
    ] {
        let snapshot = app.memory.get(collection).await?;
        *into = app.memory.view(&snapshot, &narrow).await?.count as u64;
    }
    let leaders = app.memory.get(Collection::Leaders).await?;
    let view = app.memory.view(&leaders, &narrow).await?;
    totals.leaders = in_turn(move || leaders_in(&leaders, &view)).await?;
    Ok(totals)
}

/// Leaders, without deputies, that a view sees.
fn leaders_in(leaders: &Snapshot, view: &View) -> u64 {
    let role = leaders.spec().position("role").unwrap_or_default();
    let is_leader = |row: &u32| leaders.field(*row, role) == Some("\"leader\"");
    // looked through once: a county has a hundred thousand
    let Ok(rows) = leaders.selection("leader", || {
        Ok::<_, std::convert::Infallible>((0..leaders.len() as u32).filter(is_leader).collect())
    });
    rows.iter().filter(|row| view.sees(**row)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Role;

    fn tally(key: &str, count: u64) -> Tally {
        Tally { key: key.to_owned(), count, open: 0, overdue: 0 }
    }

    #[test]
    fn hours_fold_into_days_of_china_and_no_day_is_left_out() {
        let groups = [tally("2025-02-28T15", 1), tally("2025-02-28T16", 2), tally("2025-03-03T00", 4)];
        let mut lines = Lines::default();
        by_day(&mut lines, &groups, &IncidentFilter::default());
        let found: Vec<(&str, u64)> = lines.0.iter().map(|l| (l.key.as_str(), l.count)).collect();
        assert_eq!(found, [("2025-02-28", 1), ("2025-03-01", 2), ("2025-03-02", 0), ("2025-03-03", 4)]);
        let filter = IncidentFilter {
            from: Some("2025-02-27T16:00:00.000Z".to_owned()),
            to: Some("2025-03-01T16:00:00.000Z".to_owned()),
            ..IncidentFilter::default()
        };
        let mut lines = Lines::default();
        by_day(&mut lines, &groups[..1], &filter);
        assert_eq!(lines.0.iter().map(|l| l.count).collect::<Vec<_>>(), [1, 0], "the day after the last is not shown");
    }

    #[test]
    fn region_is_divided_by_the_next_level_down() {
        let all = Scope::whole_store(Role::Viewer);
        let county = Scope::region(Role::Viewer, "520423").expect("scope");
        let there = [("520423".to_owned(), "county".to_owned()), ("520423102".to_owned(), "township".to_owned())];
        assert_eq!(next_length(&all, None, &there), 9);
        assert_eq!(next_length(&county, None, &there), 9);
        assert_eq!(next_length(&county, Some("520423102"), &there), 12);
        assert_eq!(next_length(&all, Some("52"), &there), 4);
        assert_eq!(next_length(&all, Some("520423102001"), &there), 12);
    }
}
