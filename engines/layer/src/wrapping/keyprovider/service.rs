//! Calling a keyprovider that is a gRPC service: `keyprovider.KeyProviderService` of ocicrypt, without TLS.

use std::time::Duration;

use prost::Message;
use tonic::Request;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic_prost::ProstCodec;
use zeroize::Zeroizing;

use super::MAX_REPLY_BYTES;
use super::protocol::Operation;

/// What the tag and length of the one field take at most, in bytes.
const FIELD_BYTES: usize = 16;

/// Requests and replies alike: the JSON of the protocol in field 1.
#[derive(Clone, PartialEq, Message)]
struct Json {
    #[prost(bytes = "vec", tag = "1")]
    text: Vec<u8>,
}

/// Sends `request` to the service at `address` (`host:port`) and gives its reply. An error says what happened, to stand
/// behind the address.
pub(super) fn run(
    address: &str,
    operation: Operation,
    request: &[u8],
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, String> {
    // Other schemes (unix:, dns:) would become part of a host's name.
    if address.contains('/') || address.starts_with("unix:") {
        return Err("is no address that is implemented; write host:port".to_owned());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| format!("cannot be called: {error}"))?;
    let called =
        runtime.block_on(async { tokio::time::timeout(limit, call(address, operation, request)).await });
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    called.unwrap_or_else(|_| Err(format!("took longer than {} ms", limit.as_millis())))
}

async fn call(address: &str, operation: Operation, request: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
    let path = match operation {
        Operation::Wrap => "/keyprovider.KeyProviderService/WrapKey",
        Operation::Unwrap => "/keyprovider.KeyProviderService/UnWrapKey",
    };
    let channel = Endpoint::from_shared(format!("http://{address}"))
        .map_err(|error| format!("is no address: {error}; write host:port"))?
        .connect()
        .await
        .map_err(|error| format!("cannot be reached: {}", chain(&error)))?;
    let mut client = Grpc::new(channel).max_decoding_message_size(MAX_REPLY_BYTES + FIELD_BYTES);
    client
        .ready()
        .await
        .map_err(|error| format!("cannot be reached: {}", chain(&error)))?;
    let request = Request::new(Json {
        text: request.to_vec(),
    });
    let codec: ProstCodec<Json, Json> = ProstCodec::default();
    let reply = client
        .unary(request, PathAndQuery::from_static(path), codec)
        .await
        .map_err(|status| format!("failed with {:?}: {:.400}", status.code(), status.message()))?;
    Ok(Zeroizing::new(reply.into_inner().text))
}

/// An error with what it is due to.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
