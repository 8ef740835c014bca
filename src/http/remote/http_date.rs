//! Dates of HTTP headers (RFC 9110 section 5.6.7): the one form that is still written.

use crate::time::UnixTime;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `Sun, 06 Nov 1994 08:49:37 GMT`; the name of the day is not looked at.
pub(super) fn parse(text: &str) -> Option<UnixTime> {
    let (_, rest) = text.trim().split_once(", ")?;
    let mut words = rest.split(' ');
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let (clock, zone) = (words.next()?, words.next()?);
    let number = MONTHS.iter().position(|name| *name == month)?;
    if zone != "GMT" || words.next().is_some() || day.len() != 2 || year.len() != 4 {
        return None;
    }
    // The strict reader of RFC 3339 knows how long months are.
    let month = number.checked_add(1)?;
    UnixTime::parse_rfc3339(&format!("{year}-{month:02}-{day}T{clock}Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_the_standard_is_read_and_no_other() {
        let example = parse("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(example.seconds(), 784_111_777);
        for text in [
            "",
            "0",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT x",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
