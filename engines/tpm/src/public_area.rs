//! What is public of an NV index: what it is, who may use it, and the name that stands for all of it (part 2,
//! "TPMS_NV_PUBLIC" and "TPMA_NV"; part 1, "Names").

use sha2::{Digest, Sha256};

use crate::command::{TPM_ALG_SHA256, sized};
use crate::index::NvIndex;
use crate::response::Reader;

/// The bytes of a counter's number.
pub(crate) const COUNTER_BYTES: u16 = 8;

const AUTHWRITE: u32 = 1 << 2;
const TYPE: u32 = 0xf << 4;
const TYPE_COUNTER: u32 = 1 << 4;
const AUTHREAD: u32 = 1 << 18;
const NO_DA: u32 = 1 << 25;
const ORDERLY: u32 = 1 << 26;
const WRITTEN: u32 = 1 << 29;

/// The attributes of the counters made here.
///
/// - Only the authorization value reads and advances (`AUTHREAD`, `AUTHWRITE`): the owner, whose own is empty on most
///   machines, does neither.
/// - `NO_DA`: wrong values do not count towards the TPM's lockout, and neither does a power cut while it is in use. The
///   value is 32 random bytes, which nobody guesses, and with a lockout anybody could keep a volume from its counter.
/// - Not `ORDERLY`: such a counter is kept in RAM and written now and then; after a power cut it jumps ahead, and a volume
///   takes that for a rollback.
/// - Not `POLICY_DELETE`: only the platform's firmware can make an index with it. So the owner can remove a counter; that
///   keeps a volume from being opened and no more, as a TPM begins a new counter above all that it ever had.
const ATTRIBUTES: u32 = TYPE_COUNTER | AUTHREAD | AUTHWRITE | NO_DA;

/// The TPMS_NV_PUBLIC of a new counter.
pub(crate) fn of_new_counter(index: NvIndex) -> Vec<u8> {
    let mut public = index.handle().to_be_bytes().to_vec();
    public.extend(TPM_ALG_SHA256.to_be_bytes());
    public.extend(ATTRIBUTES.to_be_bytes());
    public.extend(sized(&[]));
    public.extend(COUNTER_BYTES.to_be_bytes());
    public
}

/// What TPM2_NV_ReadPublic says of an index.
pub(crate) struct PublicArea {
    pub(crate) attributes: u32,
    data_bytes: u16,
    /// The hash's number and the hash of the whole area, as commands cover it.
    pub(crate) name: Vec<u8>,
}

impl PublicArea {
    /// Reads the parameters of an answer about `index`; what is wrong with them as an error.
    pub(crate) fn parse(parameters: &[u8], index: NvIndex) -> Result<Self, String> {
        let mut reader = Reader::new(parameters);
        let public = reader.sized("the public area")?;
        let name = reader.sized("the name")?;
        reader.end()?;

        let mut reader = Reader::new(public);
        let found = reader.u32("the public area's index")?;
        let algorithm = reader.u16("the name's hash")?;
        let attributes = reader.u32("the attributes")?;
        reader.sized("the policy")?;
        let data_bytes = reader.u16("the data's size")?;
        reader.end()?;
        if found != index.handle() {
            return Err(format!("it is about index {found:#010x} in place of {index}"));
        }
        if algorithm != TPM_ALG_SHA256 {
            return Err(format!(
                "the index is named by hash {algorithm:#06x}; only SHA-256, {TPM_ALG_SHA256:#06x}, is served"
            ));
        }
        let digest = Sha256::digest(public);
        let expected = [&algorithm.to_be_bytes()[..], &digest].concat();
        if name != expected {
            return Err("the name is not that of the public area".to_owned());
        }
        Ok(Self {
            attributes,
            data_bytes,
            name: expected,
        })
    }

    pub(crate) fn is_counter(&self) -> bool {
        self.attributes & TYPE == TYPE_COUNTER && self.data_bytes == COUNTER_BYTES
    }

    /// Why this is no counter that a volume can rest on.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let lacks = |bits| self.attributes & bits != bits;
        if !self.is_counter() {
            Some("it is no counter; take another index, or remove this one if nobody needs it")
        } else if !lacks(ORDERLY) {
            Some("an orderly counter jumps ahead after a power cut; make one without that attribute")
        } else if lacks(AUTHREAD | AUTHWRITE) {
            Some(
                "a counter is read and advanced with its authorization value; make one with authread and authwrite",
            )
        } else if lacks(WRITTEN) {
            Some("it was never advanced and has no number yet; advance it once, as by tpm2_nvincrement")
        } else {
            None
        }
    }
}
