//! The five SQL functions the GeoPackage's R-tree triggers call, for our own connections.

use std::ffi::{c_int, c_void};

use libsqlite3_sys as ffi;

use crate::store::wkb;

#[derive(Clone, Copy)]
enum Asked {
    Bound(usize),
    IsEmpty,
}

/// Name (with the terminating zero SQLite wants), and what is asked for: 0–3 a bound in the order of [`wkb::bounds`], 4 emptiness.
const FUNCTIONS: [(&[u8], usize); 5] =
    [(b"ST_MinX\0", 0), (b"ST_MinY\0", 1), (b"ST_MaxX\0", 2), (b"ST_MaxY\0", 3), (b"ST_IsEmpty\0", 4)];

fn asked(number: usize) -> Asked {
    if number < 4 { Asked::Bound(number) } else { Asked::IsEmpty }
}

/// # Safety
/// Called by SQLite with a valid context and one argument, as registered.
unsafe extern "C" fn answer(context: *mut ffi::sqlite3_context, count: c_int, values: *mut *mut ffi::sqlite3_value) {
    // SAFETY: SQLite hands over `count` valid values and the number that was registered as user data; the blob is only read
    // before the next call into SQLite.
    unsafe {
        if count != 1 || ffi::sqlite3_value_type(*values) != ffi::SQLITE_BLOB {
            return ffi::sqlite3_result_null(context);
        }
        let blob = ffi::sqlite3_value_blob(*values).cast::<u8>();
        let length = usize::try_from(ffi::sqlite3_value_bytes(*values)).unwrap_or(0);
        let bytes = if blob.is_null() { &[] } else { std::slice::from_raw_parts(blob, length) };
        let bounds = if bytes.starts_with(b"GP") { wkb::bounds(bytes) } else { Err("") };
        match (bounds, asked(ffi::sqlite3_user_data(context) as usize)) {
            (Ok(bounds), Asked::IsEmpty) => ffi::sqlite3_result_int(context, c_int::from(bounds.is_none())),
            (Ok(Some(bounds)), Asked::Bound(i)) => ffi::sqlite3_result_double(context, bounds[i & 3]),
            // a shape the program cannot read has no bounds and counts as empty: `check` names it
            (Err(_), Asked::IsEmpty) => ffi::sqlite3_result_int(context, 1),
            (Ok(None) | Err(_), Asked::Bound(_)) => ffi::sqlite3_result_null(context),
        }
    }
}

/// Registers the functions with a connection.
pub(super) fn register(handle: *mut ffi::sqlite3) -> Result<(), i32> {
    for (name, number) in FUNCTIONS {
        // SAFETY: the handle is locked by the caller and open; the name ends with zero; the user data is a plain number.
        let code = unsafe {
            ffi::sqlite3_create_function_v2(
                handle,
                name.as_ptr().cast(),
                1,
                ffi::SQLITE_UTF8 | ffi::SQLITE_DETERMINISTIC | ffi::SQLITE_INNOCUOUS,
                number as *mut c_void,
                Some(answer),
                None,
                None,
                None,
            )
        };
        if code != ffi::SQLITE_OK {
            return Err(code);
        }
    }
    Ok(())
}
