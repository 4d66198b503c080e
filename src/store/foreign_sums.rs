//! Whether edits by other programs are still what those wrote. No other program reckons our sums: a row gets its own when the store is next
//! opened for writing, and until then the row that was edited bears witness.

use super::check::{Finding, WRONG_SUM};
use super::error::StoreError;
use super::rows::Layer;
use super::sql::{Dialect, Engine, Session, Sql};
use super::value::{Value, row_sum};

/// Rows a statement.
const STEP: i64 = 2_000;
/// All columns that stay as they are once written, the number first.
const COLUMNS: [&str; 10] =
    ["seq", "at", "layer", "operation", "fid", "id", "before_row", "before_geom", "after_row", "after_geom"];
/// Layers that other programs may edit.
const EDITED: [Layer; 5] = [Layer::Regions, Layer::Buildings, Layer::Centres, Layer::Barriers, Layer::OldNets];
/// Findings of one kind that are told.
const MOST_TOLD: i64 = 20;

/// The next rows: number, values, the sum they carry.
async fn page(
    session: &mut dyn Session,
    after: i64,
    open: &'static str,
) -> Result<Vec<(i64, Vec<Value>, Option<i64>)>, StoreError> {
    let mut sql = Sql::new("foreign_edits", "SELECT seq, row_sum, ");
    sql.push_list(&COLUMNS).push(" FROM foreign_edits WHERE seq > ").bind(after).push(open);
    sql.push(" ORDER BY seq LIMIT ").bind(STEP);
    let mut rows = Vec::new();
    for mut row in session.many_rows(sql).await? {
        let (seq, sum) = (row.take()?, row.take()?);
        rows.push((seq, COLUMNS.iter().map(|_| row.take_value()).collect(), sum));
    }
    Ok(rows)
}

/// Gives edits that have come since the store was last open their sums. Where there is no room for that, while another program writes, and
/// where one of them cannot be read (text that is no UTF-8), they get them another time: settling them needs the store open.
pub(super) async fn seal_new(engine: &dyn Engine) -> Result<(), StoreError> {
    let mut looking = engine.read().await?;
    if looking.dialect() == Dialect::Postgres {
        return Ok(());
    }
    let any = "SELECT seq FROM foreign_edits WHERE row_sum IS NULL LIMIT 1";
    let any: Option<i64> = looking.as_mut().maybe(Sql::new("foreign_edits", any)).await?;
    drop(looking);
    if any.is_none() {
        return Ok(());
    }
    match seal(engine).await {
        Err(StoreError::Full | StoreError::Busy { .. } | StoreError::Corrupt { .. }) => Ok(()),
        done => done,
    }
}

async fn seal(engine: &dyn Engine) -> Result<(), StoreError> {
    let mut session = engine.write().await?;
    let mut last = -1;
    loop {
        let rows = page(session.as_mut(), last, " AND row_sum IS NULL").await?;
        let Some((end, ..)) = rows.last() else { return session.commit().await };
        last = *end;
        let sums: serde_json::Value =
            rows.iter().map(|(seq, values, _)| serde_json::json!([seq, row_sum(values)])).collect();
        let mut sql = Sql::new(
            "foreign_edits",
            "UPDATE foreign_edits SET row_sum = json_extract(s.value, '$[1]') FROM json_each(",
        );
        sql.bind(sums.to_string()).push(") AS s WHERE foreign_edits.seq = json_extract(s.value, '$[0]')");
        session.execute(sql).await?;
    }
}

/// Edits that are not what they were.
pub(super) async fn check(session: &mut dyn Session, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    if session.dialect() == Dialect::Postgres {
        return Ok(());
    }
    let mut last = -1;
    loop {
        let rows = page(session, last, "").await?;
        let Some((end, ..)) = rows.last() else { break };
        last = *end;
        for (seq, values, sum) in rows {
            if sum.is_some_and(|sum| sum != row_sum(&values)) {
                found.push(Finding { kind: "row", place: format!("foreign_edits {seq}"), what: WRONG_SUM.to_owned() });
            }
        }
    }
    // what becomes of an edit is written later than its sum
    let settled = "SELECT seq FROM foreign_edits WHERE settled NOT IN ('accepted', 'taken back') LIMIT 20";
    for mut row in session.rows(Sql::new("foreign_edits", settled)).await? {
        let seq: i64 = row.take()?;
        let what = "处理结果不是已知的词 / what became of it is no known word".to_owned();
        found.push(Finding { kind: "row", place: format!("foreign_edits {seq}"), what });
    }
    for layer in EDITED {
        beside_their_rows(session, layer, found).await?;
    }
    Ok(())
}

/// The last open edit of a row says what the row holds, as long as nobody else has written it.
async fn beside_their_rows(
    session: &mut dyn Session,
    layer: Layer,
    found: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let spec = layer.spec();
    let mut sql = Sql::new("foreign_edits", "SELECT e.seq FROM foreign_edits AS e JOIN ");
    sql.push(spec.table).push(" AS t ON t.fid = e.fid WHERE t.row_sum IS NULL AND e.seq IN (");
    sql.push("SELECT max(seq) FROM foreign_edits WHERE settled IS NULL AND layer = ").bind(spec.table);
    sql.push(" GROUP BY fid) AND (e.after_geom IS NOT t.geom OR e.after_row IS NOT json_object(");
    for (i, column) in spec.columns.iter().filter(|c| **c != "geom").enumerate() {
        sql.push(if i == 0 { "'" } else { ", '" }).push(column).push("', t.").push(column);
    }
    sql.push(")) ORDER BY e.seq LIMIT ").bind(MOST_TOLD);
    for mut row in session.rows(sql).await? {
        let seq: i64 = row.take()?;
        let what = format!("与它所改的 {} 行不符 / differs from the row it made", spec.table);
        found.push(Finding { kind: "row", place: format!("foreign_edits {seq}"), what });
    }
    Ok(())
}
