//! ZLIB streams (RFC 1950), read strictly: one stream, whole, and nothing behind it.

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::error::StatusListErrorKind;

/// The level the draft recommends (section 4.1): lists are made once and fetched often.
const LEVEL: u8 = 9;

/// Most bytes of the smallest buffer that is tried.
const FIRST_BUFFER: usize = 64 * 1024;

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec_zlib(bytes, LEVEL)
}

/// The longest stream that is looked at for a list of `limit` bytes. Bytes that do
/// not compress are stored in blocks, each with 5 bytes more (RFC 1951 section 3.2.4).
pub(super) const fn longest_stream(limit: usize) -> usize {
    limit.saturating_add(limit / 64).saturating_add(1024)
}

/// Decompresses one stream of at most `limit` bytes. Memory stays below twice the
/// limit whatever the stream would grow to.
pub(super) fn inflate(stream: &[u8], limit: usize) -> Result<Vec<u8>, StatusListErrorKind> {
    check_header(stream)?;
    // One byte more than is allowed, so that a list of exactly that size ends before it.
    let most = limit.saturating_add(1);
    let first = stream.len().saturating_mul(4).clamp(64, FIRST_BUFFER);
    let mut out = vec![0; first.min(most)];
    let mut state = Box::<DecompressorOxide>::default();
    let (mut read, mut written) = (0_usize, 0_usize);
    loop {
        let rest = stream.get(read..).unwrap_or_default();
        let flags = TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, consumed, produced) = decompress(&mut state, rest, &mut out, written, flags);
        read = read.saturating_add(consumed);
        written = written.saturating_add(produced);
        if written > limit {
            return Err(StatusListErrorKind::TooLarge { limit });
        }
        match status {
            TINFLStatus::Done if read < stream.len() => {
                return Err(not_zlib("bytes follow its end"));
            }
            TINFLStatus::Done => {
                out.truncate(written);
                return Ok(out);
            }
            TINFLStatus::HasMoreOutput => grow(&mut out, most),
            TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => {
                return Err(not_zlib("it ends too early"));
            }
            TINFLStatus::Adler32Mismatch => return Err(not_zlib("its checksum is wrong")),
            TINFLStatus::Failed | TINFLStatus::BadParam | _ => {
                return Err(not_zlib("its blocks are damaged"));
            }
        }
    }
}

/// Doubles a buffer that was full, or takes the last step to `most` bytes at once
/// rather than copy all of it again for a few more.
fn grow(out: &mut Vec<u8>, most: usize) {
    let doubled = out.len().saturating_mul(2);
    let soon_full = doubled.saturating_add(out.len()) > most;
    let wanted = if soon_full { most } else { doubled };
    out.reserve_exact(wanted.saturating_sub(out.len()));
    out.resize(wanted, 0);
}

/// RFC 1950 section 2.2: method 8, a window of at most 32 KiB, a header divisible by
/// 31, and no preset dictionary, since nobody could say which.
fn check_header(stream: &[u8]) -> Result<(), StatusListErrorKind> {
    let [method, flags, ..] = *stream else {
        return Err(not_zlib("it ends too early"));
    };
    let check = u16::from_be_bytes([method, flags]);
    if method & 0x0f != 8 || method >> 4 > 7 || !check.is_multiple_of(31) {
        return Err(not_zlib("it has no ZLIB header"));
    }
    if flags & 0x20 != 0 {
        return Err(not_zlib("it asks for a preset dictionary"));
    }
    Ok(())
}

fn not_zlib(reason: &'static str) -> StatusListErrorKind {
    StatusListErrorKind::NotZlib { reason }
}
