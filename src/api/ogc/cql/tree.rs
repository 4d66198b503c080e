//! What both writings of CQL2 become before names and types are looked at.

/// A piece of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    /// An operation, its name in lower case.
    Op(String, Vec<Tree>),
    Property(String),
    Text(String),
    Number(f64),
    Bool(bool),
    /// A day or a moment, as written.
    Time(String),
    Interval(String, String),
    Geometry(geo::Geometry<f64>),
    List(Vec<Tree>),
}

impl Tree {
    pub(super) fn op(name: &str, args: Vec<Self>) -> Self {
        Self::Op(name.to_owned(), args)
    }
}

/// Why a text is no filter: what was met, and where (bytes from the start), if that is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) at: Option<usize>,
}

impl Fault {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), at: None }
    }

    pub(super) fn at(mut self, at: usize) -> Self {
        self.at = Some(at);
        self
    }
}

/// Deepest nesting of a filter.
pub(super) const DEEPEST: u32 = 32;
/// Most values in one list, positions in one geometry.
pub(super) const MOST: usize = 10_000;
