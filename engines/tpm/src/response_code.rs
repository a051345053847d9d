//! Response codes (part 2, "TPM_RC"): which to send a command again for, and what they mean to a user.

pub(crate) const SUCCESS: u32 = 0;

/// Format one: a number, and in other bits which handle, parameter or session it is about.
const FORMAT_ONE: u32 = 0x80;

/// Nothing was done; the same command may be sent again.
pub(crate) fn is_to_be_sent_again(code: u32) -> bool {
    const YIELDED: u32 = 0x908;
    const TESTING: u32 = 0x90a;
    const NV_RATE: u32 = 0x920;
    const RETRY: u32 = 0x922;
    matches!(code, YIELDED | TESTING | NV_RATE | RETRY)
}

/// What a code means and what would mend it.
pub(crate) fn meaning(code: u32) -> &'static str {
    // A resource manager and other layers below put their number above the TPM's 12 bits.
    if code > 0xfff {
        return "not from the TPM but from a layer before it, such as the kernel's resource manager";
    }
    let code = if code & FORMAT_ONE != 0 { code & 0xbf } else { code };
    match code {
        0x082 => "attributes that this TPM does not allow",
        0x083 => "SHA-256 is not among this TPM's hashes",
        0x084 => "a value out of its range",
        0x085 => "the hierarchy is disabled",
        0x08b => "there is nothing at this handle; make the counter first",
        0x08e => "another authorization value",
        0x095 => "a size out of its range",
        0x0a2 => "another authorization value",
        0x100 => "the TPM was not started; firmware does that, and swtpm with --flags startup-clear",
        0x101 => "the TPM is in failure mode; see its self-test",
        0x120 => "the command is disabled",
        0x143 => "the TPM does not have this command",
        0x146 | 0x147 => "not as many bytes as a counter's 8",
        0x148 => "the index is locked until the next start",
        0x149 => "the index does not allow this with its authorization value",
        0x14a => "the counter was never advanced",
        0x14b => "no room for another index",
        0x14c => "there is an index of this number already",
        0x903 => {
            "no room for another session; those that were left behind are removed by flushing them or a restart"
        }
        0x905 => "too many sessions; those that were left behind are removed by flushing them or a restart",
        0x918..=0x91e => "the session is not loaded any more; the TPM was restarted, or another flushed it",
        0x920 => "too many writes in a short time",
        0x921 => "locked out after wrong authorization values; wait, or reset the lockout",
        0x922 | 0x908 | 0x90a => "busy for too long",
        0x923 => "non-volatile memory is not accessible now",
        _ => "see TPM_RC in part 2 of the TPM 2.0 Library Specification",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_what_they_mean_whichever_operand_they_are_about() {
        // TPM_RC_HANDLE of the second handle, TPM_RC_AUTH_FAIL and TPM_RC_BAD_AUTH of the first session.
        assert!(meaning(0x28b).contains("nothing at this handle"));
        assert!(meaning(0x98e).contains("authorization value"));
        assert!(meaning(0x9a2).contains("authorization value"));
        assert!(meaning(0x14c).contains("already"));
        assert!(meaning(0x000b_0143).contains("resource manager"));
        assert!(is_to_be_sent_again(0x922) && !is_to_be_sent_again(0x921));
    }
}
