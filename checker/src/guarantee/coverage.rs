//! `coverage`: whether the run proves anything.
//!
//! A history in which nobody competed, or in which no fault ever took a lock away, is valid for
//! every lock. Coverage asks for grants, for contention, for the [effect](crate::Impact) that is
//! due of each selected fault, and for one hold that a fault took away although others wanted it.

use std::collections::BTreeMap;

use history::fault::{Class, Effect, Role};

use super::Guarantee;
use crate::contention::{contended, workers};
use crate::finding::{Counts, FaultCount, Finding, RoleCount, counted};
use crate::guarantee::exclusion;
use crate::impact::{Impact, impacts};
use crate::search::Reason;
use crate::{Case, Verdict};

/// The run proves something. The verdict is `valid` or `unknown`, never `violated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage;

impl Guarantee for Coverage {
    fn name(&self) -> String {
        "coverage".to_owned()
    }

    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason> {
        let impacts = impacts(case)?;
        let faults = fault_counts(case, &impacts);
        let counts = Counts {
            contended_workers: contended(case)?.len() as u64,
            workers: case.scope.workers.map_or_else(
                || workers(case).len() as u64,
                |workers| workers.get().into(),
            ),
            taken_from_contenders: taken_from_contenders(case, &impacts),
            must_take: must_take(&faults),
            faults,
            ..exclusion::counts(case, 0)
        };
        let gaps = gaps(case, &counts);
        let verdict = if gaps.is_empty() {
            Verdict::Valid
        } else {
            Verdict::Unknown
        };
        let reason = (!gaps.is_empty()).then(|| gaps.join("; "));
        Ok(Finding {
            guarantee: self.name(),
            verdict,
            evidence: evidence(&counts),
            reason,
            counts,
            ..Finding::default()
        })
    }
}

fn fault_counts(case: &Case<'_>, impacts: &[Impact]) -> Vec<FaultCount> {
    let count = |fault: &String| {
        let asked = case.scope.effects.get(fault);
        let own = impacts.iter().filter(|impact| *impact.fault == **fault);
        let is_due = own.clone().map(|impact| impact.due).max();
        // What is due of a fault that never happened is not known: some effect.
        let due = asked.copied().or(is_due).unwrap_or(Effect::Delayed);
        let with = |is_it: fn(&Impact) -> bool| own.clone().filter(|one| is_it(one)).count() as u64;
        FaultCount {
            fault: fault.clone(),
            due,
            asked: asked.is_some(),
            windows: own.clone().count() as u64,
            landed: own.clone().filter(|impact| impact.effect >= due).count() as u64,
            revoked: with(|impact| impact.effect == Effect::Revoked),
            delayed: with(|impact| impact.effect == Effect::Delayed),
            changed: with(|impact| impact.effect == Effect::Changed),
            disproved: with(|impact| impact.is_disproved),
            roles: roles(
                case.scope.struck.get(fault),
                own.flat_map(|impact| &impact.struck),
            ),
        }
    };
    case.scope.faults.iter().map(count).collect()
}

fn roles<'a>(
    least: Option<&BTreeMap<Role, u64>>,
    struck: impl Iterator<Item = &'a (Role, Effect)>,
) -> BTreeMap<Role, RoleCount> {
    let asked = least.into_iter().flatten().map(|(role, least)| {
        let count = RoleCount {
            least: *least,
            ..RoleCount::default()
        };
        (*role, count)
    });
    let mut roles: BTreeMap<Role, RoleCount> = asked.collect();
    for (role, effect) in struck {
        roles.entry(*role).or_default().merge(RoleCount {
            struck: 1,
            revoked: u64::from(*effect == Effect::Revoked),
            delayed: u64::from(*effect == Effect::Delayed),
            changed: u64::from(*effect == Effect::Changed),
            least: 0,
        });
    }
    roles
}

/// Whom the faults struck too seldom.
fn too_seldom(faults: &[FaultCount]) -> impl Iterator<Item = String> {
    faults.iter().flat_map(|count| {
        let roles = count.roles.iter();
        roles.filter_map(|(role, struck)| struck.too_seldom(&count.fault, *role, count.due))
    })
}

fn taken_from_contenders(case: &Case<'_>, impacts: &[Impact]) -> u64 {
    let is_selected =
        |impact: &&Impact| case.scope.faults.iter().any(|name| **name == *impact.fault);
    let taken = impacts
        .iter()
        .filter(|impact| impact.took_what_others_wanted);
    taken.filter(is_selected).count() as u64
}

/// Who asks each fault for less than a lock taken away does not want to see one.
fn must_take(faults: &[FaultCount]) -> bool {
    let is_spared = |fault: &FaultCount| fault.due < Effect::Revoked;
    let is_lowered = faults.iter().any(|fault| fault.asked) && faults.iter().all(is_spared);
    !faults.is_empty() && !is_lowered
}

/// What is missing.
fn gaps(case: &Case<'_>, counts: &Counts) -> Vec<String> {
    let mut gaps = Vec::new();
    let asked = case.scope.struck.keys();
    let unselected = asked.filter(|fault| !case.scope.faults.contains(*fault));
    gaps.extend(unselected.map(|fault| {
        format!("whom {fault} struck is asked, and it is not selected: select it with --nemesis")
    }));
    let mut holds = case.locks.iter().flat_map(|lock| &lock.holds);
    if !holds.any(|hold| hold.granted < case.settle) {
        gaps.push("no lock was ever granted".to_owned());
    }
    if counts.contended_workers == 0 {
        gaps.push("no two workers wanted the same lock at the same time".to_owned());
    }
    let missed: Vec<String> = counts
        .faults
        .iter()
        .filter_map(|fault| missed(case, fault))
        .collect();
    let all_landed = missed.is_empty();
    gaps.extend(missed);
    gaps.extend(too_seldom(&counts.faults));
    if counts.must_take && counts.taken_from_contenders == 0 && all_landed {
        gaps.push(
            "no fault took a lock away that others wanted: select one that can, or ask for less \
             with --coverage delayed"
                .to_owned(),
        );
    }
    gaps
}

/// Why a fault put nothing to the test, and what helps.
fn missed(case: &Case<'_>, count: &FaultCount) -> Option<String> {
    let FaultCount {
        fault,
        due,
        windows,
        landed,
        delayed,
        disproved,
        ..
    } = count;
    if *landed > 0 || *due == Effect::None {
        return None;
    }
    let is_named = || {
        let mut events = case.history.faults();
        events.any(|event| event.function.name() == fault.as_str())
    };
    if *windows == 0 && is_named() {
        return Some(format!(
            "{fault} has no notes of when it was on, so nothing says what it did: write them as docs/histories.md \
             says, or judge without it (--faults none)"
        ));
    }
    if *windows == 0 {
        return Some(format!(
            "{fault} never happened: give --time-limit more, or --nemesis-interval and --nemesis-duration less"
        ));
    }
    let seen = match (delayed, disproved) {
        (0, 0) => String::new(),
        (_, 0) => format!(", {delayed} of which delayed a holder"),
        (0, _) => format!(", {disproved} of which were not in force: a target went on undisturbed"),
        _ => format!(
            ", {delayed} of which delayed a holder and {disproved} were not in force: a target went on undisturbed"
        ),
    };
    let windows = counted(*windows, "window");
    Some(match due {
        Effect::Revoked if struck_no_holder(count) => format!(
            "{fault} took no lock away ({windows}{seen}), for none of its targets was a holder when it struck: strike holders, or ask for less with --coverage {fault}=none"
        ),
        Effect::Revoked if is_breaking(case, fault) => format!(
            "{fault} took no lock away ({windows}{seen}): more windows may (--time-limit more), or ask for less with --coverage {fault}=none"
        ),
        Effect::Revoked => format!(
            "{fault} took no lock away ({windows}{seen}): give --nemesis-duration more than the service waits for a silent client (RabbitMQ three heartbeats, others the lease), or ask for less with --coverage {fault}=delayed"
        ),
        Effect::Changed => format!(
            "{fault} gave no lock slots and took none away ({windows}{seen}): give --time-limit more, or --nemesis-interval less"
        ),
        _ => format!(
            "{fault} delayed no holder ({windows}{seen}): give --nemesis-duration or --rate more"
        ),
    })
}

/// Whether all whom it struck had no lock to lose.
fn struck_no_holder(count: &FaultCount) -> bool {
    let mut struck = count.roles.iter().filter(|(_, times)| times.struck > 0);
    struck.clone().next().is_some() && struck.all(|(role, _)| !role.holds())
}

/// Whether it breaks at once, however long it lasts.
fn is_breaking(case: &Case<'_>, fault: &str) -> bool {
    let windows = case.history.windows();
    let mut own = windows.iter().filter(|window| &*window.name == fault);
    own.all(|window| window.class == Class::Breaking)
}

/// `contention 5 of 5 workers; partition took a lock away 12 times in 14 windows; 11 of these locks
/// were wanted by others`.
fn evidence(counts: &Counts) -> String {
    let contention = format!(
        "contention {} of {}",
        counts.contended_workers,
        counted(counts.workers, "worker")
    );
    if counts.faults.is_empty() {
        return contention + "; no faults";
    }
    let faults: String = counts.faults.iter().map(happened).collect();
    let taken: u64 = counts.faults.iter().map(|fault| fault.revoked).sum();
    let wanted = match (taken, counts.taken_from_contenders) {
        (0, _) => String::new(),
        (1, 1) => "; others wanted it".to_owned(),
        (taken, wanted) if taken == wanted => "; others wanted them".to_owned(),
        (_, wanted) => format!("; others wanted {wanted} of them"),
    };
    contention + &faults + &wanted
}

fn happened(count: &FaultCount) -> String {
    let FaultCount {
        fault,
        due,
        asked,
        windows,
        revoked,
        delayed,
        changed,
        ..
    } = count;
    let windows = counted(*windows, "window");
    let delayed = match delayed {
        0 => String::new(),
        delayed => format!(", delayed a holder in {delayed}"),
    };
    let asked = if *asked {
        format!(" (asked for: {due})")
    } else {
        String::new()
    };
    if *due == Effect::Changed && *revoked == 0 {
        return format!("; {fault} changed slots in {changed} of {windows}{delayed}{asked}");
    }
    let changed = match changed {
        0 => String::new(),
        changed => format!(", changed slots in {changed}"),
    };
    format!("; {fault} took a lock away in {revoked} of {windows}{changed}{delayed}{asked}")
}

#[cfg(test)]
mod tests;
