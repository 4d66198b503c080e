//! Geometry: conversions between reference systems, the one projection to local metres, Voronoi cells, dissolve.
