//! What one enqueue says of how its runs flow, over what their job declares.

use std::fmt;

use crate::flow::Flow;

/// One thing that was said.
type Adjust<J> = Box<dyn FnMut(&J, &mut Flow) -> serde_json::Result<()> + Send>;

/// What was said, in the order in which it was said: the last holds.
pub(super) struct Adjustments<J>(Vec<Adjust<J>>);

impl<J> Adjustments<J> {
    pub(super) fn push(
        &mut self,
        adjust: impl FnMut(&J, &mut Flow) -> serde_json::Result<()> + Send + 'static,
    ) {
        self.0.push(Box::new(adjust));
    }

    /// Adjusts the flow of a run of this job.
    pub(super) fn adjust(&mut self, job: &J, flow: &mut Flow) -> serde_json::Result<()> {
        self.0.iter_mut().try_for_each(|adjust| adjust(job, flow))
    }
}

impl<J> Default for Adjustments<J> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<J> fmt::Debug for Adjustments<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} adjustments", self.0.len())
    }
}
