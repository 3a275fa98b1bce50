//! The pictures of a run as files of their own; the only place that knows the plotting library.

use checker::show_ns;
use history::History;
use kuva::plot::annotations::ShadedRegion;
use kuva::plot::line::LinePlot;
use kuva::plot::scatter::{MarkerShape, ScatterPlot};
use kuva::render::layout::{Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::theme::Theme;
use serde::Serialize;

use super::latency::{Latency, latencies};
use super::outcome::Outcome;
use super::overlaps::{exposed, incidents};
use super::scene::{Scene, Window};
use super::timeline::{Timeline, View, draw};
use super::{ReportError, template};
use crate::judgement::Judgement;
use crate::manifest::Manifest;

const WIDTH: f64 = 1200.0;
const LATENCY_HEIGHT: f64 = 420.0;
const EXPOSURES_HEIGHT: f64 = 280.0;
/// Room for the labels of the vertical axis, for a legend, and where there is none.
const LEFT: f64 = 92.0;
const LEGEND: f64 = 160.0;
const RIGHT: f64 = 24.0;

/// Up to so many fault windows are shaded.
const SHADED_MAX: usize = 500;

/// Steps of the curve of exposures.
const STEPS_MAX: usize = 400;

/// The colour of each operation in turn, legible on light and dark.
const COLOURS: &[&str] = &[
    "#2f81c7", "#1a9c7b", "#c77c11", "#9a63d6", "#c2528b", "#6f7d8c",
];

/// The colour of what went wrong.
const RED: &str = "#d1242f";

/// A picture: its path in the folder of the run, and the SVG.
pub type Picture = (&'static str, String);

/// The pictures of a run: `plots/timeline.svg`, `plots/latency.svg`, and `plots/exposures.svg` if there were overlaps.
///
/// # Errors
/// Never, unless a template of the prover is broken.
pub fn plots(
    manifest: &Manifest,
    history: &History,
    judgement: &Judgement,
) -> Result<Vec<Picture>, ReportError> {
    let scene = Scene::of(history, manifest.plan.concurrency);
    let mut plots = vec![(
        "plots/timeline.svg",
        whole_run(&scene, history, judgement)?.svg,
    )];
    if let Some(svg) = latency(&latencies(history), &scene)? {
        plots.push(("plots/latency.svg", svg));
    }
    if let Some(row) = exposed(judgement) {
        plots.push(("plots/exposures.svg", exposures(&row.finding.exposures_ns)?));
    }
    Ok(plots)
}

/// The timeline of a whole run.
pub(super) fn whole_run(
    scene: &Scene,
    history: &History,
    judgement: &Judgement,
) -> Result<Timeline, ReportError> {
    let view = View {
        id: "timeline",
        title: "Timeline of the run",
        begin: 0,
        end: scene.end,
        key: None,
    };
    Ok(draw(scene, &incidents(history, judgement), view)?)
}

/// How long operations took, over the time at which they began; nothing if no operation has an end.
pub(super) fn latency(latencies: &[Latency], scene: &Scene) -> Result<Option<String>, ReportError> {
    if latencies.is_empty() {
        return Ok(None);
    }
    let plots: Vec<Plot> = latencies
        .iter()
        .map(|latency| points(latency, latencies))
        .collect();
    let mut layout = layout(
        &plots,
        LATENCY_HEIGHT,
        "time since the run began",
        "latency (logarithmic)",
    )
    .with_log_y()
    .with_force_margins(LEFT, LEGEND)
    .with_x_axis_min(0.0)
    .with_x_tick_format(TickFormat::Custom(std::sync::Arc::new(|seconds| {
        format!("{seconds} s")
    })))
    .with_y_tick_format(duration_ticks());
    for window in scene.windows.iter().take(SHADED_MAX) {
        layout = layout.with_shaded_region(shade(window, scene.end));
    }
    let description = "Each point is an operation, placed by when it was invoked and how long it took; points that would cover each \
                       other are drawn once. Times in which a fault was on are shaded.";
    finish(
        "latency",
        "Latency of operations",
        description,
        plots,
        layout,
    )
    .map(Some)
}

fn points(latency: &Latency, all: &[Latency]) -> Plot {
    let mut functions: Vec<_> = all.iter().map(|latency| &latency.function).collect();
    functions.dedup();
    let place = functions
        .iter()
        .position(|function| **function == latency.function)
        .unwrap_or(0);
    let plot = ScatterPlot::new()
        .with_data(latency.points())
        .with_color(COLOURS[place % COLOURS.len()])
        .with_marker(marker(latency.outcome))
        .with_size(3.0)
        .with_marker_opacity(0.75)
        .with_legend(format!("{} {}", latency.function, latency.outcome.name()));
    plot.into()
}

fn marker(outcome: Outcome) -> MarkerShape {
    match outcome {
        Outcome::Ok => MarkerShape::Circle,
        Outcome::Refused => MarkerShape::Triangle,
        Outcome::Failed => MarkerShape::Square,
        Outcome::Unknown | Outcome::Open => MarkerShape::Cross,
    }
}

fn shade(window: &Window, run_end: u64) -> ShadedRegion {
    let [begin, end] = [window.begin, window.end.unwrap_or(run_end)].map(|time| time as f64 / 1e9);
    ShadedRegion::vertical(begin, end)
        .with_color("#d9730d")
        .with_opacity(0.14)
}

/// How many overlaps lasted at least how long: what a bound on overlaps can be read from.
pub(super) fn exposures(exposures_ns: &[u64]) -> Result<String, ReportError> {
    let plots: Vec<Plot> = vec![
        LinePlot::new()
            .with_data(survivors(exposures_ns))
            .with_color(RED)
            .with_stroke_width(2.0)
            .with_step()
            .into(),
    ];
    let layout = layout(
        &plots,
        EXPOSURES_HEIGHT,
        "length of an overlap",
        "overlaps that lasted longer",
    )
    .with_force_margins(LEFT, RIGHT)
    .with_x_axis_min(0.0)
    .with_y_axis_min(0.0)
    .with_x_tick_format(duration_ticks())
    .with_y_tick_step(whole_step(exposures_ns.len()))
    .with_y_tick_format(TickFormat::Integer);
    let longest = exposures_ns.iter().max().copied().unwrap_or(0);
    let description = format!(
        "{} overlaps, the longest {}.",
        exposures_ns.len(),
        show_ns(longest)
    );
    finish(
        "exposures",
        "Length of the overlaps",
        &description,
        plots,
        layout,
    )
}

/// (length in seconds, how many are longer), from 0 to the longest.
fn survivors(exposures_ns: &[u64]) -> Vec<(f64, f64)> {
    let mut lengths = exposures_ns.to_vec();
    lengths.sort_unstable();
    let stride = lengths.len().div_ceil(STEPS_MAX).max(1);
    let mut steps = vec![(0.0, lengths.len() as f64)];
    for place in
        (0..lengths.len()).filter(|place| place % stride == 0 || place + 1 == lengths.len())
    {
        let longer = lengths.len() - lengths.partition_point(|length| *length <= lengths[place]);
        steps.push((lengths[place] as f64 / 1e9, longer as f64));
    }
    steps
}

/// Ticks on whole numbers, not many more than five of them.
fn whole_step(count: usize) -> f64 {
    let power = 10_f64.powf((count as f64 / 5.0).max(1.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| step * 5.0 >= count as f64)
        .unwrap_or(power)
}

fn duration_ticks() -> TickFormat {
    TickFormat::Custom(std::sync::Arc::new(show_seconds))
}

/// `20 ms`, for an axis.
fn show_seconds(seconds: f64) -> String {
    let (scale, unit) = match seconds {
        _ if seconds >= 1.0 || seconds <= 0.0 => (1.0, "s"),
        _ if seconds >= 0.999e-3 => (1e3, "ms"),
        _ => (1e6, "µs"),
    };
    format!("{} {unit}", (seconds * scale * 1e3).round() / 1e3)
}

/// Chrome in the colour of the text around it, so that it is legible on light and dark.
fn layout(plots: &[Plot], height: f64, x: &str, y: &str) -> Layout {
    let theme = Theme {
        background: "none".into(),
        axis_color: "currentColor".into(),
        grid_color: "#80808040".into(),
        tick_color: "currentColor".into(),
        text_color: "currentColor".into(),
        legend_bg: "none".into(),
        legend_border: "none".into(),
        font_family: Some("system-ui, sans-serif".into()),
        ..Theme::light()
    };
    Layout::auto_from_plots(plots)
        .with_theme(theme)
        .with_width(WIDTH)
        .with_height(height)
        .with_x_label(x)
        .with_y_label(y)
        .with_y_label_offset(-16.0, 0.0)
        .with_label_size(13)
        .with_tick_size(12)
        .with_body_size(12)
}

const TEMPLATE: &str = include_str!("plot.svg.j2");

/// What the library draws becomes a picture that scales, has a title and follows light and dark.
fn finish(
    id: &str,
    title: &str,
    description: &str,
    plots: Vec<Plot>,
    layout: Layout,
) -> Result<String, ReportError> {
    #[derive(Serialize)]
    struct Context<'a> {
        id: &'a str,
        title: &'a str,
        description: &'a str,
        width: f64,
        height: f64,
        drawing: &'a str,
    }
    let scene = kuva::render::render::render_multiple(plots, layout);
    let svg = kuva::backend::svg::SvgBackend::new().render_scene(&scene);
    let drawing = svg
        .split_once('>')
        .map_or("", |(_, rest)| rest.trim_end().trim_end_matches("</svg>"));
    let drawing = &rename_clips(drawing, id);
    let (width, height) = (scene.width, scene.height);
    let context = Context {
        id,
        title,
        description,
        width,
        height,
        drawing,
    };
    Ok(template::render(TEMPLATE, context)?)
}

/// The library numbers its clip paths through the whole process; here they are numbered through the picture, so that the same run gives
/// the same bytes, and named after it, so that pictures can stand in one document.
fn rename_clips(drawing: &str, id: &str) -> String {
    const PREFIX: &str = "kuva-clip-";
    let mut numbers: Vec<&str> = Vec::new();
    let mut parts = drawing.split(PREFIX);
    let mut renamed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_at(
            part.find(|c: char| !c.is_ascii_digit())
                .unwrap_or(part.len()),
        );
        let place = numbers
            .iter()
            .position(|known| *known == number)
            .unwrap_or(numbers.len());
        if place == numbers.len() {
            numbers.push(number);
        }
        renamed.push_str(&format!("{id}-clip-{place}{rest}"));
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_of_exposures_falls_to_zero() {
        assert_eq!(
            survivors(&[3_000_000_000, 1_000_000_000]),
            [(0.0, 2.0), (1.0, 1.0), (3.0, 0.0)]
        );
        let many: Vec<u64> = (0..100_000).collect();
        let steps = survivors(&many);
        assert!(steps.len() <= STEPS_MAX + 2, "{}", steps.len());
        assert_eq!(steps.last().map(|step| step.1), Some(0.0));
    }

    #[test]
    fn ticks_are_whole_numbers() {
        assert_eq!(
            [0, 1, 5, 6, 37, 100, 99_999].map(whole_step),
            [1.0, 1.0, 1.0, 2.0, 10.0, 20.0, 20_000.0]
        );
    }

    #[test]
    fn clip_paths_are_named_after_the_picture() {
        let drawing =
            r#"<a id="kuva-clip-41"/><b id="kuva-clip-7"/><c clip="url(#kuva-clip-41)"/>"#;
        let renamed = r#"<a id="x-clip-0"/><b id="x-clip-1"/><c clip="url(#x-clip-0)"/>"#;
        assert_eq!(rename_clips(drawing, "x"), renamed);
    }

    #[test]
    fn axes_show_lengths_of_time() {
        assert_eq!(
            [0.0, 0.00002, 0.001, 0.25, 5.0].map(show_seconds),
            ["0 s", "20 µs", "1 ms", "250 ms", "5 s"]
        );
    }
}
