//! Alerts: opened once for what they are about, acknowledged by a person, taken to the next level by time, closed when it is over.

mod rules;

use serde_json::json;

use crate::domain::incident::alerts::{AlertRule, next_level};

use super::error::StoreError;
use super::scope::{Right, Scope, check_prefix};
use super::sql::{Dialect, Session, Sql};
use super::value::{Cell, Row, Value, row_sum};
use super::{SqlStore, audit, dates, insert};

pub(super) use rules::RULE_SUMMED;

/// Most alerts of a list.
const LONGEST_LIST: u32 = 10_000;
/// Columns of an alert; with `row_version` they are what its sum covers.
pub(super) const ALERT_SUMMED: &[&str] = &[
    "id",
    "rule",
    "kind",
    "subject",
    "place",
    "region",
    "incident",
    "cell",
    "title",
    "level",
    "opened_at",
    "acknowledged_by",
    "acknowledged_at",
    "escalates_at",
    "closed_at",
    "row_version",
];
/// An alert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertRow {
    /// Opaque id.
    pub id: String,
    /// Id of its rule.
    pub rule: String,
    /// Kind of the rule.
    pub kind: String,
    /// What it is about, in one word: while one about it is open there is no other.
    pub subject: String,
    /// The most exact code of where: unit, grid or region. By it alerts are seen.
    pub place: String,
    /// Region.
    pub region: String,
    /// The incident, if it is about one.
    pub incident: Option<String>,
    /// The cell, if it is about one.
    pub cell: Option<String>,
    /// What people read, Chinese / English.
    pub title: String,
    /// Level that should look at it.
    pub level: String,
    /// When it was opened.
    pub opened_at: String,
    /// Who looked.
    pub acknowledged_by: Option<String>,
    /// When.
    pub acknowledged_at: Option<String>,
    /// When it goes to the next level, if nobody looks.
    pub escalates_at: Option<String>,
    /// When it was over.
    pub closed_at: Option<String>,
    /// Version of the row.
    pub row_version: u64,
}

impl AlertRow {
    fn values(&self) -> Vec<Value> {
        vec![
            self.id.to_value(),
            self.rule.to_value(),
            self.kind.to_value(),
            self.subject.to_value(),
            self.place.to_value(),
            self.region.to_value(),
            self.incident.to_value(),
            self.cell.to_value(),
            self.title.to_value(),
            self.level.to_value(),
            self.opened_at.to_value(),
            self.acknowledged_by.to_value(),
            self.acknowledged_at.to_value(),
            self.escalates_at.to_value(),
            self.closed_at.to_value(),
            self.row_version.to_value(),
        ]
    }

    fn read(row: &mut Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.take()?,
            rule: row.take()?,
            kind: row.take()?,
            subject: row.take()?,
            place: row.take()?,
            region: row.take()?,
            incident: row.take()?,
            cell: row.take()?,
            title: row.take()?,
            level: row.take()?,
            opened_at: row.take()?,
            acknowledged_by: row.take()?,
            acknowledged_at: row.take()?,
            escalates_at: row.take()?,
            closed_at: row.take()?,
            row_version: row.take()?,
        })
    }
}

/// What somebody or something does with an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertStep {
    /// A person looks at it: it goes no further.
    Acknowledge,
    /// Nobody looked: the next level should.
    Escalate {
        /// How long that one is waited for.
        patience_ms: i64,
    },
    /// It is over.
    Close,
}

impl AlertStep {
    const fn operation(self) -> &'static str {
        match self {
            Self::Acknowledge => "alert.acknowledge",
            Self::Escalate { .. } => "alert.escalate",
            Self::Close => "alert.close",
        }
    }
}

/// Alerts, whatever the engine.
#[async_trait::async_trait]
pub trait Alerts: Send + Sync {
    /// The rules in use: those that ship, and the store's own in their place or beside them.
    async fn alert_rules(&self, scope: &Scope) -> Result<Vec<AlertRule>, StoreError>;
    /// All rules that look somewhere inside the scope, those that are switched off too, each with the version of its row: 0 where it is as it ships.
    async fn kept_alert_rules(&self, scope: &Scope) -> Result<Vec<(AlertRule, u64)>, StoreError>;
    /// Keeps a rule in the place of the one with its id, if that has the version that was read; the version it has now. Neither the old
    /// nor the new one may look beyond the scope.
    async fn put_alert_rule(
        &self,
        scope: &Scope,
        actor: &str,
        rule: &AlertRule,
        base_version: u64,
    ) -> Result<u64, StoreError>;
    /// Takes a rule of the store's own away; one that ships is as it ships again.
    async fn remove_alert_rule(
        &self,
        scope: &Scope,
        actor: &str,
        id: &str,
        base_version: u64,
    ) -> Result<(), StoreError>;
    /// Opens alerts, except where one about the same is open. Ids, times and versions are given here. Returns the new ones.
    async fn open_alerts(&self, scope: &Scope, actor: &str, alerts: Vec<AlertRow>)
    -> Result<Vec<AlertRow>, StoreError>;
    /// Alerts of a scope and region, the latest first.
    async fn list_alerts(
        &self,
        scope: &Scope,
        region: Option<&str>,
        open: Option<bool>,
        limit: u32,
    ) -> Result<Vec<AlertRow>, StoreError>;
    /// Takes a step with an open alert; a step already taken changes nothing. `by` is who looked, in words for people.
    async fn step_alert(
        &self,
        scope: &Scope,
        actor: &str,
        id: &str,
        step: AlertStep,
        by: &str,
    ) -> Result<AlertRow, StoreError>;
}

fn select() -> Sql {
    let mut sql = Sql::new("alerts", "SELECT ");
    sql.push_list(ALERT_SUMMED).push(" FROM alerts WHERE ");
    sql
}

/// What the log, and with it everybody who listens, is told.
fn told(alert: &AlertRow) -> String {
    json!({
        "kind": alert.kind, "region": alert.region, "place": alert.place, "incident": alert.incident, "cell": alert.cell,
        "level": alert.level, "title": alert.title,
    })
    .to_string()
}

/// Opens alerts within a transaction; those about what alarms already are left out.
pub(super) async fn open(
    store: &SqlStore,
    session: &mut dyn Session,
    (scope, actor, at): (&Scope, &str, &str),
    alerts: Vec<AlertRow>,
) -> Result<Vec<AlertRow>, StoreError> {
    if alerts.is_empty() {
        return Ok(Vec::new());
    }
    if session.dialect() == Dialect::Postgres {
        let lock = "SELECT 1 FROM (SELECT pg_advisory_xact_lock(hashtextextended('lianhu.alerts', 0))) AS held";
        session.rows(Sql::new("alerts", lock)).await?;
    }
    let mut sql = Sql::new("alerts", "SELECT subject FROM alerts WHERE closed_at IS NULL AND subject");
    sql.in_list(session.dialect(), alerts.iter().map(|a| a.subject.as_str()));
    let mut taken = std::collections::BTreeSet::new();
    for mut row in session.rows(sql).await? {
        taken.insert(row.take::<String>()?);
    }
    let mut opened = Vec::new();
    for alert in alerts {
        if !taken.insert(alert.subject.clone()) {
            continue;
        }
        opened.push(AlertRow { id: store.random_id(), opened_at: at.to_owned(), row_version: 1, ..alert });
    }
    let mut columns = ALERT_SUMMED.to_vec();
    columns.push("row_sum");
    let cells = |alert: &AlertRow| {
        let mut cells = alert.values();
        let sum = row_sum(&cells);
        cells.push(sum.into());
        cells
    };
    insert::rows(session, "alerts", &columns, opened.iter().map(cells).collect()).await?;
    for alert in &opened {
        let entry = audit::Entry {
            at,
            actor,
            scope,
            operation: "alert.open",
            subject: &alert.id,
            before: None,
            after: Some(told(alert)),
        };
        audit::append(session, entry).await?;
    }
    Ok(opened)
}

async fn save(session: &mut dyn Session, alert: &mut AlertRow) -> Result<(), StoreError> {
    alert.row_version += 1;
    let sql =
        "UPDATE alerts SET level = $1, acknowledged_by = $2, acknowledged_at = $3, escalates_at = $4, closed_at = $5,
               row_version = $6, row_sum = $7 WHERE id = $8";
    let sql = Sql::new("alerts", sql).arg(alert.level.as_str()).arg(alert.acknowledged_by.to_value());
    let sql = sql.arg(alert.acknowledged_at.to_value()).arg(alert.escalates_at.to_value());
    let sql = sql.arg(alert.closed_at.to_value()).arg(alert.row_version).arg(row_sum(&alert.values()));
    session.execute(sql.arg(alert.id.as_str())).await.map(drop)
}

#[async_trait::async_trait]
impl Alerts for SqlStore {
    async fn alert_rules(&self, _scope: &Scope) -> Result<Vec<AlertRule>, StoreError> {
        let all = rules::all(self.engine.read().await?.as_mut()).await?;
        Ok(all.into_iter().map(|r| r.0).filter(|r| r.enabled).collect())
    }

    async fn kept_alert_rules(&self, scope: &Scope) -> Result<Vec<(AlertRule, u64)>, StoreError> {
        scope.need(Right::ManageAccounts)?;
        let all = rules::all(self.engine.read().await?.as_mut()).await?;
        Ok(all.into_iter().filter(|(rule, _)| scope.within(&rule.region).is_some()).collect())
    }

    async fn put_alert_rule(
        &self,
        scope: &Scope,
        actor: &str,
        rule: &AlertRule,
        base_version: u64,
    ) -> Result<u64, StoreError> {
        rules::put(self, (scope, actor), rule, base_version).await
    }

    async fn remove_alert_rule(
        &self,
        scope: &Scope,
        actor: &str,
        id: &str,
        base_version: u64,
    ) -> Result<(), StoreError> {
        rules::remove(self, (scope, actor), id, base_version).await
    }

    async fn open_alerts(
        &self,
        scope: &Scope,
        actor: &str,
        alerts: Vec<AlertRow>,
    ) -> Result<Vec<AlertRow>, StoreError> {
        scope.need(Right::HandleIncidents)?;
        if let Some(foreign) = alerts.iter().find(|a| !scope.covers(&a.place)) {
            return Err(StoreError::NotFound { what: "行政区 / region", id: foreign.place.clone() });
        }
        let at = self.now();
        let mut session = self.engine.write().await?;
        let opened = open(self, session.as_mut(), (scope, actor, &at), alerts).await?;
        if !opened.is_empty() {
            session.commit().await?;
        }
        Ok(opened)
    }

    async fn list_alerts(
        &self,
        scope: &Scope,
        region: Option<&str>,
        open: Option<bool>,
        limit: u32,
    ) -> Result<Vec<AlertRow>, StoreError> {
        let narrow = match region {
            None => Some(scope.clone()),
            Some(region) => {
                check_prefix(region)?;
                scope.within(region)
            }
        };
        let Some(narrow) = narrow else { return Ok(Vec::new()) };
        let mut sql = select();
        sql.in_scope("place", &narrow);
        match open {
            None => {}
            Some(true) => {
                sql.push(" AND closed_at IS NULL");
            }
            Some(false) => {
                sql.push(" AND closed_at IS NOT NULL");
            }
        }
        sql.push(" ORDER BY opened_at DESC, id LIMIT ").bind(i64::from(limit.min(LONGEST_LIST)));
        self.engine.read().await?.rows(sql).await?.iter_mut().map(AlertRow::read).collect()
    }

    async fn step_alert(
        &self,
        scope: &Scope,
        actor: &str,
        id: &str,
        step: AlertStep,
        by: &str,
    ) -> Result<AlertRow, StoreError> {
        scope.need(Right::HandleIncidents)?;
        let at = self.now();
        let mut session = self.engine.write().await?;
        let mut sql = select();
        sql.in_scope("place", scope).push(" AND id = ").bind(id).push(session.for_update());
        let found = session.row(sql).await?;
        let missing = || StoreError::NotFound { what: "告警 / alert", id: id.chars().take(80).collect() };
        let mut alert = AlertRow::read(&mut found.ok_or_else(missing)?)?;
        let waits = alert.closed_at.is_none() && alert.acknowledged_at.is_none();
        match step {
            AlertStep::Acknowledge if waits => {
                alert.acknowledged_by = Some(by.to_owned());
                alert.acknowledged_at = Some(at.clone());
                alert.escalates_at = None;
            }
            AlertStep::Escalate { patience_ms } if waits => {
                let level = next_level(&alert.level);
                alert.escalates_at = level.map(|_| dates::stamp_of_ms(dates::ms_of(&at) + patience_ms));
                if let Some(level) = level {
                    level.word().clone_into(&mut alert.level);
                }
            }
            AlertStep::Close if alert.closed_at.is_none() => {
                alert.closed_at = Some(at.clone());
                alert.escalates_at = None;
            }
            _ => return Ok(alert),
        }
        save(session.as_mut(), &mut alert).await?;
        let entry = audit::Entry {
            at: &at,
            actor,
            scope,
            operation: step.operation(),
            subject: &alert.id,
            before: None,
            after: Some(told(&alert)),
        };
        audit::append(session.as_mut(), entry).await?;
        session.commit().await?;
        Ok(alert)
    }
}
