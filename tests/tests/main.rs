//! Feature tests, through the outer edge: a signed webhook in, a check run out.

mod command_line;
mod conclusions;
mod corpus;
mod hostile_guests;
mod hostile_policies;
mod interleavings;
mod line;
mod payloads;
mod plugins;
mod rooms;
mod webhooks;
