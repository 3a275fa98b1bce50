//! The comparison of simulation and broker: that it finds what deviates, and that the simulation
//! agrees with itself.

mod deviating;

use std::sync::Arc;

use conform::arm::{Arm, Simulated};
use conform::campaign::{self, Report};
use conform::comparison::Divergence;
use conform::script::Script;
use conform::{named, random};

fn seed(number: u32) -> [u8; 32] {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&number.to_le_bytes());
    seed
}

fn scripts(random: u32) -> Vec<Script> {
    let named = named::ALL.iter().map(named::Named::script);
    let random = (0..random).map(|number| random::draw(seed(number), number));
    named.chain(random).collect()
}

async fn compare(scripts: Vec<Script>, broker: Vec<Arc<dyn Arm>>) -> Report {
    let simulation = Arc::new(Simulated::faithful());
    let played = campaign::run(scripts, simulation, broker, &|_| {}).await;
    played.expect("the harness holds")
}

fn assert_agrees(report: &Report) {
    let differ: Vec<_> = report.divergences.iter().map(described).collect();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(report.too_slow.is_empty(), "{:?}", report.too_slow);
    let explained: usize = report.explained.values().sum();
    assert_eq!(report.agree + explained, report.scripts);
}

fn described(divergence: &Divergence) -> String {
    let steps: Vec<_> = divergence
        .script
        .steps
        .iter()
        .map(ToString::to_string)
        .collect();
    let [simulated, real] = [divergence.expected(), divergence.found()]
        .map(|entry| entry.map_or_else(String::new, ToString::to_string));
    let name = &divergence.script.name;
    format!(
        "{name}: {}\n  simulation: {simulated}\n  broker: {real}",
        steps.join("; ")
    )
}

#[tokio::test]
async fn the_simulation_agrees_with_itself() {
    let report = compare(scripts(200), vec![Arc::new(Simulated::faithful())]).await;
    assert_agrees(&report);
}

#[tokio::test]
async fn one_deviation_is_found_and_shrunk_to_a_few_steps() {
    for (name, surface, steps_max) in deviating::ALL {
        let report = compare(scripts(40), vec![Arc::new(Simulated::through(*surface))]).await;
        let shortest = report
            .divergences
            .iter()
            .min_by_key(|divergence| divergence.script.steps.len());
        let shortest = shortest.unwrap_or_else(|| panic!("{name} is not found"));
        let steps = shortest.script.steps.len();
        assert!(steps <= *steps_max, "{name}: {}", described(shortest));
    }
}
