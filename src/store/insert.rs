//! Many rows with few statements.

use super::error::StoreError;
use super::sql::{Session, Sql};
use super::value::Value;

/// Rows a statement at most; more gains nothing.
const MOST_ROWS: usize = 1_000;

/// Inserts rows; each has a value for each column.
pub(super) async fn rows(
    session: &mut dyn Session,
    table: &'static str,
    columns: &[&'static str],
    rows: Vec<Vec<Value>>,
) -> Result<(), StoreError> {
    let block = (session.most_binds() / columns.len().max(1)).clamp(1, MOST_ROWS);
    let dialect = session.dialect();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut sql = Sql::new(table, "INSERT INTO ");
        sql.push(table).push(" (").push_list(columns).push(") VALUES ");
        for (i, row) in rows.by_ref().take(block).enumerate() {
            sql.push(if i == 0 { "(" } else { ", (" });
            for (j, value) in row.into_iter().enumerate() {
                if j > 0 {
                    sql.push(", ");
                }
                sql.bind_one_of_many(dialect, value);
            }
            sql.push(")");
        }
        session.execute(sql).await?;
    }
    Ok(())
}
