#[derive(::mosquito::serde::Serialize, ::mosquito::serde::Deserialize)]
#[serde(crate = "::mosquito::serde")]
struct Track {
    user_id: u64,
    page: String,
}
const _: () = {
    impl ::mosquito::__private::Job for Track {
        const SPEC: ::mosquito::__private::JobSpec = ::mosquito::__private::JobSpec {
            queue: "events",
            partitions: 8u32,
            flow: ::mosquito::__private::FlowSpec {
                unique: ::mosquito::__private::Option::Some(::mosquito::__private::UniqueSpec {
                    until: ::mosquito::__private::Until::Finish,
                    on_conflict: ::mosquito::__private::OnConflict::Return,
                }),
                ..::mosquito::__private::FlowSpec::PLAIN
            },
            ..::mosquito::__private::JobSpec::named("track")
        };
        fn flow(&self) -> ::mosquito::__private::Result<::mosquito::__private::Flow> {
            ::mosquito::__private::Flowing::of(self)
                .unique(|key| key.and(&self.user_id).and(&self.page))
                .flow()
        }
        fn partition_key(
            &self,
        ) -> ::mosquito::__private::Result<
            ::mosquito::__private::Option<::mosquito::__private::FlowKey>,
        > {
            ::mosquito::__private::partition_key::<Self>(|key| key.and(&self.user_id))
        }
    }
    ::mosquito::__private::inventory::submit! {
        ::mosquito::__private::Registration::of:: < Track > ()
    }
};
