//! A line over runs, as coordinates of an SVG drawing: in percent from left to right, so that letters and
//! dots stay as large on a phone as on a wide screen. Pure.

/// Height of the drawing, and the room above and below what is drawn.
pub(super) const HEIGHT: f64 = 176.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 8.0;

/// Values of one thing, one a run; a run may have none.
pub(super) struct Values {
    /// What they are, for the legend.
    pub(super) label: String,
    /// The class that gives them their colour.
    pub(super) class: &'static str,
    pub(super) values: Vec<Option<f64>>,
}

/// Lines, ready to be drawn.
pub(super) struct Plot {
    pub(super) title: String,
    /// In words, for those who do not see it.
    pub(super) description: String,
    pub(super) lines: Vec<Line>,
    pub(super) ticks: Vec<Tick>,
}

pub(super) struct Line {
    pub(super) label: String,
    pub(super) class: &'static str,
    /// From a run to the next one; those without a value interrupt the line.
    pub(super) segments: Vec<Segment>,
    pub(super) dots: Vec<Dot>,
}

#[derive(Clone, Copy)]
pub(super) struct At {
    /// In percent.
    pub(super) x: f64,
    pub(super) y: f64,
}

pub(super) struct Segment {
    pub(super) from: At,
    pub(super) to: At,
}

pub(super) struct Dot {
    pub(super) at: At,
    pub(super) text: String,
}

pub(super) struct Tick {
    pub(super) y: f64,
    pub(super) label: String,
}

/// Where the middle of a run's place is, of so many runs.
#[allow(clippy::cast_precision_loss, reason = "counts of runs")]
fn x(run: usize, runs: usize) -> f64 {
    let place = 100.0 / runs.max(1) as f64;
    tenth(place * (run as f64 + 0.5))
}

/// A plot of `all` over the runs called `names`; from 0, so that heights can be compared. None where
/// fewer than two runs have a value.
pub(super) fn plot(
    title: &str,
    names: &[String],
    all: Vec<Values>,
    unit: Unit,
    amount: &dyn Fn(f64) -> String,
) -> Option<Plot> {
    let told = |values: &Values| values.values.iter().flatten().count();
    if all.iter().map(told).max().unwrap_or(0) < 2 {
        return None;
    }
    let most = all.iter().flat_map(|v| v.values.iter().flatten()).copied().fold(0.0, f64::max);
    let step = unit.step(most / 3.0);
    let steps = (most / step).ceil().max(1.0);
    let y = |value: f64| {
        tenth(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value / (step * steps)).clamp(0.0, 1.0))
    };
    let mut ticks = Vec::new();
    let mut tick = 0.0;
    while tick <= steps {
        ticks.push(Tick { y: y(tick * step), label: amount(tick * step) });
        tick += 1.0;
    }
    let described = all.iter().filter_map(|values| {
        let mut told = values.values.iter().flatten();
        let (first, last) = (told.next()?, told.next_back()?);
        Some(format!("{} from {} to {}", values.label, amount(*first), amount(*last)))
    });
    let description = described.collect::<Vec<_>>().join(", ");
    let line = |values: Values| {
        let places: Vec<Option<At>> = (0..)
            .zip(&values.values)
            .map(|(run, value)| Some(At { x: x(run, values.values.len()), y: y((*value)?) }))
            .collect();
        let segments = places.windows(2).filter_map(|pair| match pair {
            [Some(from), Some(to)] => Some(Segment { from: *from, to: *to }),
            _ => None,
        });
        let dots = places.iter().zip(&values.values).enumerate();
        let dots = dots.filter_map(|(run, (at, value))| {
            let name = names.get(run).map_or("", String::as_str);
            let text = format!("{name}: {} {}", values.label, amount((*value)?));
            Some(Dot { at: (*at)?, text })
        });
        let (segments, dots) = (segments.collect(), dots.collect());
        Line { label: values.label, class: values.class, segments, dots }
    };
    let lines = all.into_iter().filter(|values| told(values) > 0).map(line).collect();
    Some(Plot { title: title.into(), description, lines, ticks })
}

/// What is counted: it says where the ticks of an axis are round.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Whole,
    Seconds,
    Bytes,
}

impl Unit {
    /// The next round number from `least` on.
    fn step(self, least: f64) -> f64 {
        let unit = match self {
            Self::Bytes => 1024_f64.powf((least.max(1.0).ln() / 1024_f64.ln()).floor()),
            Self::Whole | Self::Seconds => 1.0,
        };
        let least = (least / unit).max(if matches!(self, Self::Seconds) { 0.01 } else { 1.0 });
        let power = 10_f64.powf(least.log10().floor());
        let rounds = [1.0, 2.0, 5.0, 10.0];
        // What a rounding error lets lie a hair above a round number is that number.
        let round = rounds.into_iter().find(|round| round * power >= least * 0.999_999);
        round.unwrap_or(10.0) * power * unit
    }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drawn(values: Vec<Option<f64>>, unit: Unit) -> Option<Plot> {
        let names: Vec<String> = (0..values.len()).map(|n| n.to_string()).collect();
        let all = vec![Values { label: "a".into(), class: "a", values }];
        plot("t", &names, all, unit, &|value| value.to_string())
    }

    #[test]
    fn a_run_without_a_value_interrupts_the_line() {
        let plot = drawn(vec![Some(1.0), Some(2.0), None, Some(3.0)], Unit::Whole).expect("a plot");
        assert_eq!((plot.lines[0].segments.len(), plot.lines[0].dots.len()), (1, 3));
        assert_eq!(plot.description, "a from 1 to 3");
        assert_eq!(plot.lines[0].dots[2].text, "3: a 3");
        assert!(drawn(vec![Some(1.0), None], Unit::Whole).is_none(), "a point is no line");
    }

    #[test]
    fn ticks_are_round() {
        let labels = |most: f64, unit| -> Vec<String> {
            let plot = drawn(vec![Some(most), Some(0.0)], unit).expect("a plot");
            plot.ticks.into_iter().map(|tick| tick.label).collect()
        };
        assert_eq!(labels(3.0, Unit::Whole), ["0", "1", "2", "3"]);
        assert_eq!(labels(14.0, Unit::Seconds), ["0", "5", "10", "15"]);
        assert_eq!(labels(5.0 * 1_048_576.0, Unit::Bytes), ["0", "2097152", "4194304", "6291456"]);
        assert_eq!(labels(0.0, Unit::Whole), ["0", "1"]);
    }

    proptest! {
        #[test]
        fn nothing_is_drawn_outside(values in proptest::collection::vec(0.0_f64..1e12, 2..60)) {
            for unit in [Unit::Whole, Unit::Seconds, Unit::Bytes] {
                let plot = drawn(values.iter().copied().map(Some).collect(), unit).expect("a plot");
                prop_assert!(plot.ticks.len() <= 5, "{}", plot.ticks.len());
                for dot in &plot.lines[0].dots {
                    prop_assert!((0.0..=100.0).contains(&dot.at.x));
                    prop_assert!((TOP..=HEIGHT - BOTTOM).contains(&dot.at.y));
                }
            }
        }
    }
}
