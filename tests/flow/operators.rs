//! What an operator sees of limits and unique runs.

use mosquito::backend::{LimitReport, Used};
use mosquito::testing::Testing;
use mosquito::{Error, FlowKey, Job};

use crate::jobs::{Call, Digest};

facts! {
    a_limit_tells_how_much_of_it_is_used,
    a_key_tells_who_holds_it,
}

async fn a_limit_tells_how_much_of_it_is_used(testing: &Testing) {
    let queue = testing.queue("calls").unwrap();
    let acme = FlowKey::readable(&("acme",)).unwrap();
    assert_eq!(queue.limit("call", &acme).await.unwrap(), LimitReport::default(), "nobody was under it");

    testing.enqueue_all([3, 4, 5].map(|pages| Call { tenant: "acme".into(), pages })).await.unwrap();
    testing.drain().await.unwrap();

    let report = queue.limit("call", &acme).await.unwrap();
    assert_eq!(report, LimitReport { rate: Some(Used { used: 7, limit: 10 }), concurrency: None });
    let nobody = FlowKey::readable(&("nobody",)).unwrap();
    assert_eq!(queue.limit("call", &nobody).await.unwrap().rate, Some(Used { used: 0, limit: 10 }));
    assert!(matches!(queue.limit("a b", &acme).await, Err(Error::Name(_))));
}

async fn a_key_tells_who_holds_it(testing: &Testing) {
    let queue = testing.queue("unique").unwrap();
    let digest = || Digest { user: 7, text: "hello".into() };
    let key = digest().flow().unwrap().unique.unwrap().key;
    assert_eq!(key, FlowKey::readable(&("digest", 7)).unwrap());
    assert_eq!(queue.holder(&key).await.unwrap(), None);

    let enqueued = testing.enqueue(digest()).await.unwrap();

    assert_eq!(queue.holder(&key).await.unwrap().as_ref(), Some(enqueued.id()));
    testing.drain().await.unwrap();
    assert_eq!(queue.holder(&key).await.unwrap(), None);
}
