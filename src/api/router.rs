//! The one list of what there is. Everything in `known` needs a principal; what stands in `open` tells nothing of anybody.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, patch, post};

use super::error::Problem;
use super::{
    App, alerts, audit, auth, basemaps, bodies, cors, events, exports, first, guard, hotspots, imports, incidents,
    jobs, ledgers, officers, ogc, openapi, plans, rate, regions, register, report, session, statistics, tagged, tokens,
    users, web,
};

/// All routes of the public listener.
#[rustfmt::skip]
pub(super) fn router(app: Arc<App>) -> Router {
    // what describes the service
    let described = Router::new()
        .route("/ogc", get(ogc::landing))
        .route("/ogc/", get(ogc::landing))
        .route("/ogc/api", get(ogc::api))
        .route("/ogc/api.html", get(ogc::api_page))
        .route("/ogc/conformance", get(ogc::conformance))
        .route("/ogc/style.css", get(ogc::style))
        .route("/api/openapi.json", get(openapi::document))
        .route_layer(from_fn(tagged::tagged));
    let open = Router::new()
        .route("/", get(web::map))
        .route("/assets/{*path}", get(web::asset))
        .route("/first", get(first::form).post(first::take))
        .route("/api/session", post(session::sign_in).delete(session::sign_out));
    // what is open and made anew: each address may ask only so often
    let counted = Router::new()
        .route("/ogc/collections/public-hotspots", get(ogc::public::cells::collection))
        .route("/ogc/collections/public-hotspots/items", get(ogc::public::cells::items))
        .route("/ogc/collections/public-hotspots/items/{id}", get(ogc::public::cells::item))
        .route("/ogc/collections/public-totals", get(ogc::public::totals::collection))
        .route("/ogc/collections/public-totals/items", get(ogc::public::totals::items))
        .route("/ogc/collections/public-totals/items/{id}", get(ogc::public::totals::item));
    #[cfg(feature = "oidc")]
    let counted = counted
        .route("/api/session/oidc", get(session::oidc::begin))
        .route("/api/session/oidc/callback", get(session::oidc::come_back));
    let open = open.merge(described).merge(counted.route_layer(from_fn_with_state(app.clone(), rate::limit_by_address)));
    // what takes long, or much room: each user and token may ask only so often
    let costly = Router::new()
        .route("/api/imports", post(imports::upload))
        .route("/api/imports/{id}/preview", post(imports::preview))
        .route("/api/imports/{id}/errors", get(imports::errors))
        .route("/api/exports", post(exports::create))
        .route("/api/ledgers/{kind}", get(ledgers::ledger))
        .route("/api/plans/{id}/wall-map", get(plans::wall_map))
        .route("/api/ledgers/{kind}/import", post(imports::upload_ledger))
        .route_layer(from_fn_with_state(app.clone(), rate::limit));
    // lists that may be long
    let packed = Router::new()
        .route("/api/regions", get(regions::list))
        .route("/api/plans/{id}/villages/{village}", get(plans::village))
        .route("/api/plans/{id}/compare/{other}", get(plans::compare))
        .route("/api/incidents", get(incidents::list).post(incidents::report))
        .route("/api/statistics", get(statistics::statistics))
        .route_layer(from_fn(bodies::packed));
    // what describes its layers
    let layers = Router::new()
        .route("/ogc/collections", get(ogc::collections))
        .route("/ogc/collections/{collection}", get(ogc::collection))
        .route("/ogc/collections/{collection}/queryables", get(ogc::queryables))
        .route("/ogc/collections/{collection}/tiles", get(ogc::tilesets))
        .route("/ogc/collections/{collection}/tiles/{matrices}", get(ogc::tileset))
        .route("/ogc/lianhu.qgs", get(ogc::qgis))
        .route("/ogc/tileMatrixSets", get(ogc::matrix_sets))
        .route("/ogc/tileMatrixSets/{matrices}", get(ogc::matrix_set))
        .route_layer(from_fn(tagged::tagged));
    let known = Router::new()
        .route("/ogc/collections/{collection}/items", get(ogc::items).post(ogc::create))
        .route("/ogc/collections/{collection}/items/{id}",
            get(ogc::item).put(ogc::replace).patch(ogc::update).delete(ogc::remove))
        .route("/ogc/collections/{collection}/tiles/{matrices}/{z}/{y}/{x}", get(ogc::tile))
        .route("/api/session", get(session::who))
        .route("/api/basemaps/tianditu/{layer}/{z}/{y}/{x}", get(basemaps::tile))
        .route("/api/users", get(users::list).post(users::add))
        .route("/api/users/{id}", patch(users::change))
        .route("/api/tokens", get(tokens::list).post(tokens::add))
        .route("/api/tokens/{id}", axum::routing::delete(tokens::revoke))
        .route("/api/imports/{id}", axum::routing::delete(imports::forget))
        .route("/api/imports/{id}/commit", post(imports::commit))
        .route("/api/exports/{id}/file", get(exports::file))
        .route("/api/officers", get(officers::list).post(officers::add))
        .route("/api/officers/{id}", axum::routing::put(officers::replace).delete(officers::remove))
        .route("/api/officers/{id}/reveal", post(officers::reveal))
        .route("/api/audit", get(audit::list))
        .route("/api/register/{layer}/{id}/changes", get(register::changes))
        .route("/api/profiles", get(plans::profiles))
        .route("/api/plans", get(plans::list).post(plans::create))
        .route("/api/plans/{id}", get(plans::one))
        .route("/api/plans/{id}/preview", post(plans::preview))
        .route("/api/plans/{id}/edits", post(plans::edit))
        .route("/api/plans/{id}/undo", post(plans::undo))
        .route("/api/plans/{id}/redo", post(plans::redo))
        .route("/api/plans/{id}/history", get(plans::history))
        .route("/api/plans/{id}/check", get(plans::check))
        .route("/api/plans/{id}/publish", post(plans::publish))
        .route("/api/plans/{id}/fork", post(plans::fork))
        .route("/api/plans/{id}/absorb", post(plans::follow))
        .route("/api/dictionaries", get(incidents::dictionaries))
        .route("/api/incidents/bulk", post(incidents::bulk))
        .route("/api/incidents/{id}", get(incidents::one))
        .route("/api/incidents/{id}/transitions", post(incidents::advance))
        .route("/api/incidents/{id}/photo", get(incidents::photo).put(incidents::put_photo).delete(incidents::remove_photo))
        .route("/api/alerts", get(alerts::list))
        .route("/api/alerts/{id}/acknowledge", post(alerts::acknowledge))
        .route("/api/alert-rules", get(alerts::list_rules))
        .route("/api/alert-rules/{id}", axum::routing::put(alerts::put_rule).delete(alerts::remove_rule))
        .route("/api/report", get(report::report))
        .route("/api/hotspots", get(hotspots::cells))
        .route("/api/scan", get(hotspots::scan))
        .route("/api/intake", post(incidents::intake))
        .route("/api/jobs/{id}", get(jobs::one).delete(jobs::cancel))
        .route("/api/events", get(events::stream));
    let known = if app.with_test_routes { known.route("/api/test/panic", get(faulty)) } else { known };
    let known = known.merge(layers).merge(costly).merge(packed).route_layer(from_fn_with_state(app.clone(), auth::require));
    open.merge(known)
        .fallback(async || Problem::missing())
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "此资源不支持该方法 / this resource does not know the method")
        })
        .layer(from_fn_with_state(app.clone(), cors::around))
        .layer(from_fn_with_state(app.clone(), guard::around))
        .with_state(app)
}

/// F16: a handler that fails.
#[expect(clippy::panic, reason = "it is what the test is about")]
async fn faulty() -> &'static str {
    panic!("asked for by a test")
}
