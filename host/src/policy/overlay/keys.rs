//! The keys of a check beside the settings of its policies. Each has an order from lax to strict, and goes only one way.

use super::{OverlayCheck, Overlays};
use crate::model::plan::{BaselineMissing, CheckPlan, Conclusion, Judges, Knobs, Mode, WaitFor};
use crate::model::report::Provenance;
use serde::Serialize;
use serde_saphyr::{Location, Spanned};

/// One key of a check that becomes stricter.
#[derive(Clone, Copy)]
pub(super) enum Key {
    Mode(Mode),
    FailClosed,
    MinProvenance(Provenance),
    Judge(Judges),
    WaitFor(WaitFor),
    BaselineMissing(BaselineMissing),
    Conclusion(Knob, Conclusion),
}

type Knob = fn(&mut Knobs) -> &mut Conclusion;
/// What a file says of a key, by its place: nothing to change, a change, or what is wrong with it.
type Said = (Location, Result<Option<Key>, String>);

/// From lax to strict.
trait Strictness: Serialize {
    fn strictness(&self) -> u8;
}

impl Strictness for Mode {
    fn strictness(&self) -> u8 {
        *self as u8
    }
}

impl Strictness for Judges {
    fn strictness(&self) -> u8 {
        u8::from(*self == Judges::All)
    }
}

impl Strictness for WaitFor {
    fn strictness(&self) -> u8 {
        u8::from(*self == WaitFor::All)
    }
}

impl Strictness for BaselineMissing {
    fn strictness(&self) -> u8 {
        u8::from(*self == BaselineMissing::Fail)
    }
}

impl Strictness for Conclusion {
    fn strictness(&self) -> u8 {
        Conclusion::strictness(*self)
    }
}

impl Overlays<'_> {
    /// Everything that a file says of one check's keys.
    pub(super) fn keys(&self, check: &CheckPlan, overlay: &OverlayCheck) -> Vec<Said> {
        let said = [
            self.stricter("mode", check.mode, &overlay.mode, Key::Mode),
            overlay.fail_closed.as_ref().map(|said| (said.referenced, self.fail_closed(check, said.value))),
            overlay.min_provenance.as_ref().map(|said| (said.referenced, self.min_provenance(check, said.value))),
            self.stricter("judge", check.judges, &overlay.judge, Key::Judge),
            self.stricter("wait_for", check.wait_for, &overlay.wait_for, Key::WaitFor),
            self.stricter("baseline_missing", check.baseline_missing, &overlay.baseline_missing, Key::BaselineMissing),
        ];
        said.into_iter().flatten().chain(self.conclusions(check, overlay)).collect()
    }

    fn stricter<T: Strictness + Copy>(
        &self,
        key: &str,
        holds: T,
        said: &Option<Spanned<T>>,
        change: fn(T) -> Key,
    ) -> Option<Said> {
        let said = said.as_ref()?;
        let allowed = self.allowed(key).and_then(|()| not_laxer(key, holds, said.value));
        Some((said.referenced, allowed.map(|()| Some(change(said.value)))))
    }

    fn fail_closed(&self, check: &CheckPlan, wanted: bool) -> Result<Option<Key>, String> {
        self.allowed("fail_closed")?;
        match (wanted, check.knobs == Knobs::fail_closed()) {
            (true, _) => Ok(Some(Key::FailClosed)),
            (false, true) => Err("`fail_closed: false` is laxer than `true`, which holds".to_owned()),
            (false, false) => Ok(None),
        }
    }

    fn min_provenance(&self, check: &CheckPlan, wanted: Provenance) -> Result<Option<Key>, String> {
        self.allowed("min_provenance")?;
        match check.min_provenance {
            Some(holds) if wanted < holds => {
                Err(format!("min_provenance `{wanted}` is laxer than `{holds}`, which holds"))
            }
            _ => Ok(Some(Key::MinProvenance(wanted))),
        }
    }

    fn conclusions(&self, check: &CheckPlan, overlay: &OverlayCheck) -> Vec<Said> {
        let rows: [(&str, &Option<Spanned<Conclusion>>, Knob); 6] = [
            ("on_partial", &overlay.on_partial, |knobs| &mut knobs.on_partial),
            ("on_warn", &overlay.on_warn, |knobs| &mut knobs.on_warn),
            ("on_broken", &overlay.on_broken, |knobs| &mut knobs.on_broken),
            ("on_outage", &overlay.on_outage, |knobs| &mut knobs.on_outage),
            ("on_missing", &overlay.on_missing, |knobs| &mut knobs.on_missing),
            ("on_workflow", &overlay.on_workflow, |knobs| &mut knobs.on_workflow),
        ];
        let said = rows.into_iter().filter_map(|(key, said, knob)| {
            let said = said.as_ref()?;
            let mut knobs = check.knobs;
            let change = self.conclusion(key, *knob(&mut knobs), said.value);
            Some((said.referenced, change.map(|()| Some(Key::Conclusion(knob, said.value)))))
        });
        said.collect()
    }

    fn conclusion(&self, key: &str, holds: Conclusion, wanted: Conclusion) -> Result<(), String> {
        self.allowed("conclusions")?;
        if wanted == Conclusion::Cancelled && key != "on_workflow" {
            return Err(format!("{key}: `cancelled` is for `on_workflow` alone"));
        }
        not_laxer(key, holds, wanted)
    }

    pub(super) fn allowed(&self, subject: &str) -> Result<(), String> {
        if self.terms.allows(subject) {
            return Ok(());
        }
        Err(format!("`{subject}` may not be set here: the host's `overlay.allow` does not have it"))
    }
}

impl Key {
    /// Over what other files have changed already: the stricter of both holds.
    pub(super) fn apply(self, check: &mut CheckPlan) {
        match self {
            Key::Mode(mode) => check.set_mode(mode.max(check.mode)),
            Key::FailClosed => {
                check.knobs = check.knobs.stricter(Knobs::fail_closed());
                check.wait_for = WaitFor::All;
                check.min_provenance = check.min_provenance.max(Some(Provenance::Repository));
                check.baseline_missing = BaselineMissing::Fail;
            }
            Key::MinProvenance(minimum) => check.min_provenance = check.min_provenance.max(Some(minimum)),
            Key::Judge(judges) => tighten(&mut check.judges, judges),
            Key::WaitFor(wait_for) => tighten(&mut check.wait_for, wait_for),
            Key::BaselineMissing(missing) => tighten(&mut check.baseline_missing, missing),
            Key::Conclusion(knob, conclusion) => tighten(knob(&mut check.knobs), conclusion),
        }
    }
}

fn tighten<T: Strictness>(holds: &mut T, wanted: T) {
    if wanted.strictness() > holds.strictness() {
        *holds = wanted;
    }
}

fn not_laxer<T: Strictness>(key: &str, holds: T, wanted: T) -> Result<(), String> {
    if wanted.strictness() >= holds.strictness() {
        return Ok(());
    }
    Err(format!("{key} `{}` is laxer than `{}`, which holds", word(&wanted), word(&holds)))
}

fn word<T: Serialize>(value: &T) -> String {
    let text = serde_json::to_value(value).expect("an enum without members is a word");
    text.as_str().unwrap_or_default().to_owned()
}
