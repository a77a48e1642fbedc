#[derive(::mosquito::serde::Serialize, ::mosquito::serde::Deserialize)]
#[serde(crate = "::mosquito::serde")]
pub struct Export {
    tenant: String,
    card: String,
    pages: Vec<u32>,
    shares: u8,
}
const _: () = {
    impl ::mosquito::__private::Job for Export {
        const SPEC: ::mosquito::__private::JobSpec = ::mosquito::__private::JobSpec {
            redacted: &["card"],
            flow: ::mosquito::__private::FlowSpec {
                priority: ::mosquito::__private::Priority::at(2u8),
                unique: ::mosquito::__private::Option::Some(::mosquito::__private::UniqueSpec {
                    until: ::mosquito::__private::Until::Start,
                    on_conflict: ::mosquito::__private::OnConflict::Replace,
                }),
                rate_limit: ::mosquito::__private::Option::Some(::mosquito::__private::RateSpec {
                    name: "stripe",
                    weight: 1u32,
                    rule: ::mosquito::__private::RateLimit {
                        limit: 100u32,
                        per: ::mosquito::__private::Duration::from_millis(60000u64),
                        kind: ::mosquito::__private::RateKind::Sliding,
                    },
                }),
                concurrency: ::mosquito::__private::Option::Some(::mosquito::__private::ConcurrencySpec {
                    name: "export",
                    rule: ::mosquito::__private::Concurrency {
                        limit: 3u32,
                    },
                }),
                expires: ::mosquito::__private::Option::Some(
                    ::mosquito::__private::Duration::from_millis(3600000u64),
                ),
                ..::mosquito::__private::FlowSpec::PLAIN
            },
            ..::mosquito::__private::JobSpec::named("export")
        };
        fn flow(&self) -> ::mosquito::__private::Result<::mosquito::__private::Flow> {
            ::mosquito::__private::Flowing::of(self)
                .unique(|key| key.and(&self.tenant).and(&self.card).hidden())
                .rate(|key| key.and(&self.tenant))
                .weighing(::mosquito::__private::Weight::weight(self.pages.len()))
                .fair(
                    |key| key.and(&self.tenant),
                    ::mosquito::__private::Weight::weight(self.shares),
                )
                .flow()
        }
    }
    ::mosquito::__private::inventory::submit! {
        ::mosquito::__private::Registration::of:: < Export > ()
    }
};
