//! Where a request came from, as far as that can be believed: tries of passwords and public requests are counted by it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::App;
use super::auth::Peer;
use super::error::Problem;

/// What each proxy adds its peer's address to, at the end.
const FORWARDED: &str = "x-forwarded-for";

/// The address of a client: the nearest one in front of the proxies that are trusted, the peer's where there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client(pub(super) IpAddr);

impl Client {
    /// Goes back from proxy to proxy as long as each is trusted; what somebody beyond them wrote counts for nothing.
    fn behind(proxies: &[IpAddr], peer: IpAddr, headers: &HeaderMap) -> Self {
        let mut at = peer.to_canonical();
        let lines = headers.get_all(FORWARDED).iter().rev();
        let mut said = lines.flat_map(|v| v.to_str().unwrap_or_default().rsplit(','));
        while proxies.iter().any(|p| p.to_canonical() == at) {
            match said.next().and_then(address) {
                Some(before) => at = before,
                None => break,
            }
        }
        Self(at)
    }
}

/// An address, also with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|a| a.ip()));
    bare.ok().map(|a| a.to_canonical())
}

impl FromRequestParts<Arc<App>> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |p| p.0.ip());
        Ok(Self::behind(&app.proxies, peer, &parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn proxies_that_are_trusted_are_believed_and_nobody_else() {
        let of = |proxies: &[&str], peer: &str, lines: &[&str]| {
            let proxies: Vec<IpAddr> = proxies.iter().map(|p| p.parse().expect("address")).collect();
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED, HeaderValue::from_str(line).expect("value"));
            }
            Client::behind(&proxies, peer.parse().expect("address"), &headers).0.to_string()
        };
        assert_eq!(of(&[], "10.0.0.9", &["1.2.3.4"]), "10.0.0.9", "nobody is trusted as built");
        assert_eq!(of(&["10.0.0.1"], "10.0.0.9", &["1.2.3.4"]), "10.0.0.9", "not a proxy of ours");
        assert_eq!(of(&["10.0.0.1"], "10.0.0.1", &["1.2.3.4"]), "1.2.3.4");
        assert_eq!(of(&["10.0.0.1"], "::ffff:10.0.0.1", &["[2001:db8::7]:443"]), "2001:db8::7");
        // what the client wrote itself stands further to the left, or in a line before
        assert_eq!(of(&["10.0.0.1"], "10.0.0.1", &["9.9.9.9, 1.2.3.4"]), "1.2.3.4");
        assert_eq!(of(&["10.0.0.1"], "10.0.0.1", &["9.9.9.9", "1.2.3.4:5678"]), "1.2.3.4");
        assert_eq!(of(&["10.0.0.1", "10.0.0.2"], "10.0.0.1", &["9.9.9.9, 1.2.3.4, 10.0.0.2"]), "1.2.3.4");
        // nothing that can be read: the proxy's own
        for nothing in [&[][..], &[""], &["unknown"], &["1.2.3.4, _hidden"]] {
            assert_eq!(of(&["10.0.0.1"], "10.0.0.1", nothing), "10.0.0.1", "{nothing:?}");
        }
    }
}
