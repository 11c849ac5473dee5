//! The bytes of a file or stream, decompressed from gzip or zstd if necessary.
//!
//! Terms: a position in a compressed file is a position in its decompressed bytes; a *stream*
//! cannot seek. Guarantee: the first bytes decide how a file is compressed, not its name. A file of
//! several compressed members, as appending creates them, is read to its end. A seek in a
//! compressed file decompresses everything before the position: the formats have no index. Memory
//! is bounded: a zstd window has at most 128 MiB.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};

use flate2::bufread::MultiGzDecoder;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    Gzip,
    Zstd,
}

/// The decompressed bytes of a file or stream.
pub(super) enum DecodedInput {
    Plain(File),
    Compressed(CompressedFile),
    Stream(Box<dyn Read + Send>),
}

/// A compressed file.
pub(super) struct CompressedFile {
    file: File,
    compression: Compression,
    decoder: Box<dyn Read + Send>,
    /// Position in the decompressed bytes.
    position: u64,
}

impl Compression {
    fn detect(first_bytes: &[u8]) -> Option<Self> {
        if first_bytes.starts_with(&GZIP_MAGIC) {
            return Some(Self::Gzip);
        }
        first_bytes.starts_with(&ZSTD_MAGIC).then_some(Self::Zstd)
    }

    fn decoder(self, input: impl BufRead + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(input)),
            Self::Zstd => Box::new(zstd::Decoder::with_buffer(input)?),
        })
    }
}

impl DecodedInput {
    /// `file` from its beginning.
    pub(super) fn from_file(mut file: File) -> io::Result<Self> {
        let first_bytes = first_bytes(&mut file)?;
        file.rewind()?;
        let Some(compression) = Compression::detect(&first_bytes) else {
            return Ok(Self::Plain(file));
        };
        let decoder = file_decoder(&file, compression)?;
        Ok(Self::Compressed(CompressedFile {
            file,
            compression,
            decoder,
            position: 0,
        }))
    }

    /// `stream` from its current position.
    pub(super) fn from_stream(mut stream: impl Read + Send + 'static) -> io::Result<Self> {
        let first_bytes = first_bytes(&mut stream)?;
        let compression = Compression::detect(&first_bytes);
        let whole = Cursor::new(first_bytes).chain(stream);
        Ok(Self::Stream(match compression {
            None => Box::new(whole),
            Some(compression) => compression.decoder(BufReader::new(whole))?,
        }))
    }

    pub(super) fn is_compressed(&self) -> bool {
        matches!(self, Self::Compressed(_))
    }
}

fn first_bytes(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut first = Vec::new();
    input
        .take(ZSTD_MAGIC.len() as u64)
        .read_to_end(&mut first)?;
    Ok(first)
}

/// Decompresses `file` from its current position.
fn file_decoder(file: &File, compression: Compression) -> io::Result<Box<dyn Read + Send>> {
    compression.decoder(BufReader::new(file.try_clone()?))
}

impl CompressedFile {
    fn seek_to(&mut self, position: u64) -> io::Result<u64> {
        if position < self.position {
            self.file.rewind()?;
            self.decoder = file_decoder(&self.file, self.compression)?;
            self.position = 0;
        }
        let skipped = position - self.position;
        io::copy(&mut self.by_ref().take(skipped), &mut io::sink())?;
        if self.position < position {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(position)
    }
}

impl Read for CompressedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Read for DecodedInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Compressed(file) => file.read(buffer),
            Self::Stream(stream) => stream.read(buffer),
        }
    }
}

impl Seek for DecodedInput {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match (self, to) {
            (Self::Plain(file), to) => file.seek(to),
            (Self::Compressed(file), SeekFrom::Start(position)) => file.seek_to(position),
            // The decompressed size is unknown before the end.
            (Self::Compressed(_), SeekFrom::End(0)) => Ok(u64::MAX),
            (Self::Compressed(_) | Self::Stream(_), _) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = b"one\ntwo\nthree\n";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn reads_every_position_of_every_compression() {
        let members = [gzip(&TEXT[..5]), gzip(&TEXT[5..])].concat();
        let zstd = |text| zstd::encode_all(text, 1).unwrap();
        for (bytes, is_compressed) in [
            (TEXT.to_vec(), false),
            (gzip(TEXT), true),
            (members, true),
            (zstd(TEXT), true),
            ([zstd(&TEXT[..5]), zstd(&TEXT[5..])].concat(), true),
            (Vec::new(), false),
            (b"\x1f".to_vec(), false),
        ] {
            let mut input = DecodedInput::from_file(file(&bytes)).unwrap();
            assert_eq!(input.is_compressed(), is_compressed);
            let whole = if is_compressed { TEXT } else { &bytes };
            for position in [0, whole.len() / 2, 1.min(whole.len()), whole.len()] {
                let found = input.seek(SeekFrom::Start(position as u64)).unwrap();
                assert_eq!(found, position as u64);
                let mut rest = Vec::new();
                input.read_to_end(&mut rest).unwrap();
                assert_eq!(rest, &whole[position..]);
            }
            let mut streamed = Vec::new();
            let stream = DecodedInput::from_stream(Cursor::new(bytes.clone()));
            stream.unwrap().read_to_end(&mut streamed).unwrap();
            assert_eq!(streamed, whole);
        }
    }

    #[test]
    fn reports_truncated_input_as_error() {
        let zstd = zstd::encode_all(TEXT, 1).unwrap();
        for compressed in [gzip(TEXT), zstd] {
            let truncated = &compressed[..compressed.len() - 3];
            let mut input = DecodedInput::from_file(file(truncated)).unwrap();
            assert!(input.read_to_end(&mut Vec::new()).is_err());
            let stream = Cursor::new(truncated.to_vec());
            let mut stream = DecodedInput::from_stream(stream).unwrap();
            assert!(stream.read_to_end(&mut Vec::new()).is_err());
            let mut input = DecodedInput::from_file(file(&compressed)).unwrap();
            let beyond = input.seek(SeekFrom::Start(TEXT.len() as u64 + 1));
            assert_eq!(beyond.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
