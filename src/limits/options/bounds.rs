//! Values outside of their bounds are refused, by the option's name.

use crate::error::{Error, Result};

pub(super) fn within(name: &'static str, value: usize, least: usize, most: usize) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let problem = match most {
        usize::MAX => format!("{value} is too small; at least {least}"),
        _ => format!("{value} is out of bounds; {least} to {most}"),
    };
    Err(Error::option(name, problem))
}
