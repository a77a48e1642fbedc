//! What typical jobs expand to, as it stands in `snapshots/`.

use std::fs::{read_to_string, write};
use std::path::PathBuf;

use proc_macro2::TokenStream;
use quote::quote;

use crate::define;

/// Set to `overwrite`, it writes the expansions anew.
const SWITCH: &str = "SNAPSHOTS";

/// The most lines that a job may cost which declares nothing.
const PLAIN: usize = 20;

fn expanded(args: TokenStream, item: TokenStream) -> String {
    let code = define(args, item);
    prettyplease::unparse(&syn::parse2(code).expect("an expansion is items"))
}

fn plain() -> String {
    expanded(
        quote!(),
        quote! {
            /// Greets a new user.
            pub struct Greet {
                pub user_id: u64,
                pub template: String,
            }
        },
    )
}

fn retried() -> String {
    expanded(
        quote! {
            queue = "mail",
            version = 2,
            retry(attempts = 8, backoff = exponential("2s", max = "1h")),
            timeout = "30s",
            deadline = "1d",
            state(Mailer, db::Pool)
        },
        quote! {
            #[derive(Debug)]
            #[serde(rename_all = "camelCase")]
            pub struct SendWelcome {
                pub user_id: u64,
                #[job(redact)]
                pub mail_address: String,
            }
        },
    )
}

fn periodic() -> String {
    expanded(
        quote! {
            cron = "0 6 * * MON-FRI",
            timezone = "Europe/Berlin",
            missed = "skip",
            args = Self { region: "eu".into() }
        },
        quote! {
            struct DailyReport {
                region: String,
            }
        },
    )
}

fn flowing() -> String {
    expanded(
        quote! {
            priority = 2,
            expires = "1h",
            unique(by = [tenant, card], until = "start", on_conflict = "replace"),
            rate_limit(limit = 100, per = "1m", by = [tenant], key = "stripe", weight = self.pages.len()),
            concurrency(limit = 3),
            fair(by = [tenant], weight = shares)
        },
        quote! {
            pub struct Export {
                tenant: String,
                #[job(redact)]
                card: String,
                pages: Vec<u32>,
                shares: u8,
            }
        },
    )
}

fn partitioned() -> String {
    expanded(
        quote!(queue("events", partitions = 8, by = [user_id]), unique(by = [user_id, page])),
        quote! {
            struct Track {
                user_id: u64,
                page: String,
            }
        },
    )
}

#[test]
fn the_expansions_are_those_that_were_read() {
    let expansions = [
        ("plain", plain()),
        ("retried", retried()),
        ("periodic", periodic()),
        ("flowing", flowing()),
        ("partitioned", partitioned()),
    ];
    for (name, expanded) in expansions {
        let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "snapshots", &format!("{name}.rs")].iter().collect();
        if std::env::var(SWITCH).is_ok_and(|value| value == "overwrite") {
            write(&path, &expanded).expect("the folder is there");
        }
        let kept = read_to_string(&path).unwrap_or_default();
        assert_eq!(
            expanded, kept,
            "the expansion of a {name} job has changed; where it is right, write it anew by `{SWITCH}=overwrite cargo test -p mosquito-macros`, and read it"
        );
    }
}

#[test]
fn a_plain_job_costs_few_lines() {
    let lines = plain().lines().count();

    assert!(lines <= PLAIN, "a plain job expands to {lines} lines, more than {PLAIN}");
}
