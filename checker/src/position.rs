//! Where in a history an event stands. Positions never tie, times may.

/// The place of an event in the history.
pub(crate) type Position = u32;

/// Later than every event.
pub(crate) const NEVER: Position = Position::MAX;

/// A position as it is kept here; a history has fewer events than [`NEVER`].
pub(crate) fn position(place: usize) -> Position {
    Position::try_from(place).expect("a history has fewer than u32::MAX events")
}

/// The position of an event that may be missing from the record: then it comes later than all
/// others.
pub(crate) fn position_or_never(place: Option<usize>) -> Position {
    place.map_or(NEVER, position)
}
