//! Settles and claims: one script for either, and for both at once.

use std::fmt::Write;

use super::Redis;
use super::call::Call;
use super::flow::Either;
use super::keys::Key;
use super::replies::{self, Reply};
use crate::backend::{BATCH_LIMIT, Claimed, Fate, Settled, Settlement, Ticket};
use crate::clock::millis;
use crate::error::Result;
use crate::job_run::History;
use crate::name::QueueName;

/// What a claim asks for.
pub(super) type Asked<'a> = (&'a Ticket, usize);

impl Redis {
    /// Settles runs, and then claims others, if it is to. Of more settlements than one call takes the first go with the claim, and last:
    /// those that are handed back come to stand in front of others.
    pub(super) async fn exchange(
        &self,
        queue: &QueueName,
        settlements: &[Settlement],
        claim: Option<Asked<'_>>,
    ) -> Result<(Vec<Settled>, Option<Claimed>)> {
        if settlements.is_empty() && claim.is_none() {
            return Ok((Vec::new(), None));
        }
        let (first, rest) = settlements.split_at(settlements.len().min(BATCH_LIMIT));
        let mut behind = Vec::new();
        for chunk in rest.rchunks(BATCH_LIMIT) {
            behind.push(self.exchange_once(queue, chunk, None).await?.0);
        }
        let (mut settled, claimed) = self.exchange_once(queue, first, claim).await?;
        settled.extend(behind.into_iter().rev().flatten());
        Ok((settled, claimed))
    }

    /// How many runs wait, as far as no limit holds them up: of those in lanes it is only known whether there are any.
    pub(super) async fn count_claimable(&self, queues: &[QueueName]) -> Vec<Result<usize>> {
        if self.nothing_is_claimable(queues).await {
            return queues.iter().map(|_| Ok(0)).collect();
        }
        // All at once: they share one connection, and so one round trip.
        let counts = queues.iter().map(|queue| async move {
            let mut pipe = ::redis::pipe();
            pipe.llen(self.keys.of(queue, Key::Waiting)).zcard(self.keys.of(queue, Key::Ready));
            let counts: Result<(usize, usize), _> = pipe.query_async(&mut self.commands(queue)).await;
            match counts {
                Ok((waiting, 0)) => Ok(waiting),
                Ok((waiting, _)) => Ok(waiting + BATCH_LIMIT),
                Err(error) => Err(self.explain(queue, error).await),
            }
        });
        futures_util::future::join_all(counts).await
    }

    /// What an idle runner asks, in one command where one server has all queues.
    async fn nothing_is_claimable(&self, queues: &[QueueName]) -> bool {
        let (Some(first), false) = (queues.first(), self.location.is_cluster()) else {
            return queues.is_empty();
        };
        let mut exists = ::redis::cmd("EXISTS");
        for queue in queues {
            exists.arg(self.keys.of(queue, Key::Waiting)).arg(self.keys.of(queue, Key::Ready));
        }
        // What is wrong is told by whatever is asked next.
        matches!(exists.query_async::<usize>(&mut self.commands(first)).await, Ok(0))
    }

    async fn exchange_once(
        &self,
        queue: &QueueName,
        settlements: &[Settlement],
        claim: Option<Asked<'_>>,
    ) -> Result<(Vec<Settled>, Option<Claimed>)> {
        let scripts = Either {
            plain: &self.scripts.exchange,
            flowing: &self.scripts.flowing_exchange,
            keys: &[
                Key::Waiting,
                Key::Pending,
                Key::Runs,
                Key::History,
                Key::Owners,
                Key::Wake,
                Key::Paused,
                Key::Tickets,
                Key::Dead,
                Key::Turns,
                Key::Held,
                Key::Scheduled,
                Key::Due,
                Key::Flows,
                Key::Cancelled,
            ],
        };
        let order = sorted(settlements);
        let args = |call: &mut Call<'_>| tell_all(call, settlements, &order, claim);
        let answer = self.answer_either(queue, scripts, args).await?;
        let read = || {
            let mut reply = Reply::new(answer)?;
            let told = replies::settled(&mut reply, settlements.len())?;
            let mut settled = vec![Settled::Stale; settlements.len()];
            order.0.iter().chain(&order.1).zip(told).for_each(|(at, told)| settled[*at] = told);
            let claimed = claim.map(|(ticket, _)| replies::claimed(&mut reply, &claim_of(ticket)));
            Ok((settled, claimed.transpose()?))
        };
        self.read(read())
    }
}

/// Which are told in the short way, since they are forgotten under claims of one length; and which are not.
pub(super) type Order = (Vec<usize>, Vec<usize>);

pub(super) fn sorted(settlements: &[Settlement]) -> Order {
    let length = settlements.first().map_or(0, |first| first.token.0.len());
    let is_simple = |at: &usize| {
        let Settlement { token, fate, .. } = &settlements[*at];
        matches!(fate, Fate::Forget) && token.0.len() == length
    };
    (0..settlements.len()).partition(is_simple)
}

/// All arguments of a call.
pub(super) fn tell_all(
    call: &mut Call<'_>,
    settlements: &[Settlement],
    (simple, other): &Order,
    claim: Option<Asked<'_>>,
) {
    ask(call, claim);
    tell_forgotten(call, settlements, simple);
    other.iter().for_each(|at| tell(call, &settlements[*at]));
}

fn ask(call: &mut Call<'_>, claim: Option<Asked<'_>>) {
    match claim {
        Some((ticket, at_most)) => {
            call.arg(ticket.overseer.as_str()).arg(sortable(ticket.number)).arg(at_most.min(BATCH_LIMIT))
        }
        None => call.arg("").arg("").arg(0),
    };
}

fn tell_forgotten(call: &mut Call<'_>, settlements: &[Settlement], simple: &[usize]) {
    let length = simple.first().map_or(0, |first| settlements[*first].token.0.len());
    call.arg(simple.len()).arg(length);
    let mut member = String::new();
    for at in simple {
        let Settlement { id, token, .. } = &settlements[*at];
        member.clear();
        member.push_str(&token.0);
        member.push('/');
        member.push_str(id.as_str());
        call.arg(&*member);
    }
}

/// The run, its claim and its fate.
fn tell(call: &mut Call<'_>, settlement: &Settlement) {
    call.arg(settlement.id.as_str()).arg(&*settlement.token.0);
    match &settlement.fate {
        Fate::Forget => call.arg("f"),
        Fate::HandBack => call.arg("h"),
        Fate::Banish { history } => call.arg("b").arg(json(history)),
        Fate::Reschedule { delay, history } => call.arg("r").arg(json(history)).arg(millis(*delay)),
    };
}

fn json(history: &History) -> String {
    serde_json::to_string(history).expect("numbers and text serialize")
}

/// Of one width, so that the claims of an overseer sort by ticket.
pub(super) fn sortable(ticket: u64) -> String {
    format!("{ticket:016x}")
}

/// What the tokens of a ticket begin with.
fn claim_of(ticket: &Ticket) -> String {
    format!("{}/{}/", ticket.overseer.as_str(), sortable(ticket.number))
}

/// The token of the run at a place of a new claim, counted from 1, as `scripts/claim.lua` writes it.
pub(super) fn token(claim: &str, place: usize, now: i64) -> String {
    let mut token = String::with_capacity(claim.len() + 17);
    token.push_str(claim);
    let digit = |digit: usize| char::from(b'0' + u8::try_from(digit % 32).unwrap_or(0));
    token.push(digit(place / 32));
    token.push(digit(place));
    let _ = write!(token, "/{now}");
    token
}
