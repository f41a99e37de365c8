//! Feature tests, through the outer edge: a signed webhook in, a check run out.

mod command_line;
mod conclusions;
mod corpus;
mod documents;
mod hostile_guests;
mod hostile_policies;
mod interleavings;
mod line;
mod payloads;
mod plugins;
mod policies_bundles;
mod policies_remote;
mod rooms;
mod webhooks;
