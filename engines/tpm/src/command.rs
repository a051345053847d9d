//! Commands as they go to a TPM (part 1, "Command/Response Structure"; part 3).

use sha2::{Digest, Sha256};

const TPM_ST_NO_SESSIONS: u16 = 0x8001;
pub(crate) const TPM_ST_SESSIONS: u16 = 0x8002;

/// No hierarchy, key or entity.
pub(crate) const TPM_RH_NULL: u32 = 0x4000_0007;
/// The owner's hierarchy, also called storage hierarchy.
pub(crate) const TPM_RH_OWNER: u32 = 0x4000_0001;

pub(crate) const TPM_ALG_SHA256: u16 = 0x000b;
const TPM_ALG_NULL: u16 = 0x0010;
/// A session that proves an authorization value by HMAC, without a policy.
const TPM_SE_HMAC: u8 = 0;

/// A command code with the name that the specification gives it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
}

const fn code(number: u32, name: &'static str) -> Code {
    Code { number, name }
}

const NV_UNDEFINE_SPACE: Code = code(0x122, "TPM2_NV_UndefineSpace");
const NV_DEFINE_SPACE: Code = code(0x12a, "TPM2_NV_DefineSpace");
const NV_INCREMENT: Code = code(0x134, "TPM2_NV_Increment");
const NV_READ: Code = code(0x14e, "TPM2_NV_Read");
const FLUSH_CONTEXT: Code = code(0x165, "TPM2_FlushContext");
const NV_READ_PUBLIC: Code = code(0x169, "TPM2_NV_ReadPublic");
const START_AUTH_SESSION: Code = code(0x176, "TPM2_StartAuthSession");

/// One command: its handles, each with the name of what it refers to, and its parameters.
pub(crate) struct Command {
    pub(crate) code: Code,
    handles: Vec<Handle>,
    parameters: Vec<u8>,
}

struct Handle {
    number: u32,
    name: Vec<u8>,
}

impl Handle {
    /// A handle that is its own name, as those of hierarchies are.
    fn plain(number: u32) -> Self {
        let name = number.to_be_bytes().to_vec();
        Self { number, name }
    }

    fn named(number: u32, name: &[u8]) -> Self {
        let name = name.to_vec();
        Self { number, name }
    }
}

impl Command {
    /// Starts an HMAC session with SHA-256, neither salted nor bound.
    pub(crate) fn start_auth_session(nonce: &[u8; 32]) -> Self {
        let mut parameters = sized(nonce);
        parameters.extend(sized(&[]));
        parameters.push(TPM_SE_HMAC);
        parameters.extend(TPM_ALG_NULL.to_be_bytes());
        parameters.extend(TPM_ALG_SHA256.to_be_bytes());
        let handles = vec![Handle::plain(TPM_RH_NULL), Handle::plain(TPM_RH_NULL)];
        Self {
            code: START_AUTH_SESSION,
            handles,
            parameters,
        }
    }

    pub(crate) fn flush_context(session: u32) -> Self {
        Self {
            code: FLUSH_CONTEXT,
            handles: Vec::new(),
            parameters: session.to_be_bytes().to_vec(),
        }
    }

    pub(crate) fn nv_read_public(index: u32) -> Self {
        Self {
            code: NV_READ_PUBLIC,
            handles: vec![Handle::plain(index)],
            parameters: Vec::new(),
        }
    }

    /// Reads the `bytes` first bytes, authorized by the index itself.
    pub(crate) fn nv_read(index: u32, name: &[u8], bytes: u16) -> Self {
        let offset = 0u16;
        Self {
            code: NV_READ,
            handles: vec![Handle::named(index, name), Handle::named(index, name)],
            parameters: [bytes.to_be_bytes(), offset.to_be_bytes()].concat(),
        }
    }

    /// Authorized by the index itself.
    pub(crate) fn nv_increment(index: u32, name: &[u8]) -> Self {
        Self {
            code: NV_INCREMENT,
            handles: vec![Handle::named(index, name), Handle::named(index, name)],
            parameters: Vec::new(),
        }
    }

    /// `public` is a TPMS_NV_PUBLIC.
    pub(crate) fn nv_define_space(auth: &[u8], public: &[u8]) -> Self {
        Self {
            code: NV_DEFINE_SPACE,
            handles: vec![Handle::plain(TPM_RH_OWNER)],
            parameters: [sized(auth), sized(public)].concat(),
        }
    }

    pub(crate) fn nv_undefine_space(index: u32, name: &[u8]) -> Self {
        Self {
            code: NV_UNDEFINE_SPACE,
            handles: vec![Handle::plain(TPM_RH_OWNER), Handle::named(index, name)],
            parameters: Vec::new(),
        }
    }

    /// What a session's HMAC of the command covers (part 1, "Command Parameter Hash"): a command for one entity is none for
    /// another, nor for the same one with other attributes.
    pub(crate) fn parameter_hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new().chain_update(self.code.number.to_be_bytes());
        for handle in &self.handles {
            hash.update(&handle.name);
        }
        hash.chain_update(&self.parameters).finalize().into()
    }

    /// The whole command, with the authorization of one session or without.
    pub(crate) fn bytes(&self, authorization: Option<&[u8]>) -> Vec<u8> {
        let mut body = Vec::new();
        for handle in &self.handles {
            body.extend(handle.number.to_be_bytes());
        }
        let mut tag = TPM_ST_NO_SESSIONS;
        if let Some(area) = authorization {
            tag = TPM_ST_SESSIONS;
            body.extend((area.len() as u32).to_be_bytes());
            body.extend(area);
        }
        body.extend(&self.parameters);
        let mut bytes = tag.to_be_bytes().to_vec();
        bytes.extend((10 + body.len() as u32).to_be_bytes());
        bytes.extend(self.code.number.to_be_bytes());
        bytes.extend(body);
        bytes
    }
}

/// A TPM2B: a length of two bytes and so many bytes.
pub(crate) fn sized(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}
