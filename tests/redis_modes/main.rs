//! Redis behind sentinels and as a cluster, with real servers: what a runner does there, and that it follows failovers.

mod cluster;
mod crew;
mod jobs;
mod lost_node;
mod partitions;
mod pauses;
mod refusals;
mod sentinels;
mod usual;
