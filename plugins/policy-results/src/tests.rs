//! What the forms are turned into, and what wrong answers say.
