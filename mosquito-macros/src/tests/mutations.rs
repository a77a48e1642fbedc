//! Whatever stands in an attribute or below it: the macro answers, and the item is written out.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;

use super::seed;
use crate::define;

const ROUNDS: usize = 2_000;

const ATTRIBUTES: [&str; 10] = [
    r#"name = "greet", aliases("old", "older"), version = 2, queue = "mail", crate = "jobs::mosquito""#,
    r#"retry(attempts = 8, backoff = exponential("2s", max = "1h"), jitter = 0.2), timeout = "30s""#,
    r#"cron = "0 6 * * MON-FRI", timezone = "Europe/Berlin", missed = "once", overlap = "skip""#,
    r#"every = "1m", args = Self { user_id: 1 << 2, tenants: Vec::<u8>::new() }, retry(backoff = fixed("1s"))"#,
    r#"state(Mailer, Arc<dyn Fn(u8) -> u8 + Send>, <u8 as T>::Out, [u8; 2], (A, B)), blocking"#,
    r#"unique(by = [user_id, 0], until = "start", on_conflict = "replace"), priority = 5, sync_ack"#,
    r#"rate_limit(limit = 100, per = "1s", by = [tenant], key = "stripe", weight = pages)"#,
    r#"fair(by = [tenants, user_id], weight = self.tenants.len()), rate_limit(limit = 1, per = "1h", kind = "fixed", by = [user_id])"#,
    r#"queue("events", partitions = 8, by = [user_id, 0]), unique(by = [user_id]), concurrency(limit = 1, by = [user_id])"#,
    r#"concurrency(limit = 3, by = [tenant], key = "x"), expires = "1h", keep_dead = "1d", unique(for = "1h")"#,
];

const ITEMS: [&str; 7] = [
    "pub struct Greet { pub user_id: u64, #[job(redact)] #[serde(rename = \"t\")] tenants: Vec<u8> }",
    "#[derive(Debug, Clone)] #[serde(rename_all = \"camelCase\")] struct Greet(u8, #[serde(skip)] String);",
    "struct Greet;",
    "struct Greet<'a, T: Clone, const N: usize> where T: Copy { name: &'a str, rest: [T; N] }",
    "enum Greet { Morning { #[serde(default)] at: u8 }, Evening(u8) }",
    "union Greet { a: u8, b: u16 }",
    "#[cfg_attr(test, serde(default), job(redact))] pub(crate) struct Greet { r#type: Option<&str> }",
];

/// Tokens that are likely to lead astray.
const ODDITIES: &str = r##"= , ; : < > -> :: 'a # $ .. _ ! & 0 1u8 4294967296 99999999999999999999999999 1e400 -1 1.5f32
    "" "ß" "a\0b" "1s"suffix "99999999999999999999999d" "1.99999999999999999999h" "* * * *" "0 0 31 2 *" "1-#L/0 * * * *"
    '\'' b"x" b'x' c"x" r#"raw"# r#type crate self Self struct by for retry backoff fixed max limit weight () [] {} (,)
    "##;

struct Mutant {
    rng: Rng,
    spare: Vec<TokenTree>,
}

impl Mutant {
    fn of_one(&mut self, texts: &[&str]) -> TokenStream {
        let text = texts[self.rng.usize(..texts.len())];
        self.of(read(text))
    }

    /// The tokens with some of them dropped, doubled, exchanged, wrapped or replaced, at any depth.
    fn of(&mut self, tokens: TokenStream) -> TokenStream {
        let mut mutant = Vec::new();
        for token in tokens {
            let token = match token {
                TokenTree::Group(group) if self.rng.u8(..8) > 0 => {
                    let inside = self.of(group.stream());
                    TokenTree::Group(Group::new(group.delimiter(), inside))
                }
                other => other,
            };
            match self.rng.u8(..80) {
                0 => {}
                1 => mutant.extend([token.clone(), token]),
                2 => mutant.push(self.spare()),
                3 => mutant.extend([self.spare(), token]),
                4 => mutant.push(self.wrapped(token)),
                5 => mutant.insert(self.rng.usize(..=mutant.len()), token),
                _ => mutant.push(token),
            }
        }
        mutant.into_iter().collect()
    }

    fn spare(&mut self) -> TokenTree {
        self.spare[self.rng.usize(..self.spare.len())].clone()
    }

    fn wrapped(&mut self, token: TokenTree) -> TokenTree {
        let delimiters = [Delimiter::None, Delimiter::Parenthesis, Delimiter::Bracket, Delimiter::Brace];
        TokenTree::Group(Group::new(delimiters[self.rng.usize(..4)], token.into()))
    }
}

fn read(text: &str) -> TokenStream {
    text.parse().expect("it is tokens")
}

/// What the macro writes, when it does not panic.
fn written(args: &TokenStream, item: &TokenStream) -> TokenStream {
    let written = catch_unwind(AssertUnwindSafe(|| define(args.clone(), item.clone())));
    written.unwrap_or_else(|_| panic!("it panicked at\n#[job({args})]\n{item}"))
}

fn begin() -> Mutant {
    let spare = ATTRIBUTES.into_iter().chain([ODDITIES]).flat_map(read).collect();
    Mutant { rng: seed::begin(), spare }
}

#[test]
fn no_attribute_makes_the_macro_panic_or_the_item_vanish() {
    let mut mutant = begin();
    let item = quote!(
        pub struct Greet {
            pub user_id: u64,
            tenants: Vec<u8>,
        }
    );

    for _ in 0..ROUNDS {
        let args = mutant.of_one(&ATTRIBUTES);
        let code = written(&args, &item);

        assert!(code.to_string().contains(&item.to_string()), "#[job({args})] became\n{code}");
        assert!(syn::parse2::<syn::File>(code.clone()).is_ok(), "#[job({args})] became\n{code}");
    }
}

#[test]
fn no_item_makes_the_macro_panic_or_vanishes() {
    let mut mutant = begin();

    for _ in 0..ROUNDS {
        let args = read(ATTRIBUTES[mutant.rng.usize(..ATTRIBUTES.len())]);
        let item = mutant.of_one(&ITEMS);
        let code = written(&args, &item);

        let has_name = |tokens: &TokenStream| tokens.to_string().contains("Greet");
        assert!(!has_name(&item) || has_name(&code), "{item}\nbecame\n{code}");
    }
}
