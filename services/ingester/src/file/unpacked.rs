//! The bytes of a file or stream, unpacked where it is packed by gzip or zstd.
//!
//! Terms: a place in a packed file is a place in what it unpacks to; a *stream* has no places to go back
//! to. Guarantee: how a file is packed is
//! told by its first bytes, not by its name. One of several parts, as packers make when they append, is
//! read to its end. To go on at a place of a packed file it is unpacked up to there: nothing else is
//! possible. Memory is bounded: a window of zstd's is 128 MiB at most.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};

use flate2::bufread::MultiGzDecoder;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
}

/// What a file or stream holds.
pub(super) enum Unpacked {
    Plain(File),
    Packed(Packed),
    Stream(Box<dyn Read + Send>),
}

/// A packed file.
pub(super) struct Packed {
    file: File,
    packing: Packing,
    unpacking: Box<dyn Read + Send>,
    /// The place reached.
    at: u64,
}

impl Packing {
    /// By the first bytes; `None` where they are those of nothing that is packed.
    fn of(first: &[u8]) -> Option<Self> {
        if first.starts_with(&GZIP) {
            return Some(Self::Gzip);
        }
        first.starts_with(&ZSTD).then_some(Self::Zstd)
    }

    fn unpack(self, packed: impl BufRead + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Self::Zstd => Box::new(zstd::Decoder::with_buffer(packed)?),
        })
    }
}

impl Unpacked {
    /// `file` from its beginning.
    pub(super) fn of(mut file: File) -> io::Result<Self> {
        let first = first_bytes(&mut file)?;
        file.rewind()?;
        let Some(packing) = Packing::of(&first) else {
            return Ok(Self::Plain(file));
        };
        let unpacking = unpack(&file, packing)?;
        Ok(Self::Packed(Packed {
            file,
            packing,
            unpacking,
            at: 0,
        }))
    }

    /// `stream` from where it stands.
    pub(super) fn of_stream(mut stream: impl Read + Send + 'static) -> io::Result<Self> {
        let first = first_bytes(&mut stream)?;
        let packing = Packing::of(&first);
        let whole = Cursor::new(first).chain(stream);
        Ok(Self::Stream(match packing {
            None => Box::new(whole),
            Some(packing) => packing.unpack(BufReader::new(whole))?,
        }))
    }

    pub(super) fn is_packed(&self) -> bool {
        matches!(self, Self::Packed(_))
    }
}

fn first_bytes(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut first = Vec::new();
    input.take(ZSTD.len() as u64).read_to_end(&mut first)?;
    Ok(first)
}

/// Unpacks `file` from where it stands.
fn unpack(file: &File, packing: Packing) -> io::Result<Box<dyn Read + Send>> {
    packing.unpack(BufReader::new(file.try_clone()?))
}

impl Packed {
    fn go_to(&mut self, place: u64) -> io::Result<u64> {
        if place < self.at {
            self.file.rewind()?;
            self.unpacking = unpack(&self.file, self.packing)?;
            self.at = 0;
        }
        let missing = place - self.at;
        io::copy(&mut self.by_ref().take(missing), &mut io::sink())?;
        if self.at < place {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(place)
    }
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.unpacking.read(buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Packed(packed) => packed.read(buffer),
            Self::Stream(stream) => stream.read(buffer),
        }
    }
}

impl Seek for Unpacked {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match (self, to) {
            (Self::Plain(file), to) => file.seek(to),
            (Self::Packed(packed), SeekFrom::Start(place)) => packed.go_to(place),
            // How long it is shows only at its end.
            (Self::Packed(_), SeekFrom::End(0)) => Ok(u64::MAX),
            (Self::Packed(_) | Self::Stream(_), _) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = b"one\ntwo\nthree\n";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text).unwrap();
        packer.finish().unwrap()
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn every_place_is_found_however_a_file_is_packed() {
        let parts = [gzip(&TEXT[..5]), gzip(&TEXT[5..])].concat();
        let zstd = |text| zstd::encode_all(text, 1).unwrap();
        for (bytes, is_packed) in [
            (TEXT.to_vec(), false),
            (gzip(TEXT), true),
            (parts, true),
            (zstd(TEXT), true),
            ([zstd(&TEXT[..5]), zstd(&TEXT[5..])].concat(), true),
            (Vec::new(), false),
            (b"\x1f".to_vec(), false),
        ] {
            let mut unpacked = Unpacked::of(file(&bytes)).unwrap();
            assert_eq!(unpacked.is_packed(), is_packed);
            let whole = if is_packed { TEXT } else { &bytes };
            for place in [0, whole.len() / 2, 1.min(whole.len()), whole.len()] {
                assert_eq!(
                    unpacked.seek(SeekFrom::Start(place as u64)).unwrap(),
                    place as u64
                );
                let mut rest = Vec::new();
                unpacked.read_to_end(&mut rest).unwrap();
                assert_eq!(rest, &whole[place..]);
            }
            let mut streamed = Vec::new();
            let stream = Unpacked::of_stream(Cursor::new(bytes.clone()));
            stream.unwrap().read_to_end(&mut streamed).unwrap();
            assert_eq!(streamed, whole);
        }
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_an_error_and_not_an_end() {
        let zstd = zstd::encode_all(TEXT, 1).unwrap();
        for packed in [gzip(TEXT), zstd] {
            let mut unpacked = Unpacked::of(file(&packed[..packed.len() - 3])).unwrap();
            assert!(unpacked.read_to_end(&mut Vec::new()).is_err());
            let cut = Cursor::new(packed[..packed.len() - 3].to_vec());
            let mut stream = Unpacked::of_stream(cut).unwrap();
            assert!(stream.read_to_end(&mut Vec::new()).is_err());
            let mut unpacked = Unpacked::of(file(&packed)).unwrap();
            let beyond = unpacked.seek(SeekFrom::Start(TEXT.len() as u64 + 1));
            assert_eq!(beyond.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
