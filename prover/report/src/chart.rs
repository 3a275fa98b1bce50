//! A chart as SVG: two axes, shaded spans, marks and a legend; what plots share, and nothing that
//! only one of them knows.

use serde::Serialize;

use crate::axis::Axis;
use crate::template;

const TEMPLATE: &str = include_str!("chart.svg.j2");
/// The colours of all pictures, light and dark, as rules of a style sheet for what is inside an
/// element of the class `picture`.
pub const PALETTE: &str = include_str!("palette.css");
/// How many colours there are for things of one sort; beyond that they come again.
pub(crate) const COLOURS: usize = 6;

/// What all pictures share, so that times stand below each other: their width, and the room beside
/// what they show.
pub(crate) const WIDTH: f64 = 1200.0;
pub(crate) const LEFT: f64 = 92.0;
pub(crate) const RIGHT: f64 = 26.0;
/// From one line of a legend to the next.
pub(crate) const LEGEND_LINE: f64 = 20.0;

const TOP: f64 = 14.0;
/// Room for the ticks of the horizontal axis, and for its label too.
const TICKS: f64 = 18.0;
const AXIS: f64 = 52.0;

/// A chart before it is drawn.
#[derive(Debug)]
pub(crate) struct Chart<'a> {
    /// The name of the picture, unique in a document.
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) description: &'a str,
    /// From one end of the vertical axis to the other.
    pub(crate) height: f64,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) shades: Vec<Shade>,
    pub(crate) series: Vec<Series>,
    /// What is said where there is nothing to draw.
    pub(crate) empty: &'a str,
}

/// Spans of the horizontal axis that have something in common.
#[derive(Debug)]
pub(crate) struct Shade {
    pub(crate) name: String,
    pub(crate) class: String,
    /// (begin, end), in the order of their beginnings.
    pub(crate) spans: Vec<(u64, u64)>,
}

/// Points that have something in common.
#[derive(Debug)]
pub(crate) struct Series {
    /// What it is called in the legend; without a name it is not there.
    pub(crate) name: Option<String>,
    pub(crate) mark: Mark,
    /// Its colour, by a class of the palette.
    pub(crate) colour: String,
    pub(crate) points: Vec<(u64, u64)>,
}

/// How points are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Dot,
    Triangle,
    Square,
    Cross,
    /// As a line that goes to the right, then up or down.
    Steps,
}

impl Mark {
    /// Its class in the template.
    fn class(self) -> &'static str {
        match self {
            Self::Dot => "dots",
            Self::Triangle | Self::Square => "solid",
            Self::Cross => "crosses",
            Self::Steps => "steps",
        }
    }

    /// As a legend shows it.
    fn sample(self, x: f64, y: f64) -> String {
        match self {
            Self::Steps => format!("M{x} {y}h18"),
            _ => self.path([(x + 9.0, y)]),
        }
    }

    /// One path for all the points. The round caps of lines without length are dots.
    fn path(self, points: impl IntoIterator<Item = (f64, f64)>) -> String {
        let piece = |(place, (x, y)): (usize, (f64, f64))| match self {
            Self::Dot => format!("M{x} {y}h0"),
            Self::Triangle => format!("M{x} {}l3.4 6h-6.8z", tenth(y - 3.5)),
            Self::Square => format!("M{} {}h5v5h-5z", tenth(x - 2.5), tenth(y - 2.5)),
            Self::Cross => format!("M{} {}l6 6m0-6l-6 6", tenth(x - 3.0), tenth(y - 3.0)),
            Self::Steps if place == 0 => format!("M{x} {y}"),
            Self::Steps => format!("H{x}V{y}"),
        };
        points.into_iter().enumerate().map(piece).collect()
    }
}

impl Chart<'_> {
    /// The chart as a document.
    pub(crate) fn draw(&self) -> Result<String, minijinja::Error> {
        let empty = self.series.iter().all(|series| series.points.is_empty());
        let legend = self.legend();
        let last_line = legend
            .last()
            .map_or(self.bottom() + AXIS, |entry| entry.y + LEGEND_LINE);
        let picture = Picture {
            id: self.id,
            title: self.title,
            description: self.description,
            palette: PALETTE,
            width: WIDTH,
            height: last_line,
            left: LEFT,
            right: WIDTH - RIGHT,
            top: TOP,
            bottom: self.bottom(),
            x_label: &self.x.label,
            y_label: &self.y.label,
            x_ticks: ticks(&self.x, |value| self.x(value)),
            y_ticks: ticks(&self.y, |value| self.y(value)),
            tick_y: self.bottom() + TICKS,
            label_y: self.bottom() + 2.0 * TICKS,
            shades: self.shades.iter().map(|shade| self.shaded(shade)).collect(),
            marks: self
                .series
                .iter()
                .map(|series| self.marks(series))
                .collect(),
            legend,
            note: empty.then_some(self.empty),
        };
        template::render(TEMPLATE, &picture)
    }

    fn bottom(&self) -> f64 {
        TOP + self.height
    }

    fn x(&self, value: u64) -> f64 {
        tenth(LEFT + (WIDTH - LEFT - RIGHT) * self.x.part(value))
    }

    fn y(&self, value: u64) -> f64 {
        tenth(self.bottom() - self.height * self.y.part(value))
    }

    /// Spans that touch in the picture are drawn as one, so there is a greatest number of them.
    fn shaded<'a>(&'a self, shade: &'a Shade) -> Shaded<'a> {
        let mut spans: Vec<Span> = Vec::new();
        for (begin, end) in &shade.spans {
            let (x, end) = (self.x(*begin), self.x(*end));
            match spans.last_mut() {
                Some(last) if x - (last.x + last.width) < 1.0 => {
                    last.width = tenth((end - last.x).max(last.width));
                }
                _ => spans.push(Span {
                    x,
                    width: tenth((end - x).max(1.0)),
                }),
            }
        }
        Shaded {
            name: &shade.name,
            class: &shade.class,
            spans,
        }
    }

    fn marks(&self, series: &Series) -> Marks {
        let places = series.points.iter().map(|(x, y)| (self.x(*x), self.y(*y)));
        Marks {
            class: format!("{} {}", series.mark.class(), series.colour),
            path: series.mark.path(places),
        }
    }

    fn legend(&self) -> Vec<LegendEntry> {
        let marks = self
            .series
            .iter()
            .filter_map(|series| Some((series.name.as_deref()?, Some(series), "")));
        let shades = self
            .shades
            .iter()
            .map(|shade| (shade.name.as_str(), None, shade.class.as_str()));
        let entries: Vec<_> = marks.chain(shades).collect();
        let places = flow(entries.iter().map(|(name, ..)| *name), self.bottom() + AXIS);
        let entry =
            |((x, y), (name, series, class)): ((f64, f64), (&str, Option<&Series>, &str))| {
                LegendEntry {
                    x,
                    y,
                    text: name.to_owned(),
                    class: series.map_or(class.to_owned(), |series| {
                        format!("{} {}", series.mark.class(), series.colour)
                    }),
                    path: series.map(|series| series.mark.sample(x, y + 5.0)),
                }
            };
        places.into_iter().zip(entries).map(entry).collect()
    }
}

/// The places of the entries of a legend, line by line.
pub(crate) fn flow<'a>(texts: impl Iterator<Item = &'a str>, top: f64) -> Vec<(f64, f64)> {
    let (mut x, mut y) = (LEFT, top);
    let mut places = Vec::new();
    for text in texts {
        let width = 38.0 + 7.0 * text.chars().count() as f64;
        if x + width > WIDTH - RIGHT && x > LEFT {
            (x, y) = (LEFT, y + LEGEND_LINE);
        }
        places.push((x, y));
        x += width;
    }
    places
}

/// A name that fits into a legend.
pub(crate) fn short(name: &str) -> String {
    clipped(name, 24)
}

/// A text with so many characters at most.
pub(crate) fn clipped(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest - 1).chain(['…']).collect()
}

/// A length as it is written down.
pub(crate) fn tenth(length: f64) -> f64 {
    (length * 10.0).round() / 10.0
}

fn ticks(axis: &Axis, place: impl Fn(u64) -> f64) -> Vec<Tick<'_>> {
    let ticks = axis.ticks.iter();
    ticks
        .map(|(value, text)| Tick {
            place: place(*value),
            text,
        })
        .collect()
}

/// What the template draws; lengths are in the picture's own unit.
#[derive(Serialize)]
struct Picture<'a> {
    id: &'a str,
    title: &'a str,
    description: &'a str,
    palette: &'static str,
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x_label: &'a str,
    y_label: &'a str,
    x_ticks: Vec<Tick<'a>>,
    y_ticks: Vec<Tick<'a>>,
    tick_y: f64,
    label_y: f64,
    shades: Vec<Shaded<'a>>,
    marks: Vec<Marks>,
    legend: Vec<LegendEntry>,
    note: Option<&'a str>,
}

#[derive(Serialize)]
struct Tick<'a> {
    place: f64,
    text: &'a str,
}

#[derive(Serialize)]
struct Shaded<'a> {
    name: &'a str,
    class: &'a str,
    spans: Vec<Span>,
}

#[derive(Serialize)]
struct Span {
    x: f64,
    width: f64,
}

#[derive(Serialize)]
struct Marks {
    class: String,
    path: String,
}

#[derive(Serialize)]
struct LegendEntry {
    x: f64,
    y: f64,
    class: String,
    text: String,
    /// A mark; without it the entry is about a shade.
    path: Option<String>,
}
