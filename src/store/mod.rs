//! The register: one trait, two engines (a GeoPackage file, PostGIS), migrations, audit.
