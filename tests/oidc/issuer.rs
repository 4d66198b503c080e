//! A small issuer on this machine: describes itself, changes codes for tokens it signs, and checks what a client owes it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) const CLIENT: &str = "lianhu";
/// With characters that a form must encode.
pub(crate) const SECRET: &str = "机密:+ %/geheim";
/// A key of these tests alone; it opens nothing.
const RSA: &[u8] = include_bytes!("rsa.pkcs8");

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    Rs256,
    Es256,
    /// By another's key under the name of ours.
    Forged,
    /// By the secret we share with the client.
    Hs256,
    Not,
}

/// How the token endpoint answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    Well,
    /// Elsewhere: what is there would give a token.
    Elsewhere,
    Endlessly,
}

struct Grant {
    asked: BTreeMap<String, String>,
    claims: Value,
    signed: Signed,
}

struct Inner {
    at: SocketAddr,
    /// Name of the key in use.
    kid: Mutex<String>,
    ec: Mutex<(Vec<u8>, EcdsaKeyPair)>,
    grants: Mutex<BTreeMap<String, Grant>>,
    answers: Mutex<Answers>,
    /// Requests, by path.
    seen: Mutex<BTreeMap<String, u32>>,
}

#[derive(Clone)]
pub(crate) struct Issuer(Arc<Inner>);

fn ec() -> (Vec<u8>, EcdsaKeyPair) {
    let random = SystemRandom::new();
    let text = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, text.as_ref(), &random).expect("a key");
    (pair.public_key().as_ref().to_vec(), pair)
}

pub(crate) fn query(text: &str) -> BTreeMap<String, String> {
    let decoded = |t: &str| percent_decode_str(&t.replace('+', " ")).decode_utf8().expect("text").into_owned();
    let pairs = text.split('&').filter_map(|p| p.split_once('='));
    pairs.map(|(n, v)| (decoded(n), decoded(v))).collect()
}

fn hmac_sha256(key: &str, text: &str) -> Vec<u8> {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes());
    ring::hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

impl Issuer {
    pub(crate) fn start() -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").expect("a port"))
    }

    pub(crate) fn at(listener: TcpListener) -> Self {
        let inner = Inner {
            at: listener.local_addr().expect("an address"),
            kid: Mutex::new("k1".to_owned()),
            ec: Mutex::new(ec()),
            grants: Mutex::default(),
            answers: Mutex::new(Answers::Well),
            seen: Mutex::default(),
        };
        let issuer = Self(Arc::new(inner));
        let serving = issuer.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let issuer = serving.clone();
                std::thread::spawn(move || issuer.answer(stream));
            }
        });
        issuer
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/realms/county", self.0.at)
    }

    pub(crate) fn answers(&self, how: Answers) {
        *self.0.answers.lock().expect("lock") = how;
    }

    /// Signs with other keys from now on.
    pub(crate) fn rotate(&self, kid: &str) {
        *self.0.kid.lock().expect("lock") = kid.to_owned();
        *self.0.ec.lock().expect("lock") = ec();
    }

    pub(crate) fn seen(&self, path: &str) -> u32 {
        self.0.seen.lock().expect("lock").get(path).copied().unwrap_or_default()
    }

    /// Somebody signed in here after being sent with a query: the code to go back with. Claims go over those of a good token.
    pub(crate) fn grant(&self, asked: &BTreeMap<String, String>, claims: &Value, signed: Signed) -> String {
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let mut all = json!({
            "iss": self.url(), "aud": CLIENT, "sub": "0001", "iat": now, "exp": now + 300, "nonce": asked["nonce"],
        });
        for (name, value) in claims.as_object().expect("claims") {
            all[name] = value.clone();
        }
        let mut grants = self.0.grants.lock().expect("lock");
        let code = format!("code/{}+", grants.len());
        grants.insert(code.clone(), Grant { asked: asked.clone(), claims: all, signed });
        code
    }

    fn token(&self, claims: &Value, signed: Signed) -> String {
        let kid = self.0.kid.lock().expect("lock").clone();
        let (alg, kid) = match signed {
            Signed::Rs256 => ("RS256", format!("{kid}-rsa")),
            Signed::Es256 | Signed::Forged => ("ES256", format!("{kid}-ec")),
            Signed::Hs256 => ("HS256", kid),
            Signed::Not => ("none", kid),
        };
        let part = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
        let text = format!("{}.{}", part(&json!({"alg": alg, "typ": "JWT", "kid": kid})), part(claims));
        let random = SystemRandom::new();
        let by_ec = |pair: &EcdsaKeyPair| pair.sign(&random, text.as_bytes()).expect("signed").as_ref().to_vec();
        let signature = match signed {
            Signed::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(RSA).expect("a key");
                let mut out = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut out).expect("signed");
                out
            }
            Signed::Es256 => by_ec(&self.0.ec.lock().expect("lock").1),
            Signed::Forged => by_ec(&ec().1),
            Signed::Hs256 => hmac_sha256(SECRET, &text),
            Signed::Not => Vec::new(),
        };
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn keys(&self) -> Value {
        let kid = self.0.kid.lock().expect("lock").clone();
        let rsa = RsaKeyPair::from_pkcs8(RSA).expect("a key");
        let point = self.0.ec.lock().expect("lock").0.clone();
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (n, e): (Vec<u8>, Vec<u8>) = {
            let public: ring::rsa::PublicKeyComponents<Vec<u8>> = rsa.public().into();
            (public.n, public.e)
        };
        json!({"keys": [
            {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": format!("{kid}-rsa"), "n": text(&n), "e": text(&e)},
            {"kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": format!("{kid}-ec"),
             "x": text(&point[1..33]), "y": text(&point[33..65])},
            {"kty": "SM2", "kid": "nobody-knows"},
        ]})
    }

    fn description(&self) -> Value {
        let url = self.url();
        json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "jwks_uri": format!("{url}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        })
    }

    /// What the token endpoint says: every rule of a client is one here.
    fn exchanged(&self, authorization: &str, form: &BTreeMap<String, String>) -> Result<Value, String> {
        let basic = authorization.strip_prefix("Basic ").ok_or("no client")?;
        let pair = String::from_utf8(STANDARD.decode(basic).map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
        let (client, secret) = pair.split_once(':').ok_or("no pair")?;
        let secret = query(&format!("s={secret}")).remove("s");
        if client != CLIENT || secret.as_deref() != Some(SECRET) {
            return Err(format!("client {client}"));
        }
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let grant = self.0.grants.lock().expect("lock").remove(field("code")).ok_or("no such code")?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier").as_bytes()));
        let verifier = field("code_verifier");
        if field("grant_type") != "authorization_code"
            || field("redirect_uri") != grant.asked["redirect_uri"]
            || !(43..=128).contains(&verifier.len())
            || challenge != grant.asked["code_challenge"]
        {
            return Err(format!("{form:?}"));
        }
        let token = self.token(&grant.claims, grant.signed);
        Ok(json!({"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": token}))
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut lines = BufReader::new(stream.try_clone().expect("a socket"));
        let mut line = String::new();
        lines.read_line(&mut line).expect("a request");
        let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).expect("a head");
            match line.trim().split_once(':') {
                Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.trim().to_owned()),
                None => break,
            };
        }
        let mut body = vec![0; headers.get("content-length").and_then(|n| n.parse().ok()).unwrap_or_default()];
        lines.read_exact(&mut body).expect("a body");
        let path = path.strip_prefix("/realms/county").unwrap_or("elsewhere").to_owned();
        *self.0.seen.lock().expect("lock").entry(path.clone()).or_default() += 1;
        let how = *self.0.answers.lock().expect("lock");
        let (status, more, body) = match (path.as_str(), how) {
            ("/.well-known/openid-configuration", _) => ("200 OK", String::new(), self.description().to_string()),
            ("/keys", _) => ("200 OK", String::new(), self.keys().to_string()),
            ("/token", Answers::Elsewhere) => {
                ("307 Temporary Redirect", format!("Location: {}/token2\r\n", self.url()), String::new())
            }
            ("/token", Answers::Endlessly) => ("200 OK", String::new(), " ".repeat(4 << 20)),
            ("/token" | "/token2", _) => {
                let form = query(&String::from_utf8_lossy(&body));
                match self.exchanged(headers.get("authorization").map_or("", String::as_str), &form) {
                    Ok(answer) => ("200 OK", String::new(), answer.to_string()),
                    Err(why) => {
                        eprintln!("the issuer refuses: {why}");
                        ("400 Bad Request", String::new(), json!({"error": "invalid_grant"}).to_string())
                    }
                }
            }
            _ => ("404 Not Found", String::new(), String::new()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\n{more}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        // a client that has enough goes
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    }
}
