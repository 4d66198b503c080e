//! `/api/basemaps`: tiles of Tianditu (天地图) through this service. The key stays here, and no page asks another host.
//!
//! 1. [`tile`] knows four layers and looks at the place: what cannot be a tile is asked of nobody.
//! 2. A tile that is kept ([`shelf`]) is given; another is asked for, once however many want it ([`tianditu`]).
//! 3. After several failures in a row nobody is asked for a while ([`rest`]): a dead network holds up no map.

mod rest;
mod shelf;
mod tianditu;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::App;
use super::auth::Principal;
use super::error::{Answer, Problem};
use super::extract::{Params, Segments};

use tianditu::Fault;
pub(crate) use tianditu::Tianditu;
pub use tianditu::TiandituSettings;

/// Vector map, its labels, image, its labels.
const LAYERS: [&str; 4] = ["vec", "cva", "img", "cia"];
/// Levels that Tianditu has.
const LEVELS: std::ops::RangeInclusive<u32> = 1..=18;
/// A browser keeps a tile for as long as it is fresh here.
const KEEPING: &str = "private, max-age=86400";

/// Where a tile lies, in Web Mercator, rows from the north.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Place {
    layer: &'static str,
    z: u32,
    y: u32,
    x: u32,
}

impl Place {
    /// Reads what stands in the path.
    ///
    /// # Errors
    /// 404 for what is no tile of a layer there is.
    fn read(layer: &str, z: &str, y: &str, x: &str) -> Answer<Self> {
        let layer = LAYERS.into_iter().find(|known| *known == layer).ok_or_else(Problem::missing)?;
        let digits = |t: &str| (1..=6).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit());
        let number = |t: &str| t.parse::<u32>().ok().filter(|_| digits(t)).ok_or_else(Problem::missing);
        let (z, y, x) = (number(z)?, number(y)?, number(x)?);
        let is_there = LEVELS.contains(&z) && [y, x].iter().all(|n| *n < 1 << z);
        if is_there { Ok(Self { layer, z, y, x }) } else { Err(Problem::missing()) }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let (status, code, what) = match fault {
            Fault::None => return Self::missing(),
            Fault::NotReached { .. } => {
                (StatusCode::BAD_GATEWAY, "basemap_not_reached", "连不上底图服务 / the basemap's host is not reached")
            }
            Fault::Late { .. } => {
                (StatusCode::GATEWAY_TIMEOUT, "basemap_late", "底图服务应答超时 / the basemap's host took too long")
            }
            Fault::Refused { .. } => (
                StatusCode::BAD_GATEWAY,
                "basemap_refused",
                "底图服务拒绝了请求，请管理员检查密钥的类型、白名单和配额 / the basemap's host refuses: the administrator should look at the key's kind, addresses and quota",
            ),
            Fault::NoTile { .. } => (
                StatusCode::BAD_GATEWAY,
                "basemap_no_tile",
                "底图服务的应答不是瓦片 / what the basemap's host sent is no tile",
            ),
            Fault::Resting { seconds } => {
                let what = "底图暂不可用，稍后自动再试 / the basemap is not there now, it is asked again soon";
                return Self::new(StatusCode::SERVICE_UNAVAILABLE, "basemap_resting", what).retry_after_s(seconds);
            }
        };
        Self::new(status, code, what)
    }
}

pub(super) async fn tile(
    State(app): State<Arc<App>>,
    _: Principal,
    Segments((layer, z, y, x)): Segments<(String, String, String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    params.only(&[])?;
    let tianditu = app.tianditu.as_ref().ok_or_else(Problem::missing)?;
    let tile = tianditu.tile(Place::read(&layer, &z, &y, &x)?).await?;
    let known =
        headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains(&tile.etag));
    let named = [
        (header::CONTENT_TYPE, tile.kind.media_type()),
        (header::ETAG, tile.etag.as_str()),
        (header::CACHE_CONTROL, KEEPING),
    ];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, named).into_response());
    }
    Ok((named, tile.bytes.clone()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_a_tile_of_a_layer_or_nothing_is_asked() {
        let read = |path: &str| {
            let parts: Vec<&str> = path.split('/').collect();
            Place::read(parts[0], parts[1], parts[2], parts[3]).ok().map(|p| (p.layer, p.z, p.y, p.x))
        };
        assert_eq!(read("vec/1/1/0"), Some(("vec", 1, 1, 0)));
        assert_eq!(read("cia/18/262143/262143"), Some(("cia", 18, 262_143, 262_143)));
        for bad in [
            "ter/1/0/0",
            "VEC/1/0/0",
            "vec_w/1/0/0",
            "/1/0/0",
            "vec/0/0/0",
            "vec/19/0/0",
            "vec/1/2/0",
            "vec/1/0/2",
            "vec/18/262144/0",
            "vec/+1/0/0",
            "vec/1/-1/0",
            "vec/1/0/",
            "vec/1/0/0&tk=x",
            "vec/4294967297/0/0",
            "vec/1/0000000/0",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
