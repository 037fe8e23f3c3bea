//! Names are looked up by ourselves: the addresses that are checked are those that are connected to.

use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::is_public;

pub(super) type Lookup<'a> = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Knows the addresses of names.
pub(super) trait Names: Debug + Send + Sync + 'static {
    fn lookup<'a>(&'a self, name: &'a str) -> Lookup<'a>;
}

/// As the machine looks names up.
#[derive(Debug)]
pub(super) struct SystemNames;

impl Names for SystemNames {
    fn lookup<'a>(&'a self, name: &'a str) -> Lookup<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|a| a.ip()).collect()) })
    }
}

/// Lets only public addresses through.
#[derive(Debug)]
pub(super) struct PublicOnly(pub(super) Arc<dyn Names>);

/// A name has no address that may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("no public address")]
pub(super) struct NoPublicAddress;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let names = Arc::clone(&self.0);
        Box::pin(async move {
            let found = names.lookup(name.as_str()).await?;
            // The port is the link's.
            let public: Vec<SocketAddr> =
                found.into_iter().filter(|&ip| is_public(ip)).map(|ip| SocketAddr::new(ip, 0)).collect();
            if public.is_empty() {
                return Err(NoPublicAddress.into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}
