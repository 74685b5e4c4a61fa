//! Compressed archives.
//!
//! Takes a stream; gives what it was before it was compressed. What it is compressed with is seen by its
//! first bytes: media types and file names say it wrongly now and then.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

/// How much is read at a time.
const CHUNK: usize = 128 * 1024;

/// Decompresses gzip and zstd; gives anything else as it is.
///
/// # Errors
/// It cannot be read, or is compressed otherwise.
pub(in crate::engine) fn decompress(
    input: impl Read + Send + 'static,
) -> io::Result<Box<dyn Read + Send>> {
    let mut input = BufReader::with_capacity(CHUNK, input);
    // A reader may give less than the first bytes at once.
    let mut start = Vec::new();
    input.by_ref().take(6).read_to_end(&mut start)?;
    let whole = BufReader::with_capacity(CHUNK, io::Cursor::new(start.clone()).chain(input));
    match start.as_slice() {
        [0x1f, 0x8b, ..] => Ok(Box::new(MultiGzDecoder::new(whole))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            Ok(Box::new(Zstd { input: whole, decoder: FrameDecoder::new(), within: false }))
        }
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Err(unsupported("xz")),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Err(unsupported("bzip2")),
        _ => Ok(Box::new(whole)),
    }
}

fn unsupported(name: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("it is compressed with {name}; gzip and zstd can be read, and plain archives"),
    )
}

/// All frames of a zstd stream: parallel compressors write several.
struct Zstd<R> {
    input: R,
    decoder: FrameDecoder,
    within: bool,
}

impl<R: BufRead> Zstd<R> {
    /// Begins the next frame. `false` at the end.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.input.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let skipped = io::copy(&mut self.input.by_ref().take(length), &mut io::sink());
                    if skipped? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.within {
                if !self.next_frame()? {
                    return Ok(0);
                }
                self.within = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(io::Error::other)?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.within = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).expect("written");
        encoder.finish().expect("compressed")
    }

    fn zstd(content: &[u8]) -> Vec<u8> {
        compress_to_vec(content, CompressionLevel::Fastest)
    }

    fn read(input: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut output = Vec::new();
        decompress(io::Cursor::new(input))?.read_to_end(&mut output)?;
        Ok(output)
    }

    #[test]
    fn every_kind_is_read() {
        let content = b"content ".repeat(100_000);
        let twice = [&content[..], &content[..]].concat();
        assert_eq!(read(content.clone()).expect("read"), content);
        assert_eq!(read(gzip(&content)).expect("read"), content);
        assert_eq!(read(zstd(&content)).expect("read"), content);
        assert_eq!(read([gzip(&content), gzip(&content)].concat()).expect("read"), twice);
        let note = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let frames = [note.clone(), zstd(&content), note.clone(), zstd(&content), note].concat();
        assert_eq!(read(frames).expect("read"), twice);
        for short in [&b""[..], b"a", b"BZ"] {
            assert_eq!(read(short.to_vec()).expect("read"), short);
        }
    }

    #[test]
    fn what_is_cut_is_an_error() {
        let content: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        for whole in [gzip(&content), zstd(&content), vec![0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1]] {
            for length in [whole.len() / 2, whole.len() - 1] {
                assert!(read(whole[..length].to_vec()).is_err(), "{length} of {}", whole.len());
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (start, name) in [(&b"\xfd7zXZ\0..."[..], "xz"), (b"BZh91AY", "bzip2")] {
            assert!(read(start.to_vec()).expect_err("refused").to_string().contains(name));
        }
    }
}
