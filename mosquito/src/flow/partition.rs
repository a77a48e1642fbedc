//! Which partition of a queue a key belongs to.
//!
//! By CRC-32, as zlib computes it and every language has it: whoever enqueues in another one can do the same.

use super::FlowKey;

impl FlowKey {
    /// The number of the partition that runs of this key belong to, in a queue with so many: the CRC-32 of its
    /// [text](Self::as_str), modulo that.
    ///
    /// ```
    /// use mosquito::FlowKey;
    ///
    /// // In Python: zlib.crc32(b'["acme",7]') % 8
    /// assert_eq!(FlowKey::readable(&("acme", 7))?.partition_of(8), 4);
    /// # Ok::<(), mosquito::serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn partition_of(&self, partitions: u32) -> u32 {
        partition_of(self.as_str(), partitions)
    }
}

/// The partition of a text.
pub(crate) fn partition_of(text: &str, partitions: u32) -> u32 {
    crc32(text.as_bytes()) % partitions.max(1)
}

/// What each byte does to a checksum, of CRC-32/ISO-HDLC.
const BYTES: [u32; 256] = {
    let mut bytes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut rest = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            rest = if rest & 1 == 1 { rest >> 1 ^ 0xedb8_8320 } else { rest >> 1 };
            bit += 1;
        }
        bytes[byte] = rest;
        byte += 1;
    }
    bytes
};

fn crc32(bytes: &[u8]) -> u32 {
    let rest = bytes.iter().fold(u32::MAX, |rest, byte| {
        let [low, ..] = rest.to_le_bytes();
        BYTES[usize::from(low ^ byte)] ^ rest >> 8
    });
    !rest
}

#[cfg(test)]
mod tests {
    use super::{crc32, partition_of};
    use crate::flow::FlowKey;
    use crate::name::RunId;

    #[test]
    fn the_checksum_is_that_of_zlib() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!((crc32(b""), crc32(br#"["acme",7]"#)), (0, 0xf36f_f844));
    }

    #[test]
    fn keys_are_spread_over_all_partitions() {
        let users = (0..8_000_u64).map(|user| FlowKey::readable(&(user * 8,)).unwrap().as_str().to_owned());
        let hidden = (0..8_000_u64).map(|user| FlowKey::hashed(&user).unwrap().as_str().to_owned());
        let runs = (0..8_000).map(|_| RunId::random().to_string());
        let kinds: [Vec<String>; 3] = [users.collect(), hidden.collect(), runs.collect()];

        for texts in kinds {
            for partitions in [2, 3, 8, 12, 64] {
                let mut counts = vec![0; partitions as usize];
                texts.iter().for_each(|text| counts[partition_of(text, partitions) as usize] += 1);
                let fair = texts.len() / counts.len();
                // Five standard deviations of what chance does.
                let off = 5.0 * (fair as f64).sqrt();
                assert!(
                    counts.iter().all(|count| (*count as f64 - fair as f64).abs() < off),
                    "{partitions} partitions, as {}: {counts:?}",
                    texts[0]
                );
            }
        }
    }
}
