//! The pictures of a run as files of their own.

use checker::{Judgement, counted, show_ns};
use history::History;

use crate::axis::Axis;
use crate::chart::{COLOURS, Chart, Mark, Series, Shade, short};
use crate::ending::Ending;
use crate::error::ReportError;
use crate::latency::{Latency, SHORTEST_NS, latencies};
use crate::overlaps::{exposed, incidents};
use crate::rate::rates;
use crate::scene::Scene;
use crate::spans::{self, Spans};
use crate::subject::Subject;
use crate::timeline::{Timeline, View, draw, fault_kinds};

const LATENCY_HEIGHT: f64 = 340.0;
const EXPOSURES_HEIGHT: f64 = 200.0;
const RATE_HEIGHT: f64 = 180.0;

/// Steps of the curve of exposures.
const STEPS_MAX: usize = 400;

/// A picture: its path in the folder of the run, and the SVG.
pub type Picture = (&'static str, String);

/// The pictures of a run: `plots/timeline.svg`, `plots/latency.svg`, `plots/rate.svg`,
/// `plots/spans.svg`, `plots/lags.svg` if a fault struck a holder, and `plots/exposures.svg` if
/// there were overlaps.
///
/// # Errors
/// Never, unless a template of the prover is broken.
pub fn plots(
    subject: &Subject,
    history: &History,
    judgement: &Judgement,
) -> Result<Vec<Picture>, ReportError> {
    let scene = Scene::of(history, subject.workers);
    let mut plots = vec![
        (
            "plots/timeline.svg",
            whole_run(&scene, history, judgement)?.svg,
        ),
        ("plots/latency.svg", latency(&latencies(history), &scene)?),
        ("plots/rate.svg", rate_plot(history, &scene)?),
        (
            "plots/spans.svg",
            span_plot(&spans::holds_and_waits(&scene, history))?,
        ),
    ];
    let lags = spans::lags(history, subject.slots, &subject.losses);
    if lags.iter().any(|spans| !spans.lengths.is_empty()) {
        plots.push(("plots/lags.svg", lag_plot(&lags)?));
    }
    if let Some(row) = exposed(judgement) {
        plots.push(("plots/exposures.svg", exposures(&row.finding.exposures_ns)?));
    }
    Ok(plots)
}

/// The timeline of a whole run.
pub(crate) fn whole_run(
    scene: &Scene,
    history: &History,
    judgement: &Judgement,
) -> Result<Timeline, ReportError> {
    let view = View {
        id: "timeline",
        title: "Timeline of the run",
        begin: 0,
        end: scene.end,
    };
    Ok(draw(scene, &incidents(history, judgement), view)?)
}

/// How long operations took, over the time at which they began.
pub(crate) fn latency(latencies: &[Latency], scene: &Scene) -> Result<String, ReportError> {
    let series = series(latencies);
    let lengths = || {
        series
            .iter()
            .flat_map(|series| &series.points)
            .map(|(_, length)| *length)
    };
    let (least, most) = (
        lengths().min().unwrap_or(1_000_000),
        lengths().max().unwrap_or(1_000_000_000),
    );
    let chart = Chart {
        id: "latency",
        title: "Latency of operations",
        description: "Each point is an operation, placed by when it was invoked and how long it took; points that would cover each \
                      other are drawn once. Times in which a fault was on are shaded.",
        height: LATENCY_HEIGHT,
        x: Axis::times("time since the run began", scene.end),
        y: Axis::logarithmic_times("latency (logarithmic)", least, most),
        shades: shades(scene),
        series,
        empty: "no operation came to an end",
    };
    Ok(chart.draw()?)
}

/// A colour a function, a mark an outcome.
fn series(latencies: &[Latency]) -> Vec<Series> {
    let mut functions: Vec<_> = latencies.iter().map(|latency| &latency.function).collect();
    functions.dedup();
    let colour = |latency: &Latency| {
        functions
            .iter()
            .position(|function| **function == latency.function)
            .unwrap_or(0)
            % COLOURS
    };
    let series = |latency: &Latency| Series {
        name: Some(format!("{} {}", latency.function, latency.ending.name())),
        mark: mark(latency.ending),
        colour: format!("hue-{}", colour(latency)),
        points: latency.points().collect(),
    };
    latencies.iter().map(series).collect()
}

fn mark(ending: Ending) -> Mark {
    match ending {
        Ending::Ok => Mark::Dot,
        Ending::Refused => Mark::Triangle,
        Ending::Failed => Mark::Square,
        Ending::Unknown | Ending::Open => Mark::Cross,
    }
}

/// When which kind of fault was on, in the colours of the timeline.
fn shades(scene: &Scene) -> Vec<Shade> {
    let shade = |kind: &str| {
        let windows = scene.windows.iter().filter(|window| &*window.fault == kind);
        Shade {
            name: format!("fault: {}", short(kind)),
            class: scene.fault_class(kind),
            spans: windows
                .map(|window| (window.begin, window.end.unwrap_or(scene.end)))
                .collect(),
        }
    };
    fault_kinds(scene).into_iter().map(shade).collect()
}

/// How many operations ended when, in the colours and marks of the latencies.
pub(crate) fn rate_plot(history: &History, scene: &Scene) -> Result<String, ReportError> {
    let (width, rates) = rates(history);
    let most = rates
        .iter()
        .flat_map(|rate| &rate.points)
        .map(|(_, count)| *count)
        .max();
    let mut functions: Vec<_> = rates.iter().map(|rate| &rate.function).collect();
    functions.dedup();
    let series = rates.iter().map(|rate| Series {
        name: Some(format!("{} {}", rate.function, rate.ending.name())),
        mark: match rate.ending {
            Ending::Ok => Mark::Steps,
            other => mark(other),
        },
        colour: format!(
            "hue-{}",
            functions
                .iter()
                .position(|function| **function == rate.function)
                .unwrap_or(0)
                % COLOURS
        ),
        points: match rate.ending {
            Ending::Ok => rate.points.clone(),
            _ => rate
                .points
                .iter()
                .copied()
                .filter(|(_, count)| *count > 0)
                .collect(),
        },
    });
    let chart = Chart {
        id: "rate",
        title: "Rate of operations",
        description: "How many operations of each kind ended in each stretch of the run. Times in which a fault was on are shaded.",
        height: RATE_HEIGHT,
        x: Axis::times("time since the run began", scene.end),
        y: Axis::counts(format!("ended in {}", show_ns(width)), most.unwrap_or(0)),
        shades: shades(scene),
        series: series.collect(),
        empty: "no operation came to an end",
    };
    Ok(chart.draw()?)
}

/// How long locks were held and waited for.
pub(crate) fn span_plot(spans: &[Spans]) -> Result<String, ReportError> {
    shares("spans", "Holds and waits", "length (logarithmic)", spans)
}

/// How long after a fault what followed.
pub(crate) fn lag_plot(spans: &[Spans]) -> Result<String, ReportError> {
    shares(
        "lags",
        "After a fault struck a holder",
        "time after the fault (logarithmic)",
        spans,
    )
}

/// Which share of the lengths of each sort is not longer than how long.
fn shares(id: &str, title: &str, label: &str, spans: &[Spans]) -> Result<String, ReportError> {
    let lengths = || spans.iter().flat_map(|spans| &spans.lengths).copied();
    let (least, most) = (
        lengths().min().unwrap_or(0).max(SHORTEST_NS),
        lengths().max().unwrap_or(SHORTEST_NS),
    );
    let series = spans.iter().enumerate().map(|(place, spans)| Series {
        name: Some(spans.name.to_owned()),
        mark: Mark::Steps,
        colour: format!("hue-{}", place % COLOURS),
        points: shares_until(&spans.lengths, most),
    });
    let chart = Chart {
        id,
        title,
        description: "Each line rises to the share of the lengths of its sort that are not longer, in per cent.",
        height: EXPOSURES_HEIGHT,
        x: Axis::logarithmic_times(label, least, most),
        y: Axis::percent("not longer (%)"),
        shades: Vec::new(),
        series: series.collect(),
        empty: "none on record",
    };
    Ok(chart.draw()?)
}

/// (length, per cent that are not longer), ascending; nothing if there are none.
fn shares_until(ascending: &[u64], end: u64) -> Vec<(u64, u64)> {
    let Some(shortest) = ascending.first() else {
        return Vec::new();
    };
    let stride = ascending.len().div_ceil(STEPS_MAX);
    let places = (0..ascending.len())
        .filter(|place| (place + 1) % stride == 0 || place + 1 == ascending.len());
    let step = |place: usize| {
        (
            ascending[place].max(SHORTEST_NS),
            ((place + 1) * 100 / ascending.len()) as u64,
        )
    };
    let mut steps = vec![((*shortest).max(SHORTEST_NS), 0)];
    steps.extend(places.map(step));
    steps.push((end.max(SHORTEST_NS), 100));
    steps
}

/// How many overlaps lasted longer than how long: what a bound on overlaps can be read from.
pub(crate) fn exposures(exposures_ns: &[u64]) -> Result<String, ReportError> {
    let longest = exposures_ns.iter().max().copied().unwrap_or(0);
    let description = format!(
        "{}, the longest {}.",
        counted(exposures_ns.len() as u64, "overlap"),
        show_ns(longest)
    );
    let chart = Chart {
        id: "exposures",
        title: "Length of the overlaps",
        description: &description,
        height: EXPOSURES_HEIGHT,
        x: Axis::times("length of an overlap", longest.saturating_add(longest / 20)),
        y: Axis::counts("overlaps that lasted longer", exposures_ns.len() as u64),
        shades: Vec::new(),
        series: vec![Series {
            name: None,
            mark: Mark::Steps,
            colour: "wrong".to_owned(),
            points: survivors(exposures_ns),
        }],
        empty: "no two holds overlapped",
    };
    Ok(chart.draw()?)
}

/// (length, how many are longer), from 0 to the longest; nothing if there are none.
fn survivors(exposures_ns: &[u64]) -> Vec<(u64, u64)> {
    if exposures_ns.is_empty() {
        return Vec::new();
    }
    let mut lengths = exposures_ns.to_vec();
    lengths.sort_unstable();
    let stride = lengths.len().div_ceil(STEPS_MAX);
    let mut steps = vec![(0, lengths.len() as u64)];
    for place in
        (0..lengths.len()).filter(|place| place % stride == 0 || place + 1 == lengths.len())
    {
        let longer = lengths.len() - lengths.partition_point(|length| *length <= lengths[place]);
        steps.push((lengths[place], longer as u64));
    }
    steps
}

#[cfg(test)]
mod tests {
    use history::fault::{Class, Note, Parameters, Targets};
    use history::{Draft, Function, HistoryBuilder, Kind, Process};
    use roxmltree::Document;

    use super::*;

    const S: u64 = 1_000_000_000;

    /// The paths, circles and the like of a class, by an attribute.
    fn drawn(svg: &str, class: &str, attribute: &str) -> Vec<String> {
        let document = Document::parse(svg).expect("well-formed");
        let nodes = document
            .descendants()
            .filter(|node| node.attribute("class") == Some(class));
        nodes
            .filter_map(|node| node.attribute(attribute))
            .map(str::to_owned)
            .collect()
    }

    fn texts(svg: &str) -> Vec<String> {
        let document = Document::parse(svg).expect("well-formed");
        let nodes = document
            .descendants()
            .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "text")));
        nodes
            .filter_map(|node| node.text())
            .map(str::to_owned)
            .collect()
    }

    fn latency_of(drafts: Vec<(u64, Draft)>) -> String {
        let mut builder = HistoryBuilder::default();
        for (time, draft) in drafts {
            builder.push(time, draft).expect("well-formed");
        }
        let history = builder.finish();
        latency(&latencies(&history), &Scene::of(&history, 1)).expect("the template is sound")
    }

    fn acquire(kind: Kind) -> Draft {
        Draft::new(Process::Client(0), kind, Function::Acquire).on("lock-0")
    }

    #[test]
    fn operations_and_faults_have_their_places() {
        let inject = Note::Inject {
            id: 0,
            class: Class::Breaking,
            targets: Targets::Processes(vec![0]),
            parameters: Parameters::new(),
        };
        let svg = latency_of(vec![
            (0, acquire(Kind::Invoke)),
            (S, acquire(Kind::Ok)),
            (2 * S, Draft::fault("<cut>", inject)),
            (3 * S, Draft::fault("<cut>", Note::heal(0))),
            (5 * S, acquire(Kind::Invoke)),
            (5 * S + S / 100, acquire(Kind::Info)),
            (
                10 * S,
                Draft::new(Process::Client(1), Kind::Invoke, Function::Acquire).on("lock-0"),
            ),
        ]);
        // From 92 to 1174 for ten seconds; from 354 to 14 for 10 ms to 1 s.
        assert_eq!(drawn(&svg, "dots hue-0", "d")[0], "M92 14h0");
        assert_eq!(
            drawn(&svg, "crosses hue-0", "d")[0],
            "M630 351l6 6m0-6l-6 6"
        );
        let document = Document::parse(&svg).expect("well-formed");
        let span = document.descendants().find(|node| {
            node.parent_element()
                .is_some_and(|group| group.attribute("class") == Some("fault-10"))
                && node.attribute("width").is_some()
        });
        let span = span.expect("the fault is shaded");
        assert_eq!(
            (span.attribute("x"), span.attribute("width")),
            (Some("308.4"), Some("108.2"))
        );
        let texts = texts(&svg);
        for text in [
            "acquire ok",
            "acquire unknown",
            "fault: <cut>",
            "4 s",
            "20 ms",
            "1 s",
            "time since the run began",
        ] {
            assert!(
                texts.iter().any(|known| known == text),
                "{text} in {texts:?}"
            );
        }
    }

    #[test]
    fn where_there_is_nothing_to_draw_it_is_said() {
        let svg = latency_of(vec![(0, acquire(Kind::Invoke))]);
        assert!(
            texts(&svg).contains(&"no operation came to an end".to_owned()),
            "{svg}"
        );
        let svg = exposures(&[]).expect("the template is sound");
        assert!(
            texts(&svg).contains(&"no two holds overlapped".to_owned()),
            "{svg}"
        );
    }

    #[test]
    fn the_curve_of_exposures_falls_to_zero() {
        assert_eq!(survivors(&[3, 1]), [(0, 2), (1, 1), (3, 0)]);
        let many: Vec<u64> = (0..100_000).collect();
        let steps = survivors(&many);
        assert!(steps.len() <= STEPS_MAX + 2, "{}", steps.len());
        assert_eq!(steps.last().map(|step| step.1), Some(0));
    }

    #[test]
    fn the_curve_of_exposures_has_its_place() {
        let svg = exposures(&[3 * S, S]).expect("the template is sound");
        assert_eq!(
            drawn(&svg, "steps wrong", "d"),
            ["M92 80.7H435.5V147.3H1122.5V214"]
        );
        assert!(
            !texts(&svg).contains(&"no two holds overlapped".to_owned()),
            "{svg}"
        );
    }
}
