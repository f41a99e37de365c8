pub fn register(_engine: &mut regorus::Engine) {}
