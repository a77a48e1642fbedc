//! Writes the code of a job.
//!
//! It names everything by the runtime's full path and stands in a `const _`, so that nothing in scope at
//! the struct can come in between, and nothing of it can be seen from there.

mod flow;

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse_quote;
use syn::spanned::Spanned;

use crate::assumed;
use crate::backoff::{Backoff, Growth};
use crate::input::{Arguments, Input};
use crate::queue::Place;
use crate::retry::Policy;
use crate::schedule::{Missed, Overlap, Rhythm, Schedule};
use crate::validate::Definition;

/// Everything: the struct, its traits, and its registration.
pub(crate) fn job(job: &Definition) -> TokenStream {
    let methods: TokenStream = flow::method(job).into_iter().chain(flow::partition_key(job)).collect();
    let (traits, registration) = (traits(job, &methods), registration(job));
    with_item(&derived(job), job, &quote!(#traits #registration))
}

/// What stands in for a job with mistakes: a job still, so that what uses it is not complained about, but
/// one that nothing needs to perform.
pub(crate) fn stand_in(job: &Definition) -> TokenStream {
    let item = &job.input.item;
    match job.input.arguments {
        Arguments::Unit | Arguments::Empty | Arguments::Fields => {
            with_item(&derived(job), job, &traits(job, &TokenStream::new()))
        }
        // What serde has to say about it is beside the point.
        Arguments::Unusable => {
            let (serde, traits) = (serde_stand_in(job), traits(job, &TokenStream::new()));
            with_item(item, job, &quote!(#serde #traits))
        }
    }
}

fn with_item(item: &TokenStream, job: &Definition, code: &TokenStream) -> TokenStream {
    let Input { conditions, is_deprecated, .. } = &job.input;
    // Whoever deprecates a job knows that this names it.
    let deprecated = is_deprecated.then(|| quote!(#[allow(deprecated)]));
    quote! {
        #item
        #(#conditions)*
        #deprecated
        const _: () = {
            #code
        };
    }
}

fn derived(job: &Definition) -> TokenStream {
    let Definition { runtime, input: Input { item, assumed, .. }, .. } = job;
    let serde = quote!(#runtime::serde);
    let serde_path = serde.to_string().replace(' ', "");
    let bound = (!assumed.is_empty()).then(|| {
        let assumed = assumed.iter().map(|argument| assumed::predicate(argument, runtime));
        let bound = quote!(#(#assumed),*).to_string();
        quote!(, bound = #bound)
    });
    quote! {
        #[derive(#serde::Serialize, #serde::Deserialize)]
        #[serde(crate = #serde_path #bound)]
        #item
    }
}

fn serde_stand_in(job: &Definition) -> TokenStream {
    let Definition { runtime, input: Input { ident, generics, .. }, .. } = job;
    let serde = quote!(#runtime::serde);
    let (parameters, arguments, conditions) = generics.split_for_impl();
    let mut with_lifetime = generics.clone();
    with_lifetime.params.insert(0, parse_quote!('mosquito));
    let (lifetime_parameters, ..) = with_lifetime.split_for_impl();
    quote! {
        impl #parameters #serde::Serialize for #ident #arguments #conditions {
            fn serialize<S: #serde::Serializer>(&self, _: S) -> ::core::result::Result<S::Ok, S::Error> {
                loop {}
            }
        }
        impl #lifetime_parameters #serde::Deserialize<'mosquito> for #ident #arguments #conditions {
            fn deserialize<D: #serde::Deserializer<'mosquito>>(_: D) -> ::core::result::Result<Self, D::Error> {
                loop {}
            }
        }
    }
}

fn traits(job: &Definition, methods: &TokenStream) -> TokenStream {
    let Definition { runtime, input, .. } = job;
    let ident = &input.ident;
    let generics = input.generics_of_a_job();
    let (parameters, arguments, conditions) = generics.split_for_impl();
    let (spec, needs) = (spec(job), needs(job));
    quote! {
        impl #parameters #runtime::__private::Job for #ident #arguments #conditions {
            const SPEC: #runtime::__private::JobSpec = #spec;
            #methods
        }
        #needs
    }
}

/// The states that a job declares; all there are where that could not be read, so that none is missed.
fn needs(job: &Definition) -> TokenStream {
    let Definition { runtime, input, .. } = job;
    let ident = &input.ident;
    let mut generics = input.generics_of_a_job();
    let (parameters, arguments, conditions) = generics.split_for_impl();
    if !job.state_is_unclear {
        let needs = job.states.iter().map(|state| {
            // Placed at the state but not written there, or the compiler would offer to change it.
            let at = Span::call_site().located_at(state.span());
            quote_spanned! {at=>
                impl #parameters #runtime::__private::NeedsState<#state> for #ident #arguments #conditions {}
            }
        });
        return needs.collect();
    }
    let (arguments, conditions) = (arguments.to_token_stream(), conditions.to_token_stream());
    generics.params.push(parse_quote!(MosquitoState));
    let (parameters, ..) = generics.split_for_impl();
    quote! {
        impl #parameters #runtime::__private::NeedsState<MosquitoState> for #ident #arguments #conditions {}
    }
}

/// Only what differs from a job that declares nothing: the less there is, the faster it compiles.
fn spec(job: &Definition) -> TokenStream {
    let Definition { runtime, name, aliases, queue, input: Input { redacted, .. }, .. } = job;
    let mut fields = Vec::new();
    if !aliases.is_empty() {
        fields.push(quote!(aliases: &[#(#aliases),*]));
    }
    if let Some((version, _)) = job.version {
        fields.push(quote!(version: #version));
    }
    if !redacted.is_empty() {
        fields.push(quote!(redacted: &[#(#redacted),*]));
    }
    if let Some(Place { name, partitions, .. }) = queue {
        fields.push(quote!(queue: #name));
        fields.extend((*partitions > 1).then(|| quote!(partitions: #partitions)));
    }
    fields.extend(retry(job).map(|retry| quote!(retry: #retry)));
    if let Some(timeout) = job.timeout {
        let timeout = some(job, &duration(job, timeout));
        fields.push(quote!(timeout: #timeout));
    }
    if let Some(deadline) = job.deadline {
        let deadline = some(job, &duration(job, deadline));
        fields.push(quote!(deadline: #deadline));
    }
    if job.sync_ack {
        fields.push(quote!(sync_ack: true));
    }
    if let Some(schedule) = &job.schedule {
        let schedule = some(job, &self::schedule(job, schedule));
        fields.push(quote!(schedule: #schedule));
    }
    fields.extend(flow::spec(job).map(|flow| quote!(flow: #flow)));
    let named = quote!(#runtime::__private::JobSpec::named(#name));
    if fields.is_empty() {
        return named;
    }
    quote!(#runtime::__private::JobSpec { #(#fields,)* ..#named })
}

fn registration(job: &Definition) -> TokenStream {
    let Definition { runtime, input: Input { ident, .. }, .. } = job;
    // The bounds that these ask for are told at the struct's name.
    let performed = if job.blocking {
        quote_spanned!(ident.span()=> blocking::<#ident>())
    } else {
        quote_spanned!(ident.span()=> of::<#ident>())
    };
    let needing = (!job.states.is_empty()).then(|| {
        let needs = job
            .states
            .iter()
            .map(|state| quote_spanned!(state.span()=> #runtime::__private::StateNeed::of::<#state>()));
        quote!(.needing(|| #runtime::__private::states([#(#needs),*])))
    });
    let upgrading = job.version.map(|(_, at)| {
        // Without the number, nothing would be missing.
        let mut ident = ident.clone();
        ident.set_span(ident.span().located_at(at));
        quote_spanned!(Span::call_site().located_at(at)=> .upgrading::<#ident>())
    });
    let (tick_args, ticking) = ticking(job).unzip();
    quote! {
        #tick_args
        #runtime::__private::inventory::submit! {
            #runtime::__private::Registration::#performed #needing #upgrading #ticking
        }
    }
}

/// What a periodic job's arguments are at each tick: an impl that says so, and how it is registered. One
/// without fields needs neither.
fn ticking(job: &Definition) -> Option<(Option<TokenStream>, TokenStream)> {
    job.schedule.as_ref()?;
    let Definition { runtime, input: Input { ident, arguments, .. }, .. } = job;
    let args = match (&job.args, arguments) {
        (Some(args), _) => args.clone(),
        (None, Arguments::Empty) => quote!(Self {}),
        (None, Arguments::Unit) => return None,
        (None, _) => return Some((None, quote_spanned!(ident.span()=> .ticking::<#ident>()))),
    };
    // A value of another type is told to be another than the struct's, at its name.
    let this = Ident::new("Self", ident.span());
    let tick_args = quote! {
        impl #runtime::__private::TickArgs for #ident {
            fn tick_args() -> #this {
                #args
            }
        }
    };
    Some((Some(tick_args), quote!(.ticking_with::<#ident>())))
}

fn retry(job: &Definition) -> Option<TokenStream> {
    let runtime = &job.runtime;
    let retry = quote!(#runtime::__private::Retry);
    let Some(Policy { attempts, backoff, jitter }) = &job.retry else {
        return job.schedule.is_some().then(|| quote!(#retry::NEVER));
    };
    let rest =
        (attempts.is_none() || backoff.is_none() || jitter.is_none()).then(|| quote!(..#retry::DEFAULT));
    let attempts = attempts.map(|attempts| quote!(attempts: #attempts,));
    let backoff = backoff.as_ref().map(|policy| {
        let policy = self::backoff(job, policy);
        quote!(backoff: #policy,)
    });
    let jitter = jitter.map(|jitter| quote!(jitter: #jitter,));
    Some(quote!(#retry { #attempts #backoff #jitter #rest }))
}

fn backoff(job: &Definition, policy: &Backoff) -> TokenStream {
    let runtime = &job.runtime;
    let first = duration(job, policy.first);
    let max = match policy.max {
        Some(max) => duration(job, max),
        None => quote!(#runtime::__private::Retry::MAX_WAIT),
    };
    let backoff = quote!(#runtime::__private::Backoff);
    match policy.growth {
        Growth::Fixed => quote!(#backoff::Fixed(#first)),
        Growth::Linear => quote!(#backoff::Linear { step: #first, max: #max }),
        Growth::Quadratic => quote!(#backoff::Quadratic { step: #first, max: #max }),
        Growth::Exponential => quote!(#backoff::Exponential { first: #first, max: #max }),
    }
}

fn schedule(job: &Definition, schedule: &Schedule) -> TokenStream {
    let runtime = &job.runtime;
    let rhythm = match &schedule.rhythm {
        Rhythm::Every(period) => {
            let period = duration(job, *period);
            quote!(Every(#period))
        }
        Rhythm::Cron { pattern, timezone } => quote!(Cron { pattern: #pattern, timezone: #timezone }),
    };
    let missed = match schedule.missed {
        Missed::Once => quote!(Once),
        Missed::Skip => quote!(Skip),
        Missed::All => quote!(All),
    };
    let overlap = match schedule.overlap {
        Overlap::Skip => quote!(Skip),
        Overlap::Allow => quote!(Allow),
    };
    quote! {
        #runtime::__private::ScheduleSpec {
            rhythm: #runtime::__private::Rhythm::#rhythm,
            missed: #runtime::__private::Missed::#missed,
            overlap: #runtime::__private::Overlap::#overlap,
        }
    }
}

fn duration(job: &Definition, duration: Duration) -> TokenStream {
    let runtime = &job.runtime;
    let millis =
        u64::try_from(duration.as_millis()).expect("a duration was refused unless it is under a century");
    quote!(#runtime::__private::Duration::from_millis(#millis))
}

fn some(job: &Definition, value: &TokenStream) -> TokenStream {
    let runtime = &job.runtime;
    quote!(#runtime::__private::Option::Some(#value))
}
