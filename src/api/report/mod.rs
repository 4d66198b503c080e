//! `/api/report`: the day of a region as a page for print: figures, a map, a chart, tables. The browser makes the PDF.

mod picture;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use time::{Date, Duration, OffsetDateTime};

use super::App;
use super::auth::Principal;
use super::error::{Answer, Problem};
use super::extract::Params;
use super::hotspots::ground;
use super::incidents::{Names, filter_of};
use super::ogc::html;
use super::statistics::{By, Counted, Line, counted};
use crate::api::turns::in_turn;
use crate::domain::incident::{Level, State as Standing};
use crate::domain::register::IncidentRow;
use crate::plan::room::{Ground, moments};
use crate::store::{IncidentFilter, IncidentOrder, IncidentPage};

/// Incidents listed at most.
const MOST: u32 = 200;
/// Days of the chart, with the day itself.
const CHART_DAYS: i64 = 30;

fn day_of(params: &Params) -> Answer<Date> {
    match params.get("day") {
        None => Ok(moments::china_day(OffsetDateTime::now_utc())),
        Some(text) => moments::day(text).ok_or_else(|| Problem::bad("day", "YYYY-MM-DD")),
    }
}

/// The filter of some days up to and with one.
fn days(base: &IncidentFilter, day: Date, days: i64) -> IncidentFilter {
    let end = moments::start_of(day) + Duration::DAY;
    IncidentFilter {
        from: Some(moments::stored(end - Duration::days(days))),
        to: Some(moments::stored(end)),
        ..base.clone()
    }
}

fn lines(title: &str, lines: &[Line]) -> String {
    let head = [title, "事件数 incidents", "未办结 open", "超期 overdue"].map(str::to_owned);
    let row = |l: &Line| vec![l.name.clone(), l.count.to_string(), l.open.to_string(), l.overdue.to_string()];
    html::table(&head, &lines.iter().map(row).collect::<Vec<_>>())
}

fn listed(rows: &[IncidentRow], names: &Names) -> String {
    let head = ["时间 time", "类别 category", "村 village", "网格 grid", "层级 level", "状态 state", "期限 due"]
        .map(str::to_owned);
    let clock = |t: &str| moments::shown(t).get(..16).unwrap_or_default().replace('T', " ");
    let row = |i: &IncidentRow| {
        vec![
            clock(&i.occurred_at),
            names.lists.category_name(&i.category).to_owned(),
            names.region(&i.region),
            i.grid.as_deref().map_or("未归格".to_owned(), |g| names.grid(g).unwrap_or_else(|| g.to_owned())),
            Level::find(&i.level).map_or(i.level.clone(), |l| l.name().to_owned()),
            Standing::find(&i.state).map_or(i.state.clone(), |s| s.name().to_owned()),
            i.due_at.as_deref().map(clock).unwrap_or_default(),
        ]
    };
    html::table(&head, &rows.iter().map(row).collect::<Vec<_>>())
}

fn figures(counted: &Counted) -> String {
    let t = counted.totals;
    let head = [
        "本日事件 of the day",
        "未办结 open",
        "超期 overdue",
        "近七日 seven days",
        "网格 grids",
        "单元 units",
        "住户 households",
        "联户长 leaders",
    ];
    let row = [t.incidents, t.open, t.overdue, t.days7, t.grids, t.units, t.households, t.leaders];
    html::table(&head.map(str::to_owned), &[row.iter().map(u64::to_string).collect()])
}

/// All that the page is made of.
struct Found {
    /// As people call it.
    region: String,
    day: Date,
    by_category: Counted,
    by_region: Counted,
    course: Counted,
    today: IncidentPage,
    late: IncidentPage,
    ground: Ground,
    names: Names,
}

impl Found {
    fn page(&self) -> String {
        let Self { region, day, by_category, by_region, course, today, late, ground, names } = self;
        let mut body = String::new();
        body.push_str(&figures(by_category));
        body.push_str("<h2>位置 / Where</h2>\n");
        body.push_str(&picture::map(ground));
        body.push_str("<h2>近三十日 / Thirty days</h2>\n");
        body.push_str(&picture::bars(&course.lines));
        body.push_str("<h2>类别 / Categories</h2>\n");
        body.push_str(&lines("类别 category", &by_category.lines));
        body.push_str("<h2>区划 / Regions</h2>\n");
        body.push_str(&lines("区划 region", &by_region.lines));
        body.push_str("<h2>零发案村 / Villages without an incident</h2>\n<p>");
        let free: Vec<String> = by_category.incident_free.iter().map(|(_, name)| html::escape(name)).collect();
        body.push_str(if free.is_empty() { "无 none" } else { "" });
        body.push_str(&free.join("、"));
        body.push_str("</p>\n<h2>本日事件 / Incidents of the day</h2>\n");
        body.push_str(&listed(&today.rows, names));
        body.push_str("<h2>超期事件 / Overdue</h2>\n");
        body.push_str(&listed(&late.rows, names));
        for (page, what) in [(today, "本日事件 incidents of the day"), (late, "超期事件 overdue")] {
            if page.next.is_some() {
                let said = format!(
                    "{what}: 只列前 {MOST} 件，共 {0} / the first {MOST} of {0} are listed",
                    page.number_matched
                );
                body.push_str(&format!("<p class=\"note\">{}</p>\n", html::escape(&said)));
            }
        }
        let now = moments::shown(&moments::stored(OffsetDateTime::now_utc()));
        body.push_str(&format!("<p class=\"note\">制表 made {}</p>\n", html::escape(&now)));
        html::page(&format!("{region} 事件日报 / daily report {day}"), &[], &body)
    }
}

/// The page; outlines of a city are drawn off the request threads.
pub(super) async fn report(State(app): State<Arc<App>>, principal: Principal, params: Params) -> Answer<Response> {
    params.only(&["region", "day"])?;
    let day = day_of(&params)?;
    let names = Names::read(&app, &principal).await?;
    let base = filter_of(&params, &names.lists)?;
    let today = days(&base, day, 1);
    let by_category = counted(&app, &principal, &names, &today, By::Category).await?;
    let by_region = counted(&app, &principal, &names, &today, By::Region).await?;
    let course = counted(&app, &principal, &names, &days(&base, day, CHART_DAYS), By::Day).await?;
    let scope = &principal.scope;
    let rows = app.store.find_incidents(scope, &today, IncidentOrder::Oldest, None, MOST).await?;
    let late = IncidentFilter { overdue: Some(true), ..base.clone() };
    let late = app.store.find_incidents(scope, &late, IncidentOrder::Oldest, None, MOST).await?;
    let ground = ground(&app, scope, &today, false, None).await?;
    // of what lies elsewhere not even the name is told
    let named = |r: &str| if scope.within(r).is_some() { names.region(r) } else { r.to_owned() };
    let region = base.region.as_deref().map_or_else(|| "全部辖区 all of the area".to_owned(), named);
    let found = Found { region, day, by_category, by_region, course, today: rows, late, ground, names };
    let page = in_turn(move || found.page()).await?;
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response())
}
