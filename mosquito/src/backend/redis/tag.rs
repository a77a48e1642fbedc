//! The hash tag of a queue, by which all its keys stand in one slot of a cluster.
//!
//! Invariant: a queue's partitions are spread evenly over the slots, whatever it is called: of the first 2, 4, 8, 16, 32 or 64 of them,
//! one stands in each half, quarter, and so on. So nodes that hold equal ranges of slots have as many partitions as each other, but for one.
//!
//! CRC-16 is linear: what two endings of one length do to the slot of a name differs by the same bits whatever the name is. So an ending for
//! each number can be chosen once and for all, of which the upper bits are those of the number, backwards.

use std::borrow::Cow;

use crate::name::{MOST_PARTITIONS, QueueName};

/// What stands behind the number of each partition in its tag, in two hexadecimal digits. Written into stores, and by other languages: it
/// never changes.
const ENDINGS: [u8; MOST_PARTITIONS as usize] = [
    0x00, 0x23, 0xa0, 0x68, 0xbc, 0x38, 0x3c, 0x1d, 0x08, 0xac, 0x58, 0xb0, 0xc1, 0x49, 0x2d, 0x0c, 0x3d,
    0x1c, 0xa0, 0x68, 0xfc, 0x78, 0x10, 0x33, 0x79, 0xfb, 0x32, 0x11, 0x3d, 0x1c, 0x03, 0x20, 0xbc, 0x38,
    0x32, 0x11, 0x00, 0x23, 0x18, 0xf0, 0x2c, 0x0d, 0xcc, 0x28, 0xfc, 0x78, 0x10, 0x33, 0x3d, 0x1c, 0x03,
    0x20, 0x31, 0x12, 0x18, 0xf0, 0x13, 0x30, 0xcc, 0x28, 0xbc, 0x38, 0x3c, 0x1d,
];

/// The tag of a queue: its name, or for a partition `events~03.68`.
pub(super) fn of(queue: &QueueName) -> Cow<'_, str> {
    let Some(number) = queue.partition() else { return queue.as_str().into() };
    let ending = usize::try_from(number).ok().and_then(|number| ENDINGS.get(number));
    let ending = ending.expect("a partition has a number below the most");
    format!("{}~{number:02}.{ending:02x}", queue.whole_str()).into()
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::backend::redis::connection::slot;
    use crate::name::{MOST_PARTITIONS, QueueName};

    const QUEUES: [&str; 6] = ["events", "e", "mail.eu-1:v2", "webhooks", "0", "Z_9"];

    fn slots(queue: &str, partitions: u32) -> Vec<u16> {
        let queue = QueueName::new(queue).unwrap();
        let tags = (0..partitions).map(|number| of(&queue.at_partition(number).unwrap()).into_owned());
        tags.map(|tag| slot(&tag)).collect()
    }

    #[test]
    fn a_tag_is_the_name_and_that_of_a_partition_has_an_ending() {
        let tag = |name: &str| of(&QueueName::new(name).unwrap()).into_owned();

        assert_eq!(
            ["events", "events~0", "events~3", "events~63"].map(tag),
            ["events", "events~00.00", "events~03.68", "events~63.1d"]
        );
    }

    #[test]
    fn the_first_partitions_of_each_power_of_two_share_the_slots_out_equally() {
        for queue in QUEUES {
            for partitions in [2, 4, 8, 16, 32, MOST_PARTITIONS] {
                let width = 16_384 / u16::try_from(partitions).unwrap();
                let mut parts: Vec<_> =
                    slots(queue, partitions).into_iter().map(|slot| slot / width).collect();
                parts.sort_unstable();
                let all: Vec<_> = (0..u16::try_from(partitions).unwrap()).collect();
                assert_eq!(parts, all, "{queue}, {partitions} partitions");
            }
        }
    }

    #[test]
    fn three_nodes_have_as_many_partitions_as_each_other_but_for_one() {
        for (partitions, fewest, most) in [(4, 1, 2), (8, 2, 3), (16, 5, 6), (32, 10, 11)] {
            for queue in QUEUES {
                let mut nodes = [0; 3];
                for slot in slots(queue, partitions) {
                    nodes[usize::from(slot) * 3 / 16_384] += 1;
                }
                assert!(nodes.iter().all(|count| (fewest..=most).contains(count)), "{queue}: {nodes:?}");
            }
        }
    }
}
