//! The import gate and the formats in and out.
