//! The progress bar.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::interrupt::Interrupt;
use super::plan::Plan;

const PER_SECOND: u8 = 10;

/// A bar on standard error, when that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A visible bar.
    pub(crate) fn visible(plan: &Plan) -> Progress {
        let target = ProgressDrawTarget::stderr_with_hz(PER_SECOND);
        let (bar, template) = match plan.total() {
            Some(total) => (
                ProgressBar::new(total),
                "{bar:30} {human_pos} of {human_len} messages, {eta} left{msg}",
            ),
            None => (
                ProgressBar::no_length(),
                "{spinner} {human_pos} messages in {elapsed}{msg}",
            ),
        };
        bar.set_draw_target(target);
        bar.set_style(ProgressStyle::with_template(template).expect("a constant template"));
        Progress(bar)
    }

    /// No bar.
    pub(crate) fn hidden() -> Progress {
        Progress(ProgressBar::hidden())
    }

    /// Sets the number of finished messages.
    pub(crate) fn show(&self, done: u64, interrupt: &Interrupt) {
        self.0.set_position(done);
        self.0.tick();
        if interrupt.is_pressed() {
            self.0.set_message("; Ctrl-C again ends at once");
        }
    }

    /// Removes the bar.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
