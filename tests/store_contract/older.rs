//! The steps of the schema: what is applied stays as it was, both engines move together, every older store is still taken in.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use lianhu::store::{Filter, Layer, OpenMode, RegisterRow, Store, open};
use sha2::{Digest, Sha256};
use sqlx::Connection;

use crate::cluster::Cluster;
use crate::ground::{Place, VILLAGE, admin, bring, building, options, plan, settle};
use crate::publication::{publication, publish};

/// Every step that was ever given out, with the SHA-256 of its files: a file that differs would lock every store out that has it. New
/// steps are added here.
const GIVEN_OUT: [(&str, &str, &str); 7] = [
    (
        "0001_register.sql",
        "0b7c4806073659c1de18c36bc9134fd061ae6ba4e118775e02ff8fdb566ba9dd",
        "dccf9a835fbdfd27d18029efa8a5bfee6112f78e57e3f3139b3d2d15b483b533",
    ),
    (
        "0002_accounts.sql",
        "a7cdb7aec4ffbccce65fdfbd94e72c1d4aaabb2c2dbd71303df018bb46b723ae",
        "c7335cc230dff60d8bc95779cfb01765711783df956b326299ecb29143b1adb7",
    ),
    (
        "0003_incidents.sql",
        "040608025c8e3f1698439a6c12c1678ea6a740bf59461e12f543fc768eafc379",
        "63e6f37e1d77f29868ab97d87bd2413584c5b1d2777fb7e6a320a45c0a76a1a5",
    ),
    (
        "0004_photos.sql",
        "18a4bf9d0b3176bdac06321710be7a30bb2bc84a4027f6c125231d5430e3e570",
        "5ff44616224c8098904a83fb64c69001167c540c897ac47f507f03ad049aacb1",
    ),
    (
        "0005_readers.sql",
        "a0dd5e7369cb1836bd241a13d2bcf09750605623eae6f1a0ae1dec5554b39781",
        "c2c9ace1fda87fe7439c671becd7625b5971ba530286e2f380de03469be38ccf",
    ),
    (
        "0006_log_sums.sql",
        "9e6649d5b19b5c19eef38b350c9c8abc13063466bae99b58e843a0b151fdf901",
        "2220e04d63c3662f17e355e557001a898e2b726bc37bb220d22993a9c9baf139",
    ),
    (
        "0007_hours_and_sums.sql",
        "d69f52bfec7e19a9d4537f1c64be9edd511d409cd21c5b12738452f1c9981319",
        "614943f1c586c7b480f760ca7cdc694135c0604445e7fea42b680c1ae1dba8ec",
    ),
];

fn migrations(engine: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "migrations", engine].iter().collect()
}

fn step(engine: &str, name: &str) -> String {
    std::fs::read_to_string(migrations(engine).join(name)).expect(name)
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn applied_steps_are_as_they_were_given_out_and_both_engines_have_them() {
    for engine in ["sqlite", "postgis"] {
        let list = std::fs::read_dir(migrations(engine)).expect("the folder").flatten();
        let names: BTreeSet<String> = list.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        let known: BTreeSet<String> = GIVEN_OUT.iter().map(|(name, ..)| (*name).to_owned()).collect();
        assert_eq!(names, known, "{engine}: a new step is pinned here too");
        for (name, sqlite, postgis) in GIVEN_OUT {
            let pinned = if engine == "sqlite" { sqlite } else { postgis };
            assert_eq!(sha256(&step(engine, name)), pinned, "{engine}/{name}: applied files never change");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_engines_have_the_same_tables_and_columns() {
    let (file, server) = (Place::sqlite(), Place::postgis());
    file.open().await.close().await;
    server.open().await.close().await;
    let url = format!("sqlite:{}", file.file().display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.expect("a connection");
    let list = "SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'
                AND m.name NOT LIKE 'gpkg_%' AND m.name NOT LIKE 'rtree_%' AND m.name NOT LIKE 'sqlite_%'
                AND m.name NOT IN ('foreign_edits', 'store_writer')";
    let mut here: Vec<String> = sqlx::query_scalar(list).fetch_all(&mut connection).await.expect("columns");
    let list = "SELECT string_agg(table_name || '.' || column_name, ' ') FROM information_schema.columns
                WHERE table_schema = 'lianhu' AND table_name <> 'readers'";
    let database = server.database.clone().expect("a database");
    let said = Cluster::get().psql(&database, list);
    let mut there: Vec<&str> = said.split_whitespace().collect();
    here.sort_unstable();
    there.sort_unstable();
    assert!(here.len() > 200, "{here:?}");
    assert_eq!(here, there);
}

/// A cell, for the reference of the check sum.
enum Cell<'a> {
    Text(&'a str),
    Whole(i64),
    Nothing,
}

/// The check sum of a row, by its definition: CRC-32 (IEEE), bit by bit, over kind, length and bytes of each cell.
fn row_sum(cells: &[Cell<'_>]) -> u32 {
    let mut bytes: Vec<u8> = Vec::new();
    for cell in cells {
        let (kind, content) = match cell {
            Cell::Text(text) => (1, text.as_bytes().to_vec()),
            Cell::Whole(n) => (2, n.to_le_bytes().to_vec()),
            Cell::Nothing => {
                bytes.push(0);
                continue;
            }
        };
        bytes.push(kind);
        bytes.extend_from_slice(&(content.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&content);
    }
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { 0xEDB8_8320 ^ (c >> 1) } else { c >> 1 })
    })
}

/// A file as version `n` of the schema left it, with a word of its own in the dictionary.
async fn file_of_version(path: &Path, n: usize) {
    std::fs::File::create(path).expect("a file");
    let mut sql = "PRAGMA application_id = 1196444487; PRAGMA user_version = 10300; PRAGMA journal_mode = WAL;
        CREATE TABLE schema_migrations (
  version INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at TEXT NOT NULL);"
        .to_owned();
    for (i, (name, ..)) in GIVEN_OUT.iter().take(n).enumerate() {
        let text = step("sqlite", name);
        let (version, bare) = (i + 1, name.trim_end_matches(".sql").get(5..).expect("a name"));
        let sum = sha256(&text);
        sql +=
            &format!("{text};\nINSERT INTO schema_migrations VALUES ({version}, '{bare}', '{sum}', '2025-01-01');\n");
    }
    use Cell::{Nothing, Text, Whole};
    let sum =
        row_sum(&[Text("category/x"), Text("category"), Text("x"), Text("旧"), Nothing, Whole(99), Whole(1), Whole(1)]);
    sql += &format!(
        "UPDATE store_writer SET active = 1;
         INSERT INTO dictionaries (id, dictionary, key, name, position, enabled, row_sum)
           VALUES ('category/x', 'category', 'x', '旧', 99, 1, {sum});
         UPDATE store_writer SET active = 0;"
    );
    if n >= 7 {
        // the program gives the row that the first step made its sum when it takes this one
        sql += &format!("UPDATE register_state SET row_sum = {};", row_sum(&[Whole(1), Whole(1)]));
    }
    let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.expect("a file");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.expect("the older store");
    connection.close().await.expect("closed");
}

async fn own_word(store: &dyn Store) -> Option<String> {
    let filter = Filter { ids: Some(vec!["category/x".to_owned()]), ..Filter::default() };
    match store.list(&admin(), Layer::Dictionaries, &filter).await.expect("rows").rows.pop() {
        Some(RegisterRow::Dictionaries(row)) => Some(row.name),
        _ => None,
    }
}

pub(crate) async fn f13_copy_of_every_older_version_is_restored_and_upgraded(first: Place) {
    for n in 1..=GIVEN_OUT.len() {
        let place = if first.database.is_some() { Place::postgis() } else { Place::sqlite() };
        let copy = place.folder.path().join(format!("v{n}.gpkg"));
        file_of_version(&copy, n).await;
        let before = std::fs::read(&copy).expect("the copy");
        let mut command = Command::new(env!("CARGO_BIN_EXE_lianhu"));
        let out = command.args(["restore", "--store", &place.url]).arg(&copy).output().expect("the program runs");
        assert!(out.status.success(), "v{n}: {}", String::from_utf8_lossy(&out.stderr));
        assert_eq!(std::fs::read(&copy).expect("the copy"), before, "v{n}: a copy is only read");
        let store = place.try_open(OpenMode::ReadWrite).await.expect("the restored store");
        assert_eq!(own_word(store.as_ref()).await.as_deref(), Some("旧"), "v{n}");
        assert_eq!(store.check(&admin()).await.expect("check"), [], "v{n}");
        bring(store.as_ref(), vec![building("b", VILLAGE, 105.6, 25.9)]).await.expect("a store to go on with");
        assert_eq!(store.check(&admin()).await.expect("check"), [], "v{n}");
        store.close().await;
    }
}

/// Rows of logs as they were before they had sums: more than a step of what gives them theirs.
const OLD_ROWS: u32 = 12_345;

fn old_logs(numbers: &str) -> String {
    format!(
        "INSERT INTO register_changes (at, actor, layer, id, col, before, after)
           SELECT '2025-01-01T00:00:00.000Z', 't', 'buildings', 'b' || n.i, 'name', '\"x\"', NULL FROM {numbers};
         INSERT INTO membership_moves (plan_no, household, seq, at, unit_before, unit_after)
           SELECT 1, 'h' || n.i, n.i % 3, '2025-01-01T00:00:00.000Z', NULL, '520423102001001001' FROM {numbers};
         INSERT INTO grid_versions (plan_no, grid, version, actor, at)
           VALUES (1, '520423102009009', 1, 't', '2025-01-01T00:00:00.000Z');"
    )
}

/// A store of version 4 with a plan and logs.
async fn with_old_logs(place: &Place) {
    if place.database.is_some() {
        let store = place.open().await;
        settle(store.as_ref(), 4).await;
        let head = plan(store.as_ref()).await;
        publish(store.as_ref(), &publication(&head, None, "2025-01-01")).await.expect("published");
        store.close().await;
        let back = "ALTER TABLE register_changes DROP COLUMN reason; ALTER TABLE register_changes DROP COLUMN row_sum;
             ALTER TABLE membership_moves DROP COLUMN row_sum; ALTER TABLE grid_versions DROP COLUMN row_sum;
             ALTER TABLE dictionaries DROP COLUMN due_hours; ALTER TABLE idempotency DROP COLUMN row_sum;
             ALTER TABLE sessions DROP COLUMN row_sum; ALTER TABLE register_state DROP COLUMN row_sum;
             DELETE FROM schema_migrations WHERE version >= 6;";
        let rows = old_logs(&format!("generate_series(1, {OLD_ROWS}) AS n (i)"));
        return place.past_the_guards(&format!("{back} {rows}")).await;
    }
    file_of_version(&place.file(), 4).await;
    use Cell::{Nothing, Text, Whole};
    let texts = ["p", "方案", "520423102", "draft"].map(Text);
    let rest = [Whole(1), Whole(7), Text("{}"), Text("x"), Whole(1), Nothing, Nothing];
    let sum = row_sum(&texts.into_iter().chain(rest).collect::<Vec<_>>());
    let head = format!(
        "UPDATE store_writer SET active = 1;
         INSERT INTO plans (no, id, name, region, status, version, seed, parameters, profile, input_version, row_sum)
           VALUES (1, 'p', '方案', '520423102', 'draft', 1, 7, '{{}}', 'x', 1, {sum});"
    );
    let series = format!(
        "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {OLD_ROWS}) SELECT i FROM n) AS n"
    );
    let rows = old_logs(&series);
    place.raw(&format!("{head} {rows} UPDATE store_writer SET active = 0")).await.expect("the older store");
}

pub(crate) async fn old_logs_are_given_their_sums(place: Place) {
    with_old_logs(&place).await;
    let store = place.open().await;
    assert_eq!(store.check(&admin()).await.expect("check"), []);
    let last = store.changes_of(&admin(), Layer::Buildings, &format!("b{OLD_ROWS}")).await.expect("changes");
    assert_eq!((last.len(), last[0].before.as_str()), (1, Some("x")), "every row is there, and once");
    store.close().await;
    drop(store);
    place.past_the_guards("UPDATE register_changes SET actor = 'y' WHERE id = 'b7000'").await;
    let store = place.open().await;
    let found = store.check(&admin()).await.expect("check");
    assert!(found.iter().any(|f| f.kind == "row" && f.place.starts_with("register_changes")), "{found:?}");
}

/// A server is copied by its operator with the server's own tools.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dumped_server_is_restored_whole() {
    let place = Place::postgis();
    let store = place.open().await;
    settle(store.as_ref(), 40).await;
    for row in crate::register::one_of_each() {
        if !matches!(row.layer(), Layer::Buildings | Layer::Households) {
            bring(store.as_ref(), vec![row]).await.expect("import");
        }
    }
    let head = plan(store.as_ref()).await;
    publish(store.as_ref(), &publication(&head, None, "2025-01-01")).await.expect("published");
    let database = place.database.clone().expect("a database");
    let dump = place.folder.path().join("store.dump").display().to_string();
    let cluster = Cluster::get();
    cluster.tool("pg_dump", &database, &["--format=custom", "--file", &dump]);
    let other = cluster.database();
    cluster.tool("pg_restore", &other, &["--exit-on-error", &dump]);
    let back = open(&cluster.url(&other), options(OpenMode::ReadWrite)).await.expect("the restored store");
    assert_eq!(back.check(&admin()).await.expect("check"), []);
    for layer in Layer::ALL {
        let list = async |s: &dyn Store| s.list(&admin(), *layer, &Filter::default()).await.expect("rows");
        assert_eq!(list(back.as_ref()).await, list(store.as_ref()).await, "{}", layer.name());
    }
    assert_eq!(back.audit(&admin(), 0, 10_000).await, store.audit(&admin(), 0, 10_000).await);
    bring(back.as_ref(), vec![building("new", VILLAGE, 105.6, 25.9)]).await.expect("its counters go on");
    assert_eq!(back.check(&admin()).await.expect("check"), []);
}
