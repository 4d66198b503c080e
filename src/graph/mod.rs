//! Adjacency as compressed rows of `u32`; knows no coordinates.

/// Undirected graph in compressed sparse rows. Each edge stands twice, once in each end's row; rows are sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Csr {
    /// Row `v` is `neighbours[offsets[v]..offsets[v + 1]]`.
    pub offsets: Vec<u32>,
    /// Neighbours of all vertices, row after row.
    pub neighbours: Vec<u32>,
}

impl Csr {
    /// Builds the graph from undirected edges (each pair once, no loops, no repeats), with a payload that follows each half-edge.
    #[must_use]
    pub fn from_edges<T: Copy + Default>(vertices: usize, edges: &[(u32, u32, T)]) -> (Self, Vec<T>) {
        let mut offsets = vec![0_u32; vertices + 1];
        for &(a, b, _) in edges {
            offsets[a as usize + 1] += 1;
            offsets[b as usize + 1] += 1;
        }
        for v in 0..vertices {
            offsets[v + 1] += offsets[v];
        }
        let mut rows: Vec<(u32, T)> = vec![(0, T::default()); edges.len() * 2];
        let mut next = offsets.clone();
        for &(a, b, t) in edges {
            for (from, to) in [(a, b), (b, a)] {
                rows[next[from as usize] as usize] = (to, t);
                next[from as usize] += 1;
            }
        }
        for v in 0..vertices {
            rows[offsets[v] as usize..offsets[v + 1] as usize].sort_by_key(|r| r.0);
        }
        let (neighbours, payload) = rows.into_iter().unzip();
        (Self { offsets, neighbours }, payload)
    }

    /// The members of each group, ascending, from the group of each member.
    #[must_use]
    pub fn inverse(groups: usize, group_of: &[u32]) -> Self {
        let mut offsets = vec![0_u32; groups + 1];
        for &g in group_of {
            offsets[g as usize + 1] += 1;
        }
        for g in 0..groups {
            offsets[g + 1] += offsets[g];
        }
        let mut next = offsets.clone();
        let mut neighbours = vec![0_u32; group_of.len()];
        for (member, &g) in group_of.iter().enumerate() {
            neighbours[next[g as usize] as usize] = member as u32;
            next[g as usize] += 1;
        }
        Self { offsets, neighbours }
    }

    /// Number of vertices.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there is no vertex.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Positions of `v`'s row in `neighbours` (and in any payload).
    #[must_use]
    pub fn row(&self, v: u32) -> std::ops::Range<usize> {
        self.offsets[v as usize] as usize..self.offsets[v as usize + 1] as usize
    }

    /// Neighbours of `v`, ascending.
    #[must_use]
    pub fn neighbours_of(&self, v: u32) -> &[u32] {
        &self.neighbours[self.row(v)]
    }

    /// Connected components: the component of each vertex, numbered by smallest member, and their number.
    #[must_use]
    pub fn components(&self) -> (Vec<u32>, u32) {
        self.components_where(|_, _| true)
    }

    /// Components of the subgraph whose edges `(from, to)` pass `keep` (which must be symmetric).
    #[must_use]
    pub fn components_where(&self, keep: impl Fn(u32, u32) -> bool) -> (Vec<u32>, u32) {
        let mut component = vec![u32::MAX; self.len()];
        let mut count = 0;
        let mut stack = Vec::new();
        for start in 0..self.len() as u32 {
            if component[start as usize] != u32::MAX {
                continue;
            }
            component[start as usize] = count;
            stack.push(start);
            while let Some(v) = stack.pop() {
                for &u in self.neighbours_of(v) {
                    if component[u as usize] == u32::MAX && keep(v, u) {
                        component[u as usize] = count;
                        stack.push(u);
                    }
                }
            }
            count += 1;
        }
        (component, count)
    }
}
