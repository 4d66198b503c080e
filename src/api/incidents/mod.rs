//! `/api/incidents`, `/api/intake`, `/api/dictionaries`: incidents reported, listed, moved along.

mod coming_in;
mod lists;
mod photo;
mod query;
mod shown;
mod steps;

pub(super) use coming_in::{bulk, intake, report};
pub(super) use lists::{dictionaries, list, one};
pub(super) use photo::{photo, put_photo, remove_photo};
pub(super) use query::{FILTERS, filter_of, moment};
pub(super) use shown::Names;
pub(super) use steps::advance;

use crate::store::Role;

/// Who reports and handles incidents: the monitoring room, planners, admins.
pub(super) const HANDLERS: [Role; 3] = [Role::Viewer, Role::Planner, Role::Admin];
