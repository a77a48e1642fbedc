//! Writes what goes before the runs of a job, and what holds them up: what holds for all of them, and what a run's own arguments say.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};

use super::{duration, some};
use crate::fields::FieldName;
use crate::limits::{AtOnce, Kind, Rate};
use crate::unique::{OnConflict, Uniqueness, Until};
use crate::validate::Definition;
use crate::weight::Weight;

/// What holds for all of a job's runs; nothing where the job says nothing.
pub(super) fn spec(job: &Definition) -> Option<TokenStream> {
    let (runtime, flow) = (&job.runtime, &job.flow);
    let mut fields = Vec::new();
    fields.extend(flow.priority.map(|level| {
        let level = u8::try_from(level).expect("a priority was refused unless it is a digit");
        quote!(priority: #runtime::__private::Priority::at(#level))
    }));
    let mut field = |name: &str, value: Option<TokenStream>| {
        if let Some(value) = value {
            let (name, value) = (Ident::new(name, Span::call_site()), some(job, &value));
            fields.push(quote!(#name: #value));
        }
    };
    field("unique", flow.unique.as_ref().map(|unique| self::unique(job, unique)));
    field("rate_limit", flow.rate.as_ref().map(|rate| self::rate(job, rate)));
    field("concurrency", flow.at_once.as_ref().map(|at_once| self::at_once(job, at_once)));
    field("expires", flow.expires.map(|expires| duration(job, expires)));
    let spec = quote!(#runtime::__private::FlowSpec);
    (!fields.is_empty()).then(|| quote!(#spec { #(#fields,)* ..#spec::PLAIN }))
}

/// The method that adds what a run's own arguments say; nothing where they say nothing.
pub(super) fn method(job: &Definition) -> Option<TokenStream> {
    let (runtime, flow) = (&job.runtime, &job.flow);
    let mut said = Vec::new();
    if let Some(unique) = &flow.unique {
        said.extend(by(job, &unique.by).map(|by| quote!(.unique(#by))));
    }
    if let Some(rate) = &flow.rate {
        said.extend(by(job, &rate.by).map(|by| quote!(.rate(#by))));
        if let Some(weight) = rate.weight.as_ref().filter(|weight| !matches!(weight, Weight::Always(..))) {
            let weight = self::weight(job, weight);
            said.push(quote!(.weighing(#weight)));
        }
    }
    if let Some(at_once) = &flow.at_once {
        said.extend(by(job, &at_once.by).map(|by| quote!(.concurrency(#by))));
    }
    if let Some(fair) = &flow.fair {
        let weight = fair.weight.as_ref().map_or(quote!(1u32), |weight| self::weight(job, weight));
        said.extend(by(job, &fair.by).map(|by| quote!(.fair(#by, #weight))));
    }
    (!said.is_empty()).then(|| {
        quote! {
            fn flow(&self) -> #runtime::__private::Result<#runtime::__private::Flow> {
                #runtime::__private::Flowing::of(self) #(#said)* .flow()
            }
        }
    })
}

/// The method that tells which partition of its queue a run belongs to; nothing where the job says nothing.
pub(super) fn partition_key(job: &Definition) -> Option<TokenStream> {
    let runtime = &job.runtime;
    let by = by(job, &job.queue.as_ref()?.by)?;
    Some(quote! {
        fn partition_key(&self) -> #runtime::__private::Result<#runtime::__private::Option<#runtime::__private::FlowKey>> {
            #runtime::__private::partition_key::<Self>(#by)
        }
    })
}

fn unique(job: &Definition, unique: &Uniqueness) -> TokenStream {
    let runtime = &job.runtime;
    let until = match unique.until {
        Until::Start => quote!(Start),
        Until::Finish => quote!(Finish),
        Until::StartThenWhileRunning => quote!(StartThenWhileRunning),
        Until::For(time) => {
            let time = duration(job, time);
            quote!(For(#time))
        }
    };
    let on_conflict = match unique.on_conflict {
        OnConflict::Return => quote!(Return),
        OnConflict::Replace => quote!(Replace),
        OnConflict::Reject => quote!(Reject),
        OnConflict::KeepLatest => quote!(KeepLatest),
    };
    quote! {
        #runtime::__private::UniqueSpec {
            until: #runtime::__private::Until::#until,
            on_conflict: #runtime::__private::OnConflict::#on_conflict,
        }
    }
}

fn rate(job: &Definition, rate: &Rate) -> TokenStream {
    let runtime = &job.runtime;
    let (name, limit, per) = (rate.key.as_ref().unwrap_or(&job.name), rate.limit, duration(job, rate.per));
    let weight = match rate.weight {
        Some(Weight::Always(weight, _)) => weight,
        _ => 1,
    };
    let kind = match rate.kind {
        Kind::Sliding => quote!(Sliding),
        Kind::TokenBucket => quote!(TokenBucket),
        Kind::Fixed => quote!(Fixed),
    };
    quote! {
        #runtime::__private::RateSpec {
            name: #name,
            weight: #weight,
            rule: #runtime::__private::RateLimit {
                limit: #limit,
                per: #per,
                kind: #runtime::__private::RateKind::#kind,
            },
        }
    }
}

fn at_once(job: &Definition, at_once: &AtOnce) -> TokenStream {
    let runtime = &job.runtime;
    let (name, limit) = (at_once.key.as_ref().unwrap_or(&job.name), at_once.limit);
    quote! {
        #runtime::__private::ConcurrencySpec {
            name: #name,
            rule: #runtime::__private::Concurrency { limit: #limit },
        }
    }
}

/// Adds the values of these fields to a key, one that cannot be read when one of them must not be shown.
fn by(job: &Definition, by: &[FieldName]) -> Option<TokenStream> {
    let hidden = job.input.fields.as_ref().is_some_and(|fields| fields.hide(by)).then(|| quote!(.hidden()));
    let values = by.iter().map(|field| {
        // A field that does not serialize is told at its name.
        let (at, member) = (Span::call_site().located_at(field.span()), field.member());
        quote_spanned!(at=> .and(&self.#member))
    });
    (!by.is_empty()).then(|| quote!(|key| key #(#values)* #hidden))
}

fn weight(job: &Definition, weight: &Weight) -> TokenStream {
    let runtime = &job.runtime;
    let number = match weight {
        Weight::Always(weight, _) => return weight.to_token_stream(),
        Weight::Field(field) => {
            let (at, member) = (Span::call_site().located_at(field.span()), field.member());
            quote_spanned!(at=> self.#member)
        }
        Weight::Computed(expression) => with_this_self(expression.clone()),
    };
    quote!(#runtime::__private::Weight::weight(#number))
}

/// The expression with each `self` as that of the method it is put into, whichever macro it came from.
fn with_this_self(tokens: TokenStream) -> TokenStream {
    let token = |token| match token {
        TokenTree::Ident(word) if word == "self" => {
            Ident::new("self", Span::call_site().located_at(word.span())).into()
        }
        TokenTree::Group(group) => {
            let mut inside = Group::new(group.delimiter(), with_this_self(group.stream()));
            inside.set_span(group.span());
            inside.into()
        }
        other => other,
    };
    tokens.into_iter().map(token).collect()
}
