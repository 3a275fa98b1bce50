//! Every claim of a certificate, re-checked.

use std::collections::BTreeSet;

use history::History;

use super::contention::{self, Room};
use super::contradiction::Evidence;
use super::error::{CertifyError, Flaw, ensure};
use super::file::{self, Contradiction, Figures, Judgement, Order, Proof, Scope, Verdict};
use super::law::{Law, SEVERAL_PERMITS};
use super::progress::Progress;
use super::record::{Hold, Operation, Record};
use super::refusals::SlotsThere;
use super::search::Budget;
use super::slots::Slots;
use super::stretch;
use super::subject::Subject;
use super::{
    coverage, decrements, existence, object, order, removal, scan, sequence, tokens, updates,
};

/// What a certificate says, after nothing in it was found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    /// What the one who judged says about the run.
    pub scope: Scope,
    /// The claims in the certificate's order, at least one.
    pub claims: Vec<Claim>,
}

/// One claim of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The guarantee, or `model ` and the name of a model.
    pub of: String,
    /// The verdict that is claimed.
    pub verdict: Verdict,
    /// What came of the re-check.
    pub standing: Standing,
}

/// What came of the re-check of a claim that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The proof proves the verdict.
    Proved,
    /// The verdict is `unknown`: there is nothing to prove.
    NothingClaimed,
    /// Neither confirmed nor refuted, and why.
    NotRechecked(&'static str),
}

impl Certified {
    /// Whether every claim that states a verdict was confirmed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self
            .claims
            .iter()
            .any(|claim| matches!(claim.standing, Standing::NotRechecked(_)))
    }
}

/// What all searches of one certificate may cost, in the units of docs/certificates.md: some
/// seconds, and less than 200 MB.
const SEARCH_BUDGET: u64 = 8_000_000;

/// Re-checks every claim of a certificate (the bytes of the file) against the history.
///
/// # Errors
/// The first thing that is wrong, with the claim, the key and the event.
pub fn certify(history: &History, certificate: &[u8]) -> Result<Certified, CertifyError> {
    let certificate = file::read(history, certificate)?;
    if certificate.judgements.is_empty() {
        return Err(CertifyError::Empty);
    }
    let mut recheck = Recheck::new(history, &certificate.scope);
    let mut claims = Vec::new();
    for judgement in certificate.judgements {
        let standing = recheck.judgement(&judgement);
        let Judgement { of, verdict, .. } = judgement;
        match standing {
            Ok(standing) => claims.push(Claim {
                of,
                verdict,
                standing,
            }),
            Err(flaw) => return Err(CertifyError::Claim { of, flaw }),
        }
    }
    Ok(Certified {
        scope: certificate.scope,
        claims,
    })
}

struct Recheck<'a> {
    history: &'a History,
    scope: &'a Scope,
    record: Record,
    budget: Budget,
    /// What was judged already: nothing is judged twice.
    judged: BTreeSet<String>,
}

impl<'a> Recheck<'a> {
    fn new(history: &'a History, scope: &'a Scope) -> Self {
        Self {
            history,
            scope,
            record: Record::of(history, history.events().len()),
            budget: Budget(SEARCH_BUDGET),
            judged: BTreeSet::new(),
        }
    }

    fn judgement(&mut self, judgement: &Judgement) -> Result<Standing, Flaw> {
        ensure(self.judged.insert(judgement.of.clone()), || {
            Flaw::new("it is judged twice")
        })?;
        let subject = Subject::parse(&judgement.of)
            .ok_or_else(|| Flaw::new("there is no such guarantee or model"))?;
        if judgement.verdict != Verdict::Unknown && subject.is_about_holds() {
            ensure_one_permit(self.history)?;
        }
        match (judgement.verdict, &judgement.proof) {
            (Verdict::Unknown, None) => return Ok(Standing::NothingClaimed),
            (Verdict::Valid, Some(Proof::Scan(figures))) => self.scan(&subject, *figures)?,
            (Verdict::Valid, Some(Proof::Orders(orders))) => self.orders(&subject, orders)?,
            (Verdict::Violated, Some(Proof::Contradiction(contradiction))) => {
                return self.contradiction(&subject, contradiction);
            }
            _ => return Err(wrong_proof()),
        }
        Ok(Standing::Proved)
    }

    fn scan(&self, subject: &Subject, figures: Figures) -> Result<(), Flaw> {
        let (history, record) = (self.history, &self.record);
        let slots = self.scope.slots.get().into();
        let overlaps = scan::overlaps(&stretch::spells(record), slots);
        let is_contended =
            || contention::ensure_some(record, Room::of(slots), contention::believed);
        match subject {
            Subject::Exclusion => {
                scan::ensure_clock(history)?;
                scan::exclusion(history, record, &overlaps)?;
                is_contended()?;
            }
            Subject::Overlap(bound_ns) => {
                scan::ensure_clock(history)?;
                let stretches = stretch::unbroken(history, record, slots);
                let overlaps = scan::overlaps(&stretches, slots);
                scan::overlap(history, record, &overlaps, *bound_ns)?;
                is_contended()?;
            }
            Subject::Ownership => scan::ownership(history, record)?,
            Subject::Fencing => tokens::check(history, record, slots)?,
            Subject::NoLostUpdate => updates::check(history)?,
            Subject::Progress(bound_ns) => {
                Progress::new(history, record, self.scope, *bound_ns).check()?;
            }
            Subject::SlotExistence => existence::check(history, record)?,
            Subject::SlotRemoval => removal::check(history, record)?,
            Subject::SlotSequence => sequence::check(history)?,
            Subject::NoLostDecrement => decrements::none_lost(history)?,
            Subject::NoDoubledDecrement => decrements::none_doubled(history)?,
            Subject::Coverage => coverage::check(history, record, self.scope)?,
            _ => return Err(wrong_proof()),
        }
        scan::check_figures(record, &overlaps, figures)
    }

    fn orders(&self, subject: &Subject, orders: &[Order]) -> Result<(), Flaw> {
        let (history, record) = (self.history, &self.record);
        let slots = self.scope.slots.get().into();
        let by_law = |law: &Law| order::check(history, record, law, &law.places(record), orders);
        match subject {
            Subject::ConfirmedExclusion => {
                by_law(&Law::revocable(slots))?;
                contention::ensure_some(record, Room::of(slots), contention::confirmed)
            }
            Subject::JustifiedRefusal => {
                let law = Law::refusing(slots, true);
                let mut places = law.places(record);
                SlotsThere::new(history, slots).apply(record, &mut places)?;
                order::check(history, record, &law, &places, orders)
            }
            Subject::SlotExclusion => {
                let of_slots = |hold: &Hold| match hold.slot {
                    Some(_) => contention::confirmed(hold),
                    None => Vec::new(),
                };
                let slots = Slots::named_in(record)?;
                order::check(history, record, &slots, &slots.places(record), orders)?;
                contention::ensure_some(record, Room::ForOneClient, of_slots)
            }
            Subject::Lock(law) => {
                object::keys_of_model(history, Law::has)?;
                let is_several = record.operations.iter().any(Operation::is_of_several);
                ensure(law.permits || !is_several, || Flaw::new(SEVERAL_PERMITS))?;
                by_law(law)
            }
            Subject::Data(data) => {
                object::keys_of_model(history, |function| data.has(function))?;
                let places = data.places(history, record, history.events().len(), |_| true)?;
                order::check(history, record, data, &places, orders)
            }
            _ => Err(wrong_proof()),
        }
    }

    fn contradiction(
        &mut self,
        subject: &Subject,
        contradiction: &Contradiction,
    ) -> Result<Standing, Flaw> {
        let (history, record, scope) = (self.history, &self.record, self.scope);
        let evidence = Evidence::new(history, record, scope, subject, contradiction)?;
        let is_decided = evidence.check(&contradiction.rule, &mut self.budget)?;
        Ok(if is_decided {
            Standing::Proved
        } else {
            BOUND_HIT
        })
    }
}

const BOUND_HIT: Standing = Standing::NotRechecked("the search for a legal order hit its bound");

/// Of holds that may be of several permits, or of which a part may be given back, nothing is known.
fn ensure_one_permit(history: &History) -> Result<(), Flaw> {
    let mut operations = history.operations();
    match operations.find(|operation| operation.permits() > 1) {
        Some(operation) => Err(Flaw::new(SEVERAL_PERMITS).at(operation.invoke.index)),
        None => Ok(()),
    }
}

fn wrong_proof() -> Flaw {
    Flaw::new("a verdict like this is proved in another way")
}
