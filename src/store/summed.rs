//! Logs and the like, whose rows carry check sums of their cells as they stand: written, checked, and given to rows from before there
//! were any.

use super::check::{Finding, WRONG_SUM};
use super::error::StoreError;
use super::insert;
use super::migrate::{LOG_SUMS, MORE_SUMS};
use super::sql::{Session, Sql};
use super::value::{Value, row_sum};

/// Rows a step.
const STEP: i64 = 5_000;

struct Log {
    table: &'static str,
    /// All columns but the sum, the key's first.
    columns: &'static [&'static str],
    /// How many of them are the key.
    key: usize,
    /// How many of the first the sum leaves out: numbers the engine gives.
    not_summed: usize,
    /// Which columns a finding names a row by: never a secret's.
    named_by: &'static [usize],
    /// The step with which the sums came.
    since: &'static str,
}

const LOGS: [Log; 6] = [
    Log {
        table: "register_changes",
        columns: &["seq", "at", "actor", "layer", "id", "col", "before", "after", "reason"],
        key: 1,
        not_summed: 1,
        named_by: &[0],
        since: LOG_SUMS,
    },
    Log {
        table: "membership_moves",
        columns: &["plan_no", "household", "seq", "at", "unit_before", "unit_after"],
        key: 3,
        not_summed: 0,
        named_by: &[0, 1, 2],
        since: LOG_SUMS,
    },
    Log {
        table: "grid_versions",
        columns: &["plan_no", "grid", "version", "actor", "at"],
        key: 2,
        not_summed: 0,
        named_by: &[0, 1],
        since: LOG_SUMS,
    },
    Log {
        table: "idempotency",
        columns: &["actor", "key", "body_sha256", "answer", "at"],
        key: 2,
        not_summed: 0,
        named_by: &[0, 1],
        since: MORE_SUMS,
    },
    Log {
        table: "sessions",
        columns: &["secret_sha256", "user_id", "created_at", "expires_at"],
        key: 1,
        not_summed: 0,
        named_by: &[1, 2],
        since: MORE_SUMS,
    },
    Log {
        table: "register_state",
        columns: &["one", "version"],
        key: 1,
        not_summed: 0,
        named_by: &[],
        since: MORE_SUMS,
    },
];

/// A row with its sum as the last value.
pub(super) fn with_sum(mut row: Vec<Value>) -> Vec<Value> {
    let sum = row_sum(&row);
    row.push(Value::from(sum));
    row
}

impl Log {
    fn key_columns(&self) -> &'static [&'static str] {
        self.columns.get(..self.key).unwrap_or_default()
    }

    fn sum(&self, row: &[Value]) -> i64 {
        row_sum(row.iter().skip(self.not_summed))
    }

    /// ` (key) > (…)`
    fn compare(&self, sql: &mut Sql, how: &'static str, key: &[Value]) {
        sql.push("(").push_list(self.key_columns()).push(")").push(how).push("(");
        for (i, value) in key.iter().enumerate() {
            sql.push(if i == 0 { "" } else { ", " }).bind(value.clone());
        }
        sql.push(")");
    }

    /// The next rows with the sums they carry.
    async fn page(
        &self,
        session: &mut dyn Session,
        after: Option<&[Value]>,
    ) -> Result<Vec<(Vec<Value>, Option<i64>)>, StoreError> {
        let mut sql = Sql::new(self.table, "SELECT row_sum, ");
        sql.push_list(self.columns).push(" FROM ").push(self.table);
        if let Some(key) = after {
            sql.push(" WHERE ");
            self.compare(&mut sql, " > ", key);
        }
        sql.push(" ORDER BY ").push_list(self.key_columns()).push(" LIMIT ").bind(STEP);
        let mut page = Vec::new();
        for mut row in session.rows(sql).await? {
            let sum: Option<i64> = row.take()?;
            page.push((self.columns.iter().map(|_| row.take_value()).collect(), sum));
        }
        Ok(page)
    }

    fn last_key(&self, page: &[(Vec<Value>, Option<i64>)]) -> Option<Vec<Value>> {
        let (row, _) = page.last()?;
        (page.len() as i64 == STEP).then(|| row.iter().take(self.key).cloned().collect())
    }

    async fn check(&self, session: &mut dyn Session, found: &mut Vec<Finding>) -> Result<(), StoreError> {
        let mut after: Option<Vec<Value>> = None;
        loop {
            let page = self.page(session, after.as_deref()).await?;
            for (row, sum) in &page {
                if Some(self.sum(row)) != *sum {
                    let named = self.named_by.iter().filter_map(|i| row.get(*i));
                    let place = named.fold(self.table.to_owned(), |at, v| format!("{at} {}", v.to_json()));
                    let place = place.replace('"', "");
                    found.push(Finding { kind: "row", place, what: WRONG_SUM.to_owned() });
                }
            }
            match self.last_key(&page) {
                Some(key) => after = Some(key),
                None => return Ok(()),
            }
        }
    }

    /// Many rows with few statements: they are written again.
    async fn seal(&self, session: &mut dyn Session) -> Result<(), StoreError> {
        let mut columns = self.columns.to_vec();
        columns.push("row_sum");
        let mut after: Option<Vec<Value>> = None;
        loop {
            let page = self.page(session, after.as_deref()).await?;
            let next = self.last_key(&page);
            let mut old = Sql::new(self.table, "DELETE FROM ");
            old.push(self.table).push(" WHERE TRUE");
            for (how, key) in [(" > ", after.as_deref()), (" <= ", next.as_deref())] {
                if let Some(key) = key {
                    old.push(" AND ");
                    self.compare(&mut old, how, key);
                }
            }
            session.execute(old).await?;
            let sealed = page.into_iter().map(|(mut row, _)| {
                let sum = self.sum(&row);
                row.push(Value::from(sum));
                row
            });
            insert::rows(session, self.table, &columns, sealed.collect()).await?;
            match next {
                Some(key) => after = Some(key),
                None => return Ok(()),
            }
        }
    }
}

/// Rows that do not fit their sums.
pub(super) async fn check(session: &mut dyn Session, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    for log in &LOGS {
        log.check(session, found).await?;
    }
    Ok(())
}

/// Gives every row its sum: once, when the sums come with a step.
pub(super) async fn seal(session: &mut dyn Session, step: &str) -> Result<(), StoreError> {
    for log in LOGS.iter().filter(|log| log.since == step) {
        log.seal(session).await?;
    }
    Ok(())
}
