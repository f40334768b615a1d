//! LAME's average bit rate, which `mp3lame-encoder` has no safe function for.
//!
//! The only `unsafe` there is in Carrier; `source/design/unsafe.md` says why it is sound.

use mp3lame_encoder as lame;

/// Makes `builder`'s frames as long as what sounds needs, but so many kbit/s in the mean; whether
/// LAME took it.
#[expect(unsafe_code, reason = "see source/design/unsafe.md")]
pub(super) fn aim_at(builder: &mut lame::Builder, kbps: u16) -> bool {
    // SAFETY: the pointer comes from the builder, which is borrowed for the whole call and so
    // neither closed nor used elsewhere; LAME stores the number and nothing else.
    let code = unsafe { lame::ffi::lame_set_VBR_mean_bitrate_kbps(builder.as_ptr(), kbps.into()) };
    code == 0
}
