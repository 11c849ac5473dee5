//! Frames: length (4 bytes) and checksum (8 bytes) of an entry, both little-endian, then the entry.

use std::io::{self, Read};

use xxhash_rust::xxh3::xxh3_64;

/// Size limit of an entry.
pub const MAX_ENTRY_BYTES: usize = 2 << 20;

const HEADER_BYTES: usize = 12;

/// Appends a frame with `entry`, which must not exceed [`MAX_ENTRY_BYTES`].
pub(crate) fn encode(entry: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(entry.len() as u32).to_le_bytes());
    out.extend_from_slice(&xxh3_64(entry).to_le_bytes());
    out.extend_from_slice(entry);
}

/// Reads the next entry and the size of its frame, consuming at most `remaining` bytes. Returns
/// `None` if a complete frame with a valid checksum does not follow.
pub(crate) fn read(from: &mut impl Read, remaining: u64) -> io::Result<Option<(Vec<u8>, u64)>> {
    let mut header = [0; HEADER_BYTES];
    if remaining < HEADER_BYTES as u64 || !fill(from, &mut header)? {
        return Ok(None);
    }
    let (len, checksum) = header.split_at(4);
    let len = u32::from_le_bytes(len.try_into().unwrap_or_default()) as usize;
    let checksum = u64::from_le_bytes(checksum.try_into().unwrap_or_default());
    let bytes = (HEADER_BYTES + len) as u64;
    if len > MAX_ENTRY_BYTES || bytes > remaining {
        return Ok(None);
    }
    let mut entry = vec![0; len];
    if !fill(from, &mut entry)? || xxh3_64(&entry) != checksum {
        return Ok(None);
    }
    Ok(Some((entry, bytes)))
}

/// Returns `false` if the input ends too early.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<u8>(), 0..4_000)
    }

    fn frame(entry: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(entry, &mut bytes);
        bytes
    }

    proptest! {
        #[test]
        fn reads_encoded_entry(entry in entries()) {
            let bytes = frame(&entry);
            let read = read(&mut &bytes[..], bytes.len() as u64).unwrap();
            prop_assert_eq!(read, Some((entry, bytes.len() as u64)));
        }

        #[test]
        fn rejects_truncated_frame(entry in entries(), cut in 0.0..1.0_f64) {
            let mut bytes = frame(&entry);
            bytes.truncate((bytes.len() as f64 * cut) as usize);
            prop_assert_eq!(read(&mut &bytes[..], bytes.len() as u64).unwrap(), None);
            prop_assert_eq!(read(&mut &bytes[..], u64::MAX).unwrap(), None);
        }

        #[test]
        fn detects_flipped_bit(entry in entries(), at in 0.0..1.0_f64, bit in 0..8_u8) {
            let mut bytes = frame(&entry);
            let at = (bytes.len() as f64 * at) as usize;
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(read(&mut &bytes[..], bytes.len() as u64).unwrap(), None);
        }
    }

    #[test]
    fn rejects_zeros() {
        assert_eq!(read(&mut &[0; 64][..], 64).unwrap(), None);
    }
}
