//! Feature tests, through the outer edge: a signed webhook in, a check run out.

mod command_line;
mod conclusions;
mod hostile_guests;
mod line;
mod plugins;
mod rooms;
mod webhooks;
