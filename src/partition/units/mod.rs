//! Ten-household units (十联户): size-constrained clustering of households.
