//! The commands from outside: the built program on small villages, the fixtures and real files. One binary, because each costs a link and
//! the cases of one binary share the cores.

mod adversarial;
mod command_line;
mod common;
mod county_commands;
mod degenerate;
mod draw_command;
mod gdal_reads_our_files;
mod grids_command;
mod hostile_files;
mod hotspots_command;
mod hotspots_real;
mod in_force;
mod ledger_commands;
mod liechtenstein;
mod parse_child;
mod plan_commands;
mod plan_properties;
mod real_layers;
mod register_commands;
mod township_fixture;
mod units_command;
mod versions_and_phones;
