//! The names of time zones.

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::suggest::nearest;

/// Checks the name of a time zone; the answer says what is wrong and which zone is nearest.
pub(crate) fn check(name: &str) -> Result<(), String> {
    if name.parse::<Tz>().is_ok() {
        return Ok(());
    }
    let names = || TZ_VARIANTS.iter().map(|zone| zone.name());
    let place = name.replace(' ', "_");
    let city = |zone: &&str| zone.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&place));
    let meant = names().find(city).or_else(|| nearest(name, names()));
    Err(match meant {
        Some(meant) => format!("there is no time zone {name:?}, did you mean \"{meant}\"?"),
        None => format!(
            "there is no time zone {name:?}; IANA names are right, such as \"UTC\" or \"Europe/Berlin\""
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn iana_names_are_right() {
        for name in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"] {
            assert_eq!(check(name), Ok(()));
        }
    }

    #[test]
    fn the_nearest_zone_is_suggested() {
        for (name, meant) in [
            ("Europe/Berln", "Europe/Berlin"),
            ("europe/berlin", "Europe/Berlin"),
            ("Berlin", "Europe/Berlin"),
            ("New York", "America/New_York"),
            ("Amerika/New_York", "America/New_York"),
        ] {
            assert!(
                check(name).unwrap_err().contains(&format!("did you mean \"{meant}\"?")),
                "{:?}",
                check(name)
            );
        }
    }

    #[test]
    fn what_is_no_zone_is_told_what_one_is() {
        assert!(check("+02:00").unwrap_err().contains("IANA names"), "{:?}", check("+02:00"));
    }
}
