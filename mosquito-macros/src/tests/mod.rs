//! What becomes of whole attributes.

mod agreement;
mod mutations;
mod seed;
mod snapshots;

use proc_macro2::TokenStream;
use quote::quote;

use crate::define;

fn written(args: TokenStream, item: TokenStream) -> String {
    define(args, item).to_string().replace(' ', "")
}

#[test]
fn a_renamed_crate_is_called_by_its_new_name_alone() {
    let args = quote!(
        crate = "jobs::framework",
        retry(attempts = 2, backoff = linear("2s")),
        timeout = "5s",
        cron = "@daily",
        overlap = "allow",
        state(Mailer)
    );

    let code = written(
        args,
        quote!(
            struct Greet(String);
        ),
    );

    assert!(code.contains("jobs::framework::__private::Job"), "{code}");
    assert!(!code.contains("mosquito"), "{code}");
}

#[test]
fn the_item_is_written_out_whatever_is_wrong() {
    let items = [
        quote!(
            struct Greet {
                name: String,
            }
        ),
        quote!(
            struct Greet<T>(T);
        ),
        quote!(
            enum Greet {
                Morning,
            }
        ),
        quote!(
            fn greet() {}
        ),
        quote!(
            trait Greet {}
        ),
    ];
    for item in items {
        let code = written(quote!(qeue = "mail", timeout = 5), item.clone());

        assert!(code.contains(&item.to_string().replace(' ', "")), "{code}");
        assert!(code.matches("compile_error!").count() >= 2, "{code}");
    }
}

#[test]
fn a_job_with_mistakes_is_a_job_that_nothing_needs_to_perform() {
    let code = written(
        quote!(timeout = "soon", state(Mailer)),
        quote!(
            struct Greet;
        ),
    );

    assert!(code.contains("__private::JobforGreet"), "{code}");
    assert!(code.contains("__private::NeedsState<Mailer>forGreet"), "{code}");
    assert!(!code.contains("Registration"), "{code}");
}

#[test]
fn a_periodic_job_asks_for_a_default_only_where_it_has_fields() {
    let code = |item| written(quote!(every = "1m"), item);
    let asks = |item| code(item).contains(".ticking::<Greet>()");

    assert!(!asks(quote!(
        struct Greet;
    )));
    assert!(asks(quote!(
        struct Greet {
            name: String,
        }
    )));
    assert!(asks(quote!(
        struct Greet(String);
    )));
    let empty = code(quote!(
        struct Greet {}
    ));
    assert!(empty.contains("{Self{}}"), "serde makes an object of it: {empty}");
}
