//! Runs of a paused job, put aside.
//!
//! A run of a paused job that comes to the front of its lane goes to the back of the lane `<its lane>=<job>`, which is parked at
//! `=<job>` for as long as the pause lasts. So each is moved once, others flow past, and what is put aside costs nothing. Its
//! stored flow gets that lane, so it comes back to it after an attempt, too.
//!
//! When the pause is over, such lanes are made ready, so many in a call, by the resumption, by claims and by promotions; then the pause is
//! forgotten. One that becomes ready while its job is paused, again or still, parks itself when it is looked at.

use serde::Deserialize;

use super::{Ground, Head, Pick, Standing, left_lane, wake_parked};
use crate::flow::{StoredFlow, is_unkeyed, level_of};

/// The lane of runs that have no flow.
const PLAIN: &str = "5";

/// What parts a lane from the job that is put aside in it. It is in no job's name, and in no hash of keys.
const ASIDE: char = '=';

/// How many runs go at each turn of a lane that runs without a key were put aside in. They would have had every second turn.
const WEIGHT: u32 = 100;

/// A job whose runs are put aside, or were until a moment ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JobPause {
    pub(crate) job: String,
    /// Whether it is over, and lanes may be parked for it still.
    pub(crate) is_over: bool,
}

/// The job that an envelope names, of whichever version; nothing when it cannot be read.
pub(crate) fn job_of(envelope: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct JobOnly {
        job: String,
    }
    serde_json::from_slice::<JobOnly>(envelope).ok().map(|envelope| envelope.job)
}

/// Where lanes of a paused job are parked.
fn parked_at(job: &str) -> String {
    format!("{ASIDE}{job}")
}

/// The job that is put aside in a lane, if one is.
pub(super) fn job_aside(lane: &str) -> Option<&str> {
    lane.split_once(ASIDE).map(|(_, job)| job)
}

/// Makes lanes ready of jobs that are paused no more, up to so many, and forgets pauses of which none is left. How many lanes.
pub(crate) fn wake_resumed<G: Ground>(ground: &mut G, now: i64, at_most: usize) -> Result<usize, G::Error> {
    let mut woken = 0;
    for JobPause { job, .. } in ground.job_pauses(now)?.into_iter().filter(|pause| pause.is_over) {
        let lanes = ground.parked(&parked_at(&job), at_most - woken)?;
        for (lane, turn) in &lanes {
            ground.stand(lane, *turn, &Standing::Ready)?;
        }
        woken += lanes.len();
        if woken == at_most {
            break;
        }
        ground.forget_job_pause(&job)?;
    }
    Ok(woken)
}

impl<G: Ground> Pick<'_, G> {
    /// Puts aside what is of a paused job, until it is not among the first so many of a lane. Whether it came to that.
    pub(super) fn put_aside(&mut self, lane: &str, room: usize) -> Result<bool, G::Error> {
        if self.paused.is_empty() || job_aside(lane).is_some() {
            return Ok(true);
        }
        let mut stays = 0;
        loop {
            let before = stays;
            let mut moved = 0;
            for run in self.ground.head(lane, room)?.into_iter().skip(before) {
                match self.ground.job_of(&run.id)?.filter(|job| self.paused.contains(job)) {
                    None => stays += 1,
                    Some(_) if self.patience == 0 => return Ok(false),
                    Some(job) => {
                        self.patience -= 1;
                        self.put_run_aside(run, &job)?;
                        moved += 1;
                    }
                }
            }
            if moved == 0 {
                return Ok(true);
            }
        }
    }

    fn put_run_aside(&mut self, run: Head, job: &str) -> Result<(), G::Error> {
        let before =
            run.flow.unwrap_or_else(|| StoredFlow { lane: PLAIN.into(), weight: 1, ..StoredFlow::default() });
        let mut flow = StoredFlow { lane: format!("{}{ASIDE}{job}", before.lane), ..before.clone() };
        if is_unkeyed(&before.lane) {
            flow.weight = WEIGHT;
        }
        self.ground.put_aside(&run.id, &flow)?;
        if self.ground.standing(&flow.lane)?.is_none() {
            self.ground.stand(&flow.lane, self.turns.next(), &Standing::Parked(parked_at(job)))?;
        }
        left_lane(self.ground, &before)
    }

    /// Parks a ready lane whose job is paused; whether it is.
    pub(super) fn parks(&mut self, lane: &str, slots: &[String]) -> Result<bool, G::Error> {
        let Some(job) = job_aside(lane).filter(|job| self.paused.contains(*job)) else { return Ok(false) };
        let turn = self.ground.standing(lane)?.map_or(0, |(turn, _)| turn);
        self.ground.stand(lane, turn, &Standing::Parked(parked_at(job)))?;
        self.turns.end_turn(level_of(lane));
        // It does not use the slots that it was woken for.
        for slot in slots {
            wake_parked(self.ground, slot)?;
        }
        self.patience = self.patience.saturating_sub(1);
        Ok(true)
    }
}
