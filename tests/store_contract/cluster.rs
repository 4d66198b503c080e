//! A private PostgreSQL cluster: made on first use, on a free port, gone with the test process however that ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The server, watched by a shell that stops it and removes its folder as soon as our end of its standard input closes: at exit, on
/// panic, on kill -9.
pub(crate) struct Cluster {
    bin: PathBuf,
    folder: String,
    port: u16,
    _watch: Child,
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Folder of `initdb` and friends, newest version first.
fn binaries() -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|list| list.flatten().map(|e| e.path().join("bin")).filter(|p| p.join("initdb").exists()).collect())
        .unwrap_or_default();
    found.sort();
    let on_path = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
    });
    found.pop().or(on_path).expect(
        "找不到 PostgreSQL（initdb）：请安装 postgresql 与 postgis / no PostgreSQL: install postgresql and postgis",
    )
}

/// A command, as the user `postgres` when we are root: the server refuses to be root's.
fn unprivileged(program: &Path) -> Command {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

fn run(command: &mut Command) -> String {
    let out = command.current_dir("/").stdin(Stdio::null()).output().expect("the command starts");
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

impl Cluster {
    /// A cluster of one's own.
    pub(crate) fn start() -> Self {
        let bin = binaries();
        let folder = run(unprivileged(Path::new("mktemp")).args(["-d", "-t", "lianhu-pg-XXXXXX"]));
        let data = format!("{folder}/data");
        run(unprivileged(&bin.join("initdb")).args([
            "-D",
            &data,
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]));
        // a port that was free a moment ago
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let stop = "cat > /dev/null; \"$0\" -D \"$1/data\" -m immediate stop; rm -rf \"$1\"";
        let watch = unprivileged(Path::new("sh"))
            .args(["-c", stop])
            .arg(bin.join("pg_ctl"))
            .arg(&folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the watch starts");
        let cluster = Self { bin, folder, port, _watch: watch };
        cluster.control(&["start"]);
        cluster.psql("postgres", "CREATE DATABASE lianhu_template");
        cluster.psql("lianhu_template", "CREATE EXTENSION postgis");
        cluster
    }

    /// Starts or stops the server, and waits until that is done.
    pub(crate) fn control(&self, what: &[&str]) {
        let Self { bin, folder, port, .. } = self;
        let options = format!("-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=on -c max_connections=200");
        let log = format!("{folder}/log");
        let done = unprivileged(&bin.join("pg_ctl"))
            .args(["-D", &format!("{folder}/data"), "-l", &log, "-o", &options, "-w"])
            .args(what)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(done.is_ok_and(|s| s.success()), "{}", std::fs::read_to_string(&log).unwrap_or_default());
    }

    /// The cluster of this test process.
    pub(crate) fn get() -> &'static Self {
        CLUSTER.get_or_init(Self::start)
    }

    /// Runs a statement through `psql` and gives what it prints.
    pub(crate) fn psql(&self, database: &str, sql: &str) -> String {
        self.tool("psql", database, &["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
    }

    /// Runs a tool of the server's, such as `pg_dump`, against a database.
    pub(crate) fn tool(&self, name: &str, database: &str, more: &[&str]) -> String {
        let port = self.port.to_string();
        let to = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-d", database];
        run(Command::new(self.bin.join(name)).args(to).args(more))
    }

    /// A new database; its name.
    pub(crate) fn database(&self) -> String {
        let name = format!("lianhu_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        // two copies of one template may not be made at once
        static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock();
        self.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE lianhu_template"));
        name
    }

    /// Address of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}
