//! OGC API – Features (parts 1–4) and Tiles: what any GIS connects to.

mod answer;
mod cql;
mod crs;
mod editing;
mod export;
pub(super) mod html;
mod items;
mod matrices;
mod openapi;
mod pages;
pub(super) mod public;
mod qgis;
mod query;
mod select;
mod tile_shapes;
mod tiles;
mod time;

pub(super) use answer::is_known;
pub(super) use editing::{create, remove, replace, update};
pub(super) use items::{item, items};
pub(super) use openapi::{api, api_page};
pub(super) use pages::{collection, collections, conformance, landing, queryables, style};
pub(super) use qgis::qgis;
#[cfg(test)]
pub(super) use query::{FILES as FORMS, KNOWN as ITEM_PARAMETERS, LIMIT, MOST};
pub(super) use tiles::{matrix_set, matrix_sets, tile, tileset, tilesets};
