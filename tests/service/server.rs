//! A running service: its store, its addresses, tokens for every role and region.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Reply, send};
use crate::cluster::Cluster;

pub(crate) const ROLES: [&str; 5] = ["viewer", "planner", "exporter", "admin", "auditor"];
pub(crate) const TOWNSHIP: &str = "520423102";
pub(crate) const VILLAGE: &str = "520423102001";
pub(crate) const PASSWORD: &str = "一二三四五六七八九十";

/// A store on its own.
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        Self { url: format!("sqlite:{}", folder.path().join("register.gpkg").display()), folder }
    }

    /// A GeoPackage in a folder that is there.
    pub(crate) fn within(folder: &std::path::Path) -> Self {
        let url = format!("sqlite:{}", folder.join("register.gpkg").display());
        Self { url, folder: tempfile::tempdir().expect("folder") }
    }

    pub(crate) fn postgis() -> Self {
        Self::of(Cluster::get())
    }

    /// A database of a cluster.
    pub(crate) fn of(cluster: &Cluster) -> Self {
        Self { url: cluster.url(&cluster.database()), folder: tempfile::tempdir().expect("folder") }
    }

    /// The same store for another process.
    pub(crate) fn beside(&self) -> Self {
        Self { url: self.url.clone(), folder: tempfile::tempdir().expect("folder") }
    }

    /// Runs a command of the program on the store.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> String {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lianhu"))
            .args(arguments)
            .args(["--store", &self.url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        child.stdin.take().expect("input").write_all(input.as_bytes()).expect("input");
        let out = child.wait_with_output().expect("the program ends");
        assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// The example township with a plan in force, and an admin's token. Importing and planning it is done once; a GeoPackage begins as a
    /// backup of that.
    pub(crate) fn settle(&self) -> String {
        static MADE: OnceLock<(Vec<u8>, String)> = OnceLock::new();
        if !self.url.starts_with("sqlite:") {
            return self.settle_anew();
        }
        let file = |folder: &tempfile::TempDir| folder.path().join("settled.gpkg").to_string_lossy().into_owned();
        let (bytes, token) = MADE.get_or_init(|| {
            let (place, folder) = (Self::sqlite(), tempfile::tempdir().expect("folder"));
            let token = place.settle_anew();
            place.run(&["backup", &file(&folder)], "");
            (std::fs::read(file(&folder)).expect("the backup"), token)
        });
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(file(&folder), bytes).expect("the backup");
        self.run(&["restore", &file(&folder)], "");
        token.clone()
    }

    fn settle_anew(&self) -> String {
        let fixture = |name: &str| -> String {
            let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures", "township", name].iter().collect();
            path.to_string_lossy().into_owned()
        };
        for (layer, file) in
            [("regions", "regions.geojson"), ("households", "households.csv"), ("incidents", "incidents.csv")]
        {
            self.run(&["import", "--layer", layer, &fixture(file)], "");
        }
        let draft = ["draft", "--region", TOWNSHIP, "--name", "试", "--profile", "huangguoshu", "--budget", "4"];
        self.run(&[&draft[..], &["--publish", "2026-01-01"]].concat(), "");
        self.run(&["user", "add", "县管理员", "--role", "admin", "--region", "*"], PASSWORD);
        let said = self.run(&["token", "add", "--role", "admin", "--region", "*"], "");
        said.lines().last().expect("a token").trim().to_owned()
    }
}

/// The program, serving. A shell stops it when our end of its standard input closes, however the test ends.
pub(crate) struct Server {
    watch: Child,
    input: Option<ChildStdin>,
    pub(crate) base: String,
    pub(crate) admin_base: String,
    pub(crate) token: String,
    pub(crate) place: Place,
}

impl Server {
    pub(crate) fn start(place: Place, token: String, more: &[&str]) -> Self {
        let key = "ab".repeat(32);
        let much = ["LIANHU_COSTLY_PER_MINUTE", "LIANHU_PUBLIC_PER_MINUTE"].map(|name| (name, "100000"));
        Self::start_with(place, token, more, &[&much[..], &[("LIANHU_KEY", &key)]].concat())
    }

    pub(crate) fn start_with(place: Place, token: String, more: &[&str], environment: &[(&str, &str)]) -> Self {
        let script = "\"$0\" \"$@\" & pid=$!; echo $pid; cat > /dev/null; kill -TERM $pid; wait $pid";
        let log = std::fs::File::create(place.folder.path().join("service.log")).expect("log");
        let mut watch = Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_lianhu"), "serve", "--store", &place.url])
            .args(["--bind", "127.0.0.1:0", "--admin-bind", "127.0.0.1:0", "--test-routes"])
            .args(more)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the service starts");
        let mut lines = BufReader::new(watch.stdout.take().expect("output")).lines();
        let mut line = || lines.next().expect("the service says its addresses").expect("text");
        line();
        let said = line();
        let addresses: Vec<&str> = said.split_whitespace().filter(|w| w.starts_with("http://")).collect();
        let bare = |text: &str| format!("http://{}", text["http://".len()..].split('/').next().unwrap_or_default());
        let (base, admin_base) = (bare(addresses[0]), bare(addresses[2]));
        let input = watch.stdin.take();
        let server = Self { watch, input, base, admin_base, token, place };
        let begun = Instant::now();
        while send("GET", &format!("{}/readyz", server.admin_base), &[], None).status != 200 {
            assert!(begun.elapsed() < Duration::from_secs(60), "not ready: {}", server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.place.folder.path().join("service.log")).unwrap_or_default()
    }

    /// Asks as the admin.
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.get_as(&self.token, path)
    }

    pub(crate) fn get_as(&self, token: &str, path: &str) -> Reply {
        self.ask("GET", path, &[("authorization", &format!("Bearer {token}"))], None)
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Reply {
        let mut headers = headers.to_vec();
        let text = body.map(Value::to_string);
        if body.is_some() && !headers.iter().any(|(n, _)| *n == "content-type") {
            headers.push(("content-type", "application/json"));
        }
        send(method, &format!("{}{path}", self.base), &headers, text.as_deref().map(str::as_bytes))
    }

    /// Writes as the admin.
    pub(crate) fn write(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.ask(method, path, &[("authorization", &format!("Bearer {}", self.token))], Some(body))
    }

    /// A new token.
    pub(crate) fn token_for(&self, role: &str, region: &str) -> String {
        let made = self.write("POST", "/api/tokens", &json!({"name": "试", "role": role, "region": region})).is(201);
        made.json()["token"].as_str().expect("a token").to_owned()
    }

    /// Signs in; the reply with its cookie.
    pub(crate) fn sign_in(&self, name: &str, password: &str, headers: &[(&str, &str)]) -> Reply {
        self.ask("POST", "/api/session", headers, Some(&json!({"name": name, "password": password})))
    }

    /// All features of a collection that a token sees.
    pub(crate) fn all(&self, token: &str, collection: &str, more: &str) -> Vec<Value> {
        let reply = self.get_as(token, &format!("/ogc/collections/{collection}/items?limit=10000{more}")).is(200);
        let body = reply.json();
        let features = body["features"].as_array().expect("features").clone();
        assert_eq!(body["numberMatched"].as_u64(), Some(features.len() as u64), "one page holds all here");
        features
    }

    /// Tells the service to end, without waiting.
    pub(crate) fn terminate(&mut self) {
        drop(self.input.take());
    }

    /// Waits for its end; whether it was a good one. More than twice what it may take, as a guard against hanging.
    pub(crate) fn ended(&mut self) -> bool {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.watch.try_wait().expect("a child") {
                return status.success();
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Says that something was not tried, past the test's own output, which nobody sees of a test that passes.
pub(crate) fn not_tried(what: &str, why: &str) {
    let why = why.trim();
    let said = format!("\n未测 NOT TRIED: {what}（{why}）\n");
    let _ = std::io::stderr().write_all(said.as_bytes());
}

/// Names of a cookie as a browser sends it back.
pub(crate) fn cookie_of(reply: &Reply) -> String {
    reply.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

/// One server an engine for all tests that leave it as it was.
pub(crate) struct Shared;

impl Shared {
    pub(crate) fn sqlite() -> &'static Server {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| {
            let place = Place::sqlite();
            let token = place.settle();
            Server::start(place, token, &[])
        })
    }

    pub(crate) fn postgis() -> &'static Server {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| {
            let place = Place::postgis();
            let token = place.settle();
            Server::start(place, token, &[])
        })
    }
}

/// One more an engine with the divisions alone: for tests that bring in what they need.
pub(crate) struct Bare;

impl Bare {
    fn of(place: Place) -> Server {
        let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures", "township", "regions.geojson"].iter().collect();
        place.run(&["import", "--layer", "regions", &path.to_string_lossy()], "");
        place.run(&["user", "add", "县管理员", "--role", "admin", "--region", "*"], PASSWORD);
        let said = place.run(&["token", "add", "--role", "admin", "--region", "*"], "");
        let token = said.lines().last().expect("a token").trim().to_owned();
        Server::start(place, token, &[])
    }

    pub(crate) fn sqlite() -> &'static Server {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| Self::of(Place::sqlite()))
    }

    pub(crate) fn postgis() -> &'static Server {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| Self::of(Place::postgis()))
    }
}

static WRITING: std::sync::RwLock<()> = std::sync::RwLock::new(());

/// While this is held, no test changes what a shared server serves.
pub(crate) fn still() -> std::sync::RwLockReadGuard<'static, ()> {
    WRITING.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Held by tests that change what a shared server serves.
pub(crate) fn writing() -> std::sync::RwLockWriteGuard<'static, ()> {
    WRITING.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}
