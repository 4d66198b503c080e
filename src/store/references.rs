//! What rows say of one another: that what they name is there, and that what is written twice is the same twice.

use super::check::{Finding, NOT_SETTLED};
use super::error::StoreError;
use super::foreign;
use super::sql::{Dialect, Session, Sql};

/// Rows that another program deleted: there is nothing left that could lack a sum.
pub(super) async fn deleted_elsewhere(session: &mut dyn Session, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    if session.dialect() == Dialect::Postgres {
        return Ok(());
    }
    for (layer, fid, id) in foreign::deleted(session).await? {
        let place = format!("{layer} fid {fid} ({})", id.unwrap_or_default());
        let what = "被其他软件删除，尚未确认（lianhu foreign list） / deleted by another program, not settled";
        found.push(Finding::new("foreign", place, what));
    }
    Ok(())
}

/// Findings of one kind that are told.
const MOST_TOLD: u32 = 20;

/// Households whose building is not there; where another program took it away or named it otherwise, that waits to be settled.
async fn homes(session: &mut dyn Session, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let mut gone = std::collections::BTreeSet::new();
    if session.dialect() == Dialect::Sqlite {
        gone = foreign::changed_buildings(session).await?;
    }
    let sql = "SELECT h.id, h.building FROM households h LEFT JOIN buildings b ON b.id = h.building WHERE b.id IS NULL";
    // some of each kind: the many that wait must not hide the one that is lost
    let mut told = [0; 2];
    for mut row in session.rows(Sql::new("households", sql)).await? {
        let (id, building): (String, String) = (row.take()?, row.take()?);
        let waits = gone.contains(&building);
        let (kind, what) = match waits {
            true => ("foreign", NOT_SETTLED),
            false => ("reference", "楼栋不存在 / its building does not exist"),
        };
        let [lost, waiting] = &mut told;
        let told = if waits { waiting } else { lost };
        *told += 1;
        if *told <= MOST_TOLD {
            found.push(Finding::new(kind, format!("households {id}"), what));
        }
    }
    Ok(())
}

/// References the tables do not keep by themselves, as rows come from outside in any order.
const REFERENCES: [(&str, &str, &str); 4] = [
    (
        "incident_transitions",
        "SELECT t.id FROM incident_transitions t LEFT JOIN incidents i ON i.id = t.incident WHERE i.id IS NULL LIMIT 20",
        "事件不存在 / its incident does not exist",
    ),
    (
        "incident_photos",
        "SELECT p.incident FROM incident_photos p LEFT JOIN incidents i ON i.id = p.incident WHERE i.id IS NULL LIMIT 20",
        "事件不存在 / its incident does not exist",
    ),
    (
        "seats",
        "SELECT s.building FROM seats s LEFT JOIN grids g ON g.plan_no = s.plan_no AND g.code = s.grid
         WHERE g.code IS NULL LIMIT 20",
        "网格不存在 / its grid does not exist",
    ),
    (
        "memberships",
        "SELECT m.household FROM memberships m LEFT JOIN units u ON u.plan_no = m.plan_no AND u.code = m.unit
         WHERE u.code IS NULL LIMIT 20",
        "单元不存在 / its unit does not exist",
    ),
];

/// What is written of a plan with its rows, so that a GIS sees it, and what follows from the history.
const OF_PLANS: [(&str, &str, &str); 5] = [
    (
        "grids",
        "SELECT t.code FROM grids t LEFT JOIN plans p ON p.no = t.plan_no
         WHERE p.no IS NULL OR t.plan <> p.id OR t.in_force <> (p.status = 'live') LIMIT 20",
        NOT_AS_ITS_PLAN,
    ),
    (
        "units",
        "SELECT t.code FROM units t LEFT JOIN plans p ON p.no = t.plan_no
         WHERE p.no IS NULL OR t.plan <> p.id OR t.in_force <> (p.status = 'live') LIMIT 20",
        NOT_AS_ITS_PLAN,
    ),
    (
        "leaders",
        "SELECT t.unit FROM leaders t LEFT JOIN plans p ON p.no = t.plan_no
         WHERE p.no IS NULL OR t.plan <> p.id OR t.in_force <> (p.status = 'live') LIMIT 20",
        NOT_AS_ITS_PLAN,
    ),
    (
        "plans",
        "SELECT p.id FROM plans p LEFT JOIN plans f ON f.id = p.forked_from
         WHERE p.forked_from IS NOT NULL AND f.id IS NULL LIMIT 20",
        "所依据的方案不存在 / the plan it was forked from does not exist",
    ),
    (
        "plan_edits",
        "SELECT p.id || ' ' || CAST(e.seq AS TEXT) FROM plan_edits e JOIN plans p ON p.no = e.plan_no
         LEFT JOIN (SELECT plan_no, target, max(seq) AS seq FROM plan_edits WHERE kind <> 'edit' GROUP BY plan_no, target) l
           ON l.plan_no = e.plan_no AND l.target = e.seq
         LEFT JOIN plan_edits u ON u.plan_no = l.plan_no AND u.seq = l.seq
         WHERE e.undone <> coalesce(u.kind = 'undo', FALSE) LIMIT 20",
        "撤销标记与历史不符 / whether it is undone does not follow from the history",
    ),
];

const NOT_AS_ITS_PLAN: &str =
    "所属方案或是否施行与方案不符 / its plan, or whether it is in force, is not as the plan says";

/// All of it.
pub(super) async fn check(session: &mut dyn Session, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    homes(session, found).await?;
    for (table, sql, what) in REFERENCES.into_iter().chain(OF_PLANS) {
        for mut row in session.rows(Sql::new(table, sql)).await? {
            let id: String = row.take()?;
            found.push(Finding::new("reference", format!("{table} {id}"), what));
        }
    }
    Ok(())
}
