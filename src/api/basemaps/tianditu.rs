//! What is asked of Tianditu, in the words of its WMTS (matrix set `w`). It goes by the sender's `User-Agent` whether a key is used where it
//! was given out for: a program's key (服务端) is wanted, as this program says that it is one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{Request, StatusCode, header};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::Semaphore;

use super::Place;
use super::rest::Rest;
use super::shelf::{Shelf, Tile};
use crate::api::outward::{NoCertificates, Outward, Patience, Unanswered};

/// Until there is a connection.
const CONNECTS: Duration = Duration::from_secs(3);
/// Longest tile: 256 pixels a side take some ten kB.
const MOST_BYTES: usize = 1 << 20;
/// Requests under way: few enough to be a guest there.
const AT_ONCE: usize = 6;
/// Tiles on their way, those that wait for their turn among them.
const MOST_COMING: usize = 256;
/// A tile that waits longer for its turn is nobody's any more: the view went on.
const TURN: Duration = Duration::from_secs(5);
/// A tile is not asked for again for so long.
const FRESH: Duration = Duration::from_secs(86_400);
/// Hosts that stand for `{s}` in an address, 0 to 7.
const HOSTS: u32 = 8;
const AGENT: &str = concat!("lianhu/", env!("CARGO_PKG_VERSION"));

/// Where tiles come from.
#[derive(Clone)]
pub struct TiandituSettings {
    /// Who we are there.
    pub key: String,
    /// `scheme://host` and what stands before `/vec_w/wmts`, `{s}` for the number of a host.
    pub base: String,
    /// Until a whole tile must be there.
    pub answers: Duration,
}

impl std::fmt::Debug for TiandituSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TiandituSettings").field("base", &self.base).finish_non_exhaustive()
    }
}

/// Why there is no tile. The words are for the log; the key is not among them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// Tianditu has none there.
    #[error("no tile there")]
    None,
    /// No connection.
    #[error("{why}")]
    NotReached { why: String },
    /// It took too long.
    #[error("{why}")]
    Late { why: String },
    /// The key is not taken: another kind of key, an address that is not listed, a quota used up.
    #[error("refused with {status}")]
    Refused { status: u16 },
    /// A page, a redirect, an error, too many bytes.
    #[error("{why}")]
    NoTile { why: String },
    /// Nobody is asked now.
    #[error("not asked for {seconds} s")]
    Resting { seconds: u32 },
}

impl From<Unanswered> for Fault {
    fn from(e: Unanswered) -> Self {
        let why = e.to_string();
        match e {
            Unanswered::NotReached(_) => Self::NotReached { why },
            Unanswered::Late(_) => Self::Late { why },
            Unanswered::TooLong(_) => Self::NoTile { why },
        }
    }
}

/// A tile on its way: however that ends, the next who wants it may ask for it anew.
struct OnItsWay {
    to: Arc<Tianditu>,
    place: Place,
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.to.coming.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.place);
    }
}

type Coming = Shared<BoxFuture<'static, Result<Arc<Tile>, Fault>>>;

/// Tianditu, and what came of it.
pub(crate) struct Tianditu {
    settings: TiandituSettings,
    outward: Outward,
    turns: Semaphore,
    shelf: Shelf,
    rest: Mutex<Rest>,
    coming: Mutex<HashMap<Place, Coming>>,
}

impl Tianditu {
    /// Asks nothing yet.
    ///
    /// # Errors
    /// An address that wants TLS, on a system without certificates.
    pub(in crate::api) fn new(settings: TiandituSettings) -> Result<Self, NoCertificates> {
        let answers = settings.answers;
        let patience = Patience { connects: CONNECTS.min(answers), answers, most_bytes: MOST_BYTES };
        Ok(Self {
            outward: Outward::new(settings.base.starts_with("https://"), patience)?,
            settings,
            turns: Semaphore::new(AT_ONCE),
            shelf: Shelf::default(),
            rest: Mutex::default(),
            coming: Mutex::default(),
        })
    }

    /// A tile: one that is kept and fresh, or one that comes. An old one is better than none.
    pub(super) async fn tile(self: &Arc<Self>, place: Place) -> Result<Arc<Tile>, Fault> {
        let kept = self.shelf.get(place);
        if let Some(tile) = kept.as_ref().filter(|t| t.at.elapsed() < FRESH) {
            return Ok(tile.clone());
        }
        let come = match self.coming(place) {
            Ok(coming) => coming.await,
            Err(fault) => Err(fault),
        };
        come.or_else(|fault| kept.ok_or(fault))
    }

    /// The tile on its way. Where it is not, it sets out, and arrives whether whoever asked first goes on waiting or not.
    fn coming(self: &Arc<Self>, place: Place) -> Result<Coming, Fault> {
        let here = self.clone();
        self.set_out(place, async move { here.bring(place).await })
    }

    fn set_out(
        self: &Arc<Self>,
        place: Place,
        bringing: impl Future<Output = Result<Arc<Tile>, Fault>> + Send + 'static,
    ) -> Result<Coming, Fault> {
        let busy = Fault::Resting { seconds: 1 };
        let mut coming = self.coming.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = coming.get(&place) {
            return Ok(one.clone());
        }
        if coming.len() >= MOST_COMING {
            return Err(busy);
        }
        let to = self.clone();
        let bringing = tokio::spawn(async move {
            let _on_its_way = OnItsWay { to, place };
            bringing.await
        });
        let one = bringing.map(|done| done.unwrap_or(Err(Fault::Resting { seconds: 1 }))).boxed().shared();
        coming.insert(place, one.clone());
        Ok(one)
    }

    async fn bring(&self, place: Place) -> Result<Arc<Tile>, Fault> {
        let busy = Fault::Resting { seconds: 1 };
        let Ok(Ok(_turn)) = tokio::time::timeout(TURN, self.turns.acquire()).await else { return Err(busy) };
        let may = self.rest.lock().map_or(Ok(()), |mut rest| rest.may_ask(Instant::now()));
        may.map_err(|seconds| Fault::Resting { seconds })?;
        let brought = self.ask(place).await;
        let is_good = matches!(brought, Ok(_) | Err(Fault::None));
        if self.rest.lock().is_ok_and(|mut rest| rest.heard(is_good, Instant::now())) {
            match &brought {
                Err(reason) if !is_good => tracing::warn!(%reason, "Tianditu gives no tiles"),
                _ => tracing::info!("Tianditu gives tiles again"),
            }
        }
        let tile = Arc::new(brought?);
        self.shelf.keep(place, &tile);
        Ok(tile)
    }

    async fn ask(&self, place: Place) -> Result<Tile, Fault> {
        let no_tile = |why: &str| Fault::NoTile { why: why.to_owned() };
        let request = Request::get(address(&self.settings, place)).header(header::USER_AGENT, AGENT);
        let request = request.header(header::ACCEPT, "image/*").body(Vec::new()).map_err(|_| no_tile("no address"))?;
        let (head, body) = self.outward.clone().send(request).await?.into_parts();
        match head.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::NO_CONTENT => return Err(Fault::None),
            status if status.is_client_error() => return Err(Fault::Refused { status: status.as_u16() }),
            status => return Err(Fault::NoTile { why: format!("answered with {}", status.as_u16()) }),
        }
        let kind = head.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("image/") {
            return Err(no_tile("the answer is no picture"));
        }
        Tile::of(body, Instant::now()).ok_or_else(|| no_tile("the answer says it is a picture and is none"))
    }
}

/// The address of a tile; the same tile is always asked of the same host.
fn address(settings: &TiandituSettings, place: Place) -> String {
    let Place { layer, z, y, x } = place;
    let base = settings.base.trim_end_matches('/').replace("{s}", &((x + y) % HOSTS).to_string());
    format!(
        "{base}/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={layer}&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles\
         &TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk={}",
        settings.key
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(base: &str) -> TiandituSettings {
        TiandituSettings { key: "0123abcd".to_owned(), base: base.to_owned(), answers: Duration::from_secs(1) }
    }

    #[test]
    fn address_names_layer_place_and_key_and_keeps_to_a_host() {
        let place = Place { layer: "cva", z: 14, y: 6_966, x: 13_011 };
        assert_eq!(
            address(&settings("https://t{s}.tianditu.gov.cn"), place),
            "https://t1.tianditu.gov.cn/cva_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=cva&STYLE=default\
             &TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX=14&TILEROW=6966&TILECOL=13011&tk=0123abcd"
        );
        assert!(
            address(&settings("http://10.1.2.3:8090/tdt/"), place).starts_with("http://10.1.2.3:8090/tdt/cva_w/wmts?")
        );
        assert!(!format!("{:?}", settings("https://t{s}.tianditu.gov.cn")).contains("0123abcd"));
    }

    async fn breaks_down() -> Result<Arc<Tile>, Fault> {
        panic!("asked for by a test")
    }

    #[tokio::test]
    async fn tile_that_never_comes_keeps_no_place() {
        let tianditu = Arc::new(Tianditu::new(settings("http://127.0.0.1:9")).expect("no certificate is needed"));
        let place = |x| Place { layer: "vec", z: 14, y: 0, x };
        let on_their_way = || tianditu.coming.lock().expect("lock").len();
        let lost = tianditu.set_out(place(1), breaks_down()).expect("sets out");
        assert_eq!(lost.await.err(), Some(Fault::Resting { seconds: 1 }));
        assert_eq!(on_their_way(), 0);
        // whoever asked goes away: it arrives all the same, once for all who want it
        let (arrive, waits) = tokio::sync::oneshot::channel::<()>();
        let first = tianditu.set_out(place(2), async {
            waits.await.ok();
            Err(Fault::None)
        });
        let second = tianditu.set_out(place(2), breaks_down()).expect("on its way");
        drop(first);
        assert_eq!(on_their_way(), 1);
        arrive.send(()).expect("it waits");
        assert_eq!((second.await.err(), on_their_way()), (Some(Fault::None), 0));
        // and with nobody left
        drop(tianditu.set_out(place(3), async { Err(Fault::None) }));
        let begun = Instant::now();
        while on_their_way() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(10), "it keeps its place");
            tokio::task::yield_now().await;
        }
    }
}
