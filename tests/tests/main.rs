//! Feature tests, through the outer edge: a signed webhook in, a check run out.

mod attacks;
mod chaos;
mod command_line;
mod comments;
mod conclusions;
mod corpus;
mod documents;
mod economy;
mod hostile_components;
mod hostile_guests;
mod hostile_policies;
mod interleavings;
mod lifecycle;
mod limits;
mod line;
mod payloads;
mod plugins;
mod policies_bundles;
mod policies_compatible;
mod policies_four_ways;
mod policies_remote;
mod policies_results;
mod policies_tested;
mod replay;
mod rooms;
mod webhooks;
