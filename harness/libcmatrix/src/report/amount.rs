//! Seconds and bytes as people read them.

/// `0.42 s`, `12.3 s`, `4 min 05 s`.
#[must_use]
pub fn seconds(s: f64) -> String {
    // The rounding of what is shown decides, not the value: 59.96 is shown as a minute.
    if (s * 10.0).round() >= 600.0 {
        let whole = s.round();
        return format!("{} min {:02} s", (whole / 60.0).floor(), whole % 60.0);
    }
    if s < 9.995 { format!("{s:.2} s") } else { format!("{s:.1} s") }
}

/// `26.25 ns`, `1.23 ms`: the time of something that is over at once.
#[must_use]
pub fn moment(s: f64) -> String {
    for (least, unit) in [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")] {
        // The rounding of what is shown decides, as above.
        if s >= least * 0.999_995 {
            return format!("{:.2} {unit}", s / least);
        }
    }
    format!("{:.2} ns", s * 1e9)
}

/// `512 B`, `1.5 KiB`, `84.2 MiB`.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn bytes(n: u64) -> String {
    let mut value = n as f64;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1023.95 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if unit == "B" { format!("{n} B") } else { format!("{value:.1} {unit}") }
}

/// `99,983`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `3`, `0.997`: with three decimals, or with so many that what is not whole does not look so.
#[must_use]
pub fn number(value: f64) -> String {
    let shown = |decimals: usize| {
        let text = format!("{value:.decimals$}");
        let text =
            if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        text.to_owned()
    };
    let looks_whole = |text: &String| !text.contains('.');
    (3..=15).map(shown).find(|text| !looks_whole(text)).unwrap_or_else(|| shown(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        let shown = [0.0, 3.0, 0.996_666_7, 0.5, 0.999_96, 1.1, -2.0].map(number);
        assert_eq!(shown, ["0", "3", "0.997", "0.5", "0.99996", "1.1", "-2"]);
    }

    #[test]
    fn moments() {
        let shown = [0.0, 2.6e-8, 9.999_999e-7, 1.5e-6, 0.25, 3.0].map(moment);
        assert_eq!(shown, ["0.00 ns", "26.00 ns", "1.00 µs", "1.50 µs", "250.00 ms", "3.00 s"]);
    }

    #[test]
    fn times() {
        let shown = [0.0, 0.004, 9.994, 9.996, 59.94, 59.96, 61.0, 3725.4].map(seconds);
        let expected = [
            "0.00 s",
            "0.00 s",
            "9.99 s",
            "10.0 s",
            "59.9 s",
            "1 min 00 s",
            "1 min 01 s",
            "62 min 05 s",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn sizes() {
        let shown = [0, 1023, 1024, 1536, 1 << 20, (1 << 20) - 1, 5 << 40].map(bytes);
        let expected = ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "1.0 MiB", "5.0 TiB"];
        assert_eq!(shown, expected);
    }
}
