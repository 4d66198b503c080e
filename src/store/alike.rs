//! Whether a cell that comes in is the one that is there. Shapes that a file carried are: files have nine decimals of a degree, and some
//! formats turn rings the other way round, so that a row nobody touched would come back as a changed one.

use crate::domain::register::{Geometry, Ring};

use super::value::Value;
use super::wkb;

/// Half of the ninth decimal of a degree (0.05 mm), and what the sum of two doubles may be off by.
const ROUNDED_DEG: f64 = 5.1e-10;

/// Whether two values are the same for whoever made them.
pub(super) fn same(there: &Value, comes: &Value) -> bool {
    match (there, comes) {
        (Value::Shape(Some(a)), Value::Shape(Some(b))) if a != b => match (wkb::read(a), wkb::read(b)) {
            (Ok(a), Ok(b)) => shapes(&a, &b),
            _ => false,
        },
        _ => there == comes,
    }
}

fn shapes(a: &Geometry, b: &Geometry) -> bool {
    match (a, b) {
        (Geometry::Point(a), Geometry::Point(b)) => near(a, b),
        (Geometry::Line(a), Geometry::Line(b)) => lines(a.iter(), b.iter()),
        (Geometry::Polygon(a), Geometry::Polygon(b)) => rings(a, b),
        (Geometry::MultiPolygon(a), Geometry::MultiPolygon(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| rings(a, b))
        }
        _ => false,
    }
}

fn near(a: &[f64; 2], b: &[f64; 2]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= ROUNDED_DEG)
}

fn lines<'p>(a: impl ExactSizeIterator<Item = &'p [f64; 2]>, b: impl ExactSizeIterator<Item = &'p [f64; 2]>) -> bool {
    a.len() == b.len() && a.zip(b).all(|(a, b)| near(a, b))
}

fn rings(a: &[Ring], b: &[Ring]) -> bool {
    let alike = |a: &Ring, b: &Ring| lines(a.iter(), b.iter()) || lines(a.iter(), b.iter().rev());
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(shape: &Geometry) -> Value {
        Value::Shape(Some(wkb::to_wkb(shape)))
    }

    #[test]
    fn shapes_that_a_file_rounded_or_turned_are_the_same_and_moved_ones_are_not() {
        let ring = |x: f64| vec![[x, 26.0], [x + 0.1, 26.0], [x + 0.1, 26.1], [x, 26.0]];
        let turned = |ring: &Ring| ring.iter().rev().copied().collect::<Ring>();
        let of = |rings: &[Ring]| value(&Geometry::Polygon(rings.to_vec()));
        let point = |x: f64| value(&Geometry::Point([x, 26.012_345_678_912_345]));
        assert!(same(&point(105.612_345_678_912_34), &value(&Geometry::Point([105.612_345_679, 26.012_345_679]))));
        assert!(!same(&point(105.612_345_678), &point(105.612_345_680)), "a fifth of a millimetre");
        let (a, b) = (ring(105.0), ring(105.2));
        assert!(same(&of(&[a.clone(), b.clone()]), &of(&[turned(&a), turned(&b)])));
        assert!(!same(&of(std::slice::from_ref(&a)), &of(std::slice::from_ref(&b))));
        assert!(!same(&of(std::slice::from_ref(&a)), &of(&[a.clone(), b.clone()])), "a hole more");
        let parts =
            |parts: &[&Ring]| value(&Geometry::MultiPolygon(parts.iter().map(|r| vec![(*r).clone()]).collect()));
        assert!(same(&parts(&[&a, &b]), &parts(&[&turned(&a), &b])));
        assert!(!same(&parts(&[&a, &b]), &parts(&[&b, &a])) && !same(&parts(&[&a]), &of(std::slice::from_ref(&a))));
        let line = |l: &Ring| value(&Geometry::Line(l.clone()));
        assert!(same(&line(&a), &line(&a)) && !same(&line(&b), &line(&turned(&b))), "a line has a direction");
        assert!(!same(&value(&Geometry::Point([1.0, 1.0])), &Value::Shape(None)));
        assert!(same(&Value::Shape(None), &Value::Shape(None)) && !same(&Value::from("a"), &Value::from("b")));
    }
}
