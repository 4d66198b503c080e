//! Sign-in with the organisation's own accounts, from outside: the built program against a small issuer. Builds with the feature `oidc` alone.

#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

#[path = "../service/client.rs"]
mod client;
#[path = "../store_contract/cluster.rs"]
mod cluster;
#[path = "../service/defined.rs"]
#[expect(dead_code, reason = "a part of the service's own tests")]
mod defined;
mod issuer;
#[path = "../service/server.rs"]
#[expect(dead_code, reason = "a part of the service's own tests")]
mod server;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use client::Reply;
use issuer::{Answers, CLIENT, Issuer, SECRET, Signed, query};
use server::{PASSWORD, Place, Server, VILLAGE, cookie_of};

const BEGIN: &str = "/api/session/oidc";
const BACK: &str = "/api/session/oidc/callback";

/// A service with three users: of a village, of everything, and one who left.
fn served(environment: &[(&str, &str)]) -> Server {
    let place = Place::sqlite();
    let outlines = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/township/regions.geojson");
    place.run(&["import", "--layer", "regions", outlines], "");
    place.run(&["user", "add", "张三", "--role", "planner", "--region", VILLAGE], PASSWORD);
    place.run(&["user", "add", "县管理员", "--role", "admin", "--region", "*"], PASSWORD);
    place.run(&["user", "add", "离职", "--role", "admin", "--region", "*"], PASSWORD);
    let said = place.run(&["token", "add", "--role", "admin", "--region", "*"], "");
    let token = said.lines().last().expect("a token").trim().to_owned();
    let server = Server::start_with(place, token, &[], environment);
    let users = server.get("/api/users").is(200).json();
    let gone = users["users"].as_array().expect("users").iter().find(|u| u["name"] == "离职").expect("a user");
    let gone = format!("/api/users/{}", gone["id"].as_str().expect("an id"));
    server.write("PATCH", &gone, &json!({"disabled": true})).is(200);
    server
}

fn with_issuer(issuer: &str, more: &[(&str, &str)]) -> Server {
    let base = [
        ("LIANHU_OIDC_ISSUER", issuer),
        ("LIANHU_OIDC_CLIENT_ID", CLIENT),
        ("LIANHU_OIDC_CLIENT_SECRET", SECRET),
        ("LIANHU_PUBLIC_PER_MINUTE", "100000"),
    ];
    served(&[&base[..], more].concat())
}

/// The service and the issuer that most tests share.
fn both() -> &'static (Server, Issuer) {
    static BOTH: OnceLock<(Server, Issuer)> = OnceLock::new();
    BOTH.get_or_init(|| {
        let issuer = Issuer::start();
        (with_issuer(&issuer.url(), &[]), issuer)
    })
}

/// A browser that was sent to the issuer: its cookie, and what it was sent with.
struct Sent {
    cookie: String,
    asked: BTreeMap<String, String>,
}

fn begin(server: &Server, issuer: &Issuer, more: &str) -> Sent {
    let reply = server.ask("GET", &format!("{BEGIN}{more}"), &[], None).is(303);
    let there = reply.header("location");
    let asked = there.strip_prefix(&format!("{}/authorize?", issuer.url())).unwrap_or_else(|| panic!("{there}"));
    Sent { cookie: cookie_of(&reply), asked: query(asked) }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}

fn come_back(server: &Server, cookie: &str, state: &str, code: &str) -> Reply {
    let path = format!("{BACK}?state={}&code={}&session_state=x", encoded(state), encoded(code));
    server.ask("GET", &path, &[("cookie", cookie)], None)
}

/// The whole way with a token of such claims.
fn sign_in(server: &Server, issuer: &Issuer, claims: &Value, signed: Signed) -> Reply {
    let sent = begin(server, issuer, "");
    let code = issuer.grant(&sent.asked, claims, signed);
    come_back(server, &sent.cookie, &sent.asked["state"], &code)
}

#[track_caller]
fn is_refused(reply: Reply, status: u16, code: &str) -> Value {
    let reply = reply.problem(status, code);
    assert_eq!(reply.header("set-cookie"), "", "nobody is signed in");
    let mut body = reply.json();
    body.as_object_mut().expect("a problem").remove("request_id");
    body
}

#[test]
fn person_whom_the_issuer_vouches_for_is_the_user_of_that_name() {
    let (server, issuer) = both();
    let reply = server.ask("GET", BEGIN, &[], None).is(303);
    let flags = reply.header("set-cookie").to_owned();
    assert!(flags.contains("HttpOnly") && flags.contains("SameSite=Lax") && flags.contains("Path=/"), "{flags}");
    for signed in [Signed::Rs256, Signed::Es256] {
        let sent = begin(server, issuer, "");
        let asked = |name: &str| sent.asked[name].as_str();
        assert_eq!((asked("response_type"), asked("client_id"), asked("scope")), ("code", CLIENT, "openid profile"));
        assert_eq!((asked("code_challenge_method"), asked("code_challenge").len()), ("S256", 43));
        assert_eq!(asked("redirect_uri"), format!("{}{BACK}", server.base));
        assert!(asked("state").len() > 40 && asked("nonce").len() > 20 && asked("state") != asked("nonce"));
        // what else the issuer says of somebody gives no rights here
        let claims = json!({"preferred_username": "张三", "role": "admin", "region": "*", "groups": ["admin"]});
        let code = issuer.grant(&sent.asked, &claims, signed);
        let reply = come_back(server, &sent.cookie, asked("state"), &code).is(303);
        assert_eq!(reply.header("location"), "/");
        let cookies: Vec<&str> = reply.header("set-cookie").lines().collect();
        assert_eq!(cookies.len(), 2, "{cookies:?}");
        assert!(cookies[0].contains("HttpOnly") && cookies[0].contains("SameSite=Strict"), "{cookies:?}");
        assert!(cookies[1].starts_with("lianhu-oidc=;") && cookies[1].contains("Max-Age=0"), "{cookies:?}");
        let session = cookie_of(&reply);
        let who = server.ask("GET", "/api/session", &[("cookie", &session)], None).is(200).json();
        assert_eq!(
            (&who["name"], &who["role"], &who["region"], &who["by"]),
            (&json!("张三"), &json!("planner"), &json!(VILLAGE), &json!("session"))
        );
        // what browsers send by themselves is still no wish of ours
        let foreign = [("cookie", session.as_str()), ("origin", "https://evil.example")];
        server.ask("POST", "/api/plans", &foreign, Some(&json!({}))).problem(403, "cross_site");
        let own = [("cookie", session.as_str()), ("origin", server.base.as_str())];
        server.ask("DELETE", "/api/session", &own, None).is(204);
        server.ask("GET", "/api/session", &[("cookie", &session)], None).problem(401, "unauthenticated");
    }
}

#[test]
fn session_is_noted_as_one_with_a_password_is() {
    let (server, issuer) = both();
    let opened = || -> Vec<Value> {
        let log = server.get("/api/audit?operation=session.open&limit=1000").is(200).json();
        log["entries"].as_array().unwrap_or_else(|| panic!("{log}")).clone()
    };
    let bare = |e: Value| ["actor", "scope", "operation", "target"].map(|field| e[field].clone());
    sign_in(server, issuer, &json!({"preferred_username": "县管理员"}), Signed::Rs256).is(303);
    let user = server.sign_in("县管理员", PASSWORD, &[]).is(201).json()["id"].clone();
    let of: Vec<[Value; 4]> = opened().into_iter().filter(|e| e["target"] == user).map(bare).collect();
    assert!(of.len() >= 2 && of.windows(2).all(|p| p[0] == p[1]), "{of:?}");
}

#[test]
fn page_to_go_on_with_is_one_of_ours() {
    let (server, issuer) = both();
    for (word, page) in [("room", "/?view=room"), ("wall", "/?view=room&wall=1"), ("report", "/?view=report")] {
        let sent = begin(server, issuer, &format!("?view={word}"));
        let code = issuer.grant(&sent.asked, &json!({"preferred_username": "张三"}), Signed::Rs256);
        let reply = come_back(server, &sent.cookie, &sent.asked["state"], &code).is(303);
        assert_eq!(reply.header("location"), page);
    }
    for bad in ["?view=https%3A%2F%2Fevil.example", "?view=%2F%2Fevil.example", "?view=x"] {
        server.ask("GET", &format!("{BEGIN}{bad}"), &[], None).problem(400, "bad_parameter");
    }
    server.ask("GET", &format!("{BEGIN}?next=/"), &[], None).problem(400, "unknown_parameter");
}

#[test]
fn token_that_is_not_for_this_sign_in_is_refused() {
    let (server, issuer) = both();
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let good = json!({"preferred_username": "张三"});
    for (claims, what) in [
        (json!({"nonce": "another"}), "nonce"),
        (json!({"nonce": null}), "no nonce"),
        (json!({"aud": "another"}), "audience"),
        (json!({"aud": [CLIENT, "another"]}), "an audience beside us"),
        (json!({"iss": "https://evil.example"}), "issuer"),
        (json!({"exp": now - 1}), "expired"),
    ] {
        let mut all = good.clone();
        all.as_object_mut().expect("claims").extend(claims.as_object().expect("claims").clone());
        for signed in [Signed::Rs256, Signed::Es256] {
            println!("{what}");
            is_refused(sign_in(server, issuer, &all, signed), 401, "sign_in_refused");
        }
    }
    for signed in [Signed::Forged, Signed::Hs256, Signed::Not] {
        println!("{signed:?}");
        is_refused(sign_in(server, issuer, &good, signed), 401, "sign_in_refused");
    }
    sign_in(server, issuer, &good, Signed::Es256).is(303);
}

#[test]
fn sign_in_comes_back_once_and_to_the_browser_it_left_from() {
    let (server, issuer) = both();
    let claims = json!({"preferred_username": "张三"});
    let sent = begin(server, issuer, "");
    let code = issuer.grant(&sent.asked, &claims, Signed::Rs256);
    come_back(server, &sent.cookie, &sent.asked["state"], &code).is(303);
    // the same again, with a code that would be good
    let code = issuer.grant(&sent.asked, &claims, Signed::Rs256);
    is_refused(come_back(server, &sent.cookie, &sent.asked["state"], &code), 400, "sign_in_spent");
    // brought into the browser of somebody else, who has one of one's own under way, or none
    let [sent, other] = [begin(server, issuer, ""), begin(server, issuer, "")];
    let code = issuer.grant(&sent.asked, &claims, Signed::Rs256);
    for cookie in ["", "lianhu-oidc=x", other.cookie.as_str()] {
        is_refused(come_back(server, cookie, &sent.asked["state"], &code), 400, "sign_in_spent");
    }
    is_refused(come_back(server, &sent.cookie, &sent.asked["state"], &code), 400, "sign_in_spent");
    // a code of another sign-in: its nonce and verifier are not ours
    let [sent, other] = [begin(server, issuer, ""), begin(server, issuer, "")];
    let code = issuer.grant(&other.asked, &claims, Signed::Rs256);
    is_refused(come_back(server, &sent.cookie, &sent.asked["state"], &code), 401, "sign_in_refused");
    // states that are none
    for state in ["", "x", &format!("lianhu_{}", "0".repeat(64))] {
        is_refused(come_back(server, &other.cookie, state, "x"), 400, "sign_in_spent");
    }
    is_refused(server.ask("GET", BACK, &[("cookie", &other.cookie)], None), 400, "sign_in_spent");
    // the issuer says no
    let path = format!("{BACK}?state={}&error=access_denied&error_description=%3Cb%3E", other.asked["state"]);
    let said = is_refused(server.ask("GET", &path, &[("cookie", &other.cookie)], None), 401, "sign_in_refused");
    assert!(!said.to_string().contains("<b>"));
}

#[test]
fn whom_the_store_does_not_let_in_is_told_the_same_and_nobody_is_made() {
    let (server, issuer) = both();
    let before = server.get("/api/users").is(200).json();
    let of = |claims: &Value| is_refused(sign_in(server, issuer, claims, Signed::Rs256), 403, "no_account");
    let unknown = of(&json!({"preferred_username": "没有此人"}));
    assert_eq!(of(&json!({"preferred_username": "离职"})), unknown);
    let others = [
        json!({}),
        json!({"preferred_username": " "}),
        json!({"preferred_username": "张三\u{0}"}),
        json!({"email": "张三"}),
    ];
    for other in others {
        assert_eq!(of(&other), unknown, "{other}");
    }
    assert_eq!(server.get("/api/users").is(200).json(), before);
}

#[test]
fn people_see_a_page_and_programs_a_problem() {
    let (server, _) = both();
    let page = server.ask("GET", BACK, &[("accept", "text/html,*/*;q=0.8")], None).is(400);
    assert!(
        page.header("content-type").starts_with("text/html") && page.text().contains("<a href=\"/\">"),
        "{}",
        page.text()
    );
    assert!(!page.header("content-security-policy").is_empty());
    server.ask("GET", BACK, &[], None).problem(400, "sign_in_spent");
}

#[test]
fn new_keys_of_the_issuer_are_learnt() {
    let issuer = Issuer::start();
    let server = with_issuer(&issuer.url(), &[]);
    let claims = json!({"preferred_username": "张三"});
    sign_in(&server, &issuer, &claims, Signed::Es256).is(303);
    let read = issuer.seen("/keys");
    sign_in(&server, &issuer, &claims, Signed::Es256).is(303);
    assert_eq!((read, issuer.seen("/keys")), (1, 1), "kept");
    issuer.rotate("k2");
    // not at every bad token, but soon
    let (begun, mut tries) = (Instant::now(), 1);
    while sign_in(&server, &issuer, &claims, Signed::Es256).status != 303 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", server.log());
        std::thread::sleep(Duration::from_millis(500));
        tries += 1;
    }
    assert_eq!(issuer.seen("/keys"), 2, "{tries} tries");
}

#[test]
fn token_endpoint_is_followed_nowhere_and_not_listened_to_for_ever() {
    let issuer = Issuer::start();
    let server = with_issuer(&issuer.url(), &[]);
    let claims = json!({"preferred_username": "张三"});
    issuer.answers(Answers::Elsewhere);
    is_refused(sign_in(&server, &issuer, &claims, Signed::Rs256), 401, "sign_in_refused");
    assert_eq!((issuer.seen("/token"), issuer.seen("/token2")), (1, 0));
    issuer.answers(Answers::Endlessly);
    is_refused(sign_in(&server, &issuer, &claims, Signed::Rs256), 503, "issuer_unavailable");
    issuer.answers(Answers::Well);
    sign_in(&server, &issuer, &claims, Signed::Rs256).is(303);
}

#[test]
fn service_starts_while_the_issuer_is_down_says_so_and_needs_no_restart() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let server = with_issuer(&format!("http://{port}/realms/county"), &[]);
    let refused = server.ask("GET", BEGIN, &[], None);
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|s| s > 0));
    is_refused(refused, 503, "issuer_unavailable");
    server.sign_in("县管理员", PASSWORD, &[]).is(201);
    let issuer = Issuer::at(TcpListener::bind(port).expect("the port"));
    let begun = Instant::now();
    while server.ask("GET", BEGIN, &[], None).status != 303 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", server.log());
        std::thread::sleep(Duration::from_millis(500));
    }
    sign_in(&server, &issuer, &json!({"preferred_username": "张三"}), Signed::Rs256).is(303);
    let log = server.log();
    assert!(
        log.contains("the issuer did not describe itself") && !log.contains(SECRET) && !log.contains("张三"),
        "{log}"
    );
}

#[test]
fn address_names_a_user_only_where_the_issuer_looked_at_it() {
    let issuer = Issuer::start();
    let server = with_issuer(&issuer.url(), &[("LIANHU_OIDC_CLAIM", "email"), ("LIANHU_OIDC_SCOPES", "openid email")]);
    assert_eq!(begin(&server, &issuer, "").asked["scope"], "openid email");
    let of = |claims: &Value| sign_in(&server, &issuer, claims, Signed::Rs256);
    is_refused(of(&json!({"email": "张三"})), 403, "no_account");
    is_refused(of(&json!({"email": "张三", "email_verified": false})), 403, "no_account");
    of(&json!({"email": "张三", "email_verified": true})).is(303);
}

#[test]
fn it_is_there_where_it_is_said_and_stands_in_the_definition() {
    let (server, _) = both();
    let paths = |server: &Server| -> Vec<String> {
        let document = server.ask("GET", "/api/openapi.json", &[], None).is(200).json();
        document["paths"].as_object().expect("paths").keys().filter(|p| p.contains("oidc")).cloned().collect()
    };
    assert_eq!(paths(server), ["/session/oidc", "/session/oidc/callback"]);
    let nobody = server.ask("GET", "/api/session", &[], None).problem(401, "unauthenticated").json();
    assert_eq!(nobody["sign_in_at"], BEGIN);
    let without = served(&[]);
    assert_eq!(paths(&without), Vec::<String>::new());
    without.ask("GET", BEGIN, &[], None).problem(404, "not_found");
    without.ask("GET", BACK, &[], None).problem(404, "not_found");
    let nobody = without.ask("GET", "/api/session", &[], None).problem(401, "unauthenticated").json();
    assert!(nobody.get("sign_in_at").is_none());
}

#[test]
fn address_asks_only_so_often() {
    let issuer = Issuer::start();
    let server = with_issuer(&issuer.url(), &[("LIANHU_PUBLIC_PER_MINUTE", "2")]);
    for _ in 0..2 {
        begin(&server, &issuer, "");
    }
    let refused = server.ask("GET", BEGIN, &[], None).problem(429, "too_often");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|s| (1..=60).contains(&s)));
}
