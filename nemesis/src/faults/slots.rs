//! What `grow` and `shrink` have in common: a worker administers the locks, and brings them in order
//! again.

use history::fault::Evidence;

use crate::{Landing, Moment, SlotChange, Strike, SystemError};

/// It is one administrator that changes the slots, however many were aimed at.
pub(super) fn one_of(strike: &Strike<'_>) -> Option<Moment> {
    let first = strike.targets.first()?;
    Some(Moment {
        targets: vec![*first],
        evidence: Evidence::new(),
    })
}

/// The change is made, or has missed where it was made to no lock.
pub(super) async fn change(
    strike: &Strike<'_>,
    change: SlotChange,
) -> Result<Landing, SystemError> {
    let mut all = Evidence::new();
    for target in strike.targets {
        all.extend(strike.system.change_slots(*target, change).await?);
    }
    Ok(Landing::if_met(all, "slots"))
}

/// There are as many slots again as when the run began, as far as that succeeds.
pub(super) async fn restore(strike: &Strike<'_>) -> Result<Evidence, SystemError> {
    let mut all = Evidence::new();
    for target in strike.targets {
        let left = strike
            .system
            .change_slots(*target, SlotChange::Restore)
            .await?;
        all.extend(left);
    }
    Ok(all)
}
