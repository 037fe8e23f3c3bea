//! Links that try to reach what is nobody else's business, and honest ones.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::names::Lookup;
use super::*;

/// What each name answers, one lookup after the other; the last answer stays.
#[derive(Debug, Default)]
struct FakeNames {
    answers: HashMap<&'static str, Vec<Vec<IpAddr>>>,
    asked: Mutex<HashMap<String, usize>>,
}

impl Names for FakeNames {
    fn lookup<'a>(&'a self, name: &'a str) -> Lookup<'a> {
        // A dot at the end says that the name is whole.
        let name = name.strip_suffix('.').unwrap_or(name);
        let mut asked = self.asked.lock().unwrap();
        let turn = asked.entry(name.to_owned()).or_default();
        let found = self.answers.get(name).map(|answers| answers[(*turn).min(answers.len() - 1)].clone());
        *turn += 1;
        Box::pin(async move { found.ok_or_else(|| std::io::Error::other("no such name")) })
    }
}

fn names(answers: &[(&'static str, &[&[&str]])]) -> Arc<FakeNames> {
    let parse = |turn: &&[&str]| turn.iter().map(|ip| ip.parse().unwrap()).collect();
    let answers = answers.iter().map(|(name, turns)| (*name, turns.iter().map(parse).collect())).collect();
    Arc::new(FakeNames { answers, asked: Mutex::default() })
}

/// Serves over plain HTTP on loopback, as a Discord on this machine does.
struct Server {
    base: Url,
    /// Requests that asked for what must not be reached.
    trapped: Arc<AtomicUsize>,
    cookies: Arc<AtomicUsize>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let (trapped, cookies) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (traps, seen) = (Arc::clone(&trapped), Arc::clone(&cookies));
        let answer = move |uri: Uri, headers: HeaderMap| {
            if uri.path() == "/trap" {
                traps.fetch_add(1, Ordering::Relaxed);
            }
            if headers.contains_key(header::COOKIE) {
                seen.fetch_add(1, Ordering::Relaxed);
            }
            std::future::ready(answer(&uri))
        };
        let app = axum::Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { base, trapped, cookies }
    }

    fn fetcher(&self, names: Arc<FakeNames>) -> Fetcher {
        Fetcher::with_names(FetchRules { also: vec![self.base.clone()] }, names).unwrap()
    }

    fn url(&self, path: &str) -> String {
        self.base.join(path).unwrap().into()
    }

    /// A link to this server that leads on to `to`.
    fn to(&self, to: &str) -> String {
        let mut url = self.base.join("/to").unwrap();
        url.query_pairs_mut().append_pair("", to);
        url.into()
    }
}

fn answer(uri: &Uri) -> Response {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).next();
    let value = query.map(|(_, value)| value.into_owned()).unwrap_or_default();
    match uri.path() {
        "/to" => (StatusCode::FOUND, [(header::LOCATION, value)]).into_response(),
        "/status" => StatusCode::from_u16(value.parse().unwrap()).unwrap().into_response(),
        "/nowhere" => StatusCode::FOUND.into_response(),
        "/cookie" => (StatusCode::FOUND, [(header::SET_COOKIE, "a=b"), (header::LOCATION, "/picture")]).into_response(),
        _ => vec![7u8; 1000].into_response(),
    }
}

/// Answers one request with so many bytes and says no length.
async fn unsized_server(length: usize) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let _ = socket.read(&mut request).await;
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await;
        let _ = socket.write_all(&vec![7; length]).await;
    });
    base
}

async fn refused(fetcher: &Fetcher, link: &str) -> bool {
    let fetched = fetcher.get(link, 10_000).await;
    let is_refused = matches!(fetched, Err(FetchError::Refused(_)));
    if !is_refused {
        eprintln!("{link}: {fetched:?}");
    }
    is_refused
}

/// Every way in that we know of: as a link, and as what a harmless link leads on to.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a list")]
async fn nothing_private_is_reached() {
    let server = Server::start().await;
    let port = server.base.port().unwrap();
    let names = names(&[
        ("private.example", &[&["10.0.0.1"]]),
        ("loopback.example", &[&["127.0.0.1"]]),
        ("loopback6.example", &[&["::1"]]),
        ("metadata.example", &[&["169.254.169.254"]]),
        ("mapped.example", &[&["::ffff:127.0.0.1"]]),
        ("nat64.example", &[&["64:ff9b::7f00:1"]]),
        ("sixtofour.example", &[&["2002:7f00:1::"]]),
        ("teredo.example", &[&["2001::7f00:1"]]),
        ("unique-local.example", &[&["fd00::1"]]),
        ("link-local.example", &[&["fe80::1"]]),
        ("carrier.example", &[&["100.64.0.1"]]),
        ("nobody.example", &[&["0.0.0.0", "::"]]),
        ("group.example", &[&["224.0.0.1", "ff02::1"]]),
        ("everybody.example", &[&["255.255.255.255"]]),
        ("several.example", &[&["192.168.0.1", "172.16.0.1", "fc00::1"]]),
        ("empty.example", &[&[]]),
    ]);
    let fetcher = server.fetcher(names);
    let mut links: Vec<String> = [
        // Schemes.
        "http://example.com/a.png",
        "ftp://example.com/a.png",
        "file:///etc/passwd",
        "gopher://example.com/",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "ws://example.com/",
        "HTTP://EXAMPLE.COM/",
        // Addresses, in each notation.
        "https://127.0.0.1/trap",
        "https://127.1/trap",
        "https://127.0.1/trap",
        "https://2130706433/trap",
        "https://0x7f000001/trap",
        "https://0x7f.0x0.0x0.0x1/trap",
        "https://0177.0.0.1/trap",
        "https://017700000001/trap",
        "https://0/trap",
        "https://0.0.0.0/trap",
        "https://127.0.0.1./trap",
        "https://%31%32%37.0.0.1/trap",
        "https://１２７.０.０.１/trap",
        "https://①②⑦.⓪.⓪.①/trap",
        "https://127。0。0。1/trap",
        "https://8.8.8.8/",
        "https://[::1]/trap",
        "https://[::]/trap",
        "https://[::ffff:127.0.0.1]/trap",
        "https://[::ffff:7f00:1]/trap",
        "https://[::127.0.0.1]/trap",
        "https://[0:0:0:0:0:ffff:a00:1]/",
        "https://[64:ff9b::127.0.0.1]/",
        "https://[64:ff9b:1::10.0.0.1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001::1]/",
        "https://[fe80::1]/",
        "https://[fd00:ec2::254]/latest/meta-data/",
        "https://[ff02::1]/",
        "https://[2606:4700::1111]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://192.168.0.1/",
        // Names of one's own.
        "https://localhost/trap",
        "https://LOCALHOST/trap",
        "https://localhost./trap",
        "https://a.localhost/trap",
        "https://ｌｏｃａｌｈｏｓｔ/trap",
        "https://loc%61lhost/trap",
        "https://router.local/",
        "https://metadata.google.internal/",
        "https://printer.lan/",
        "https://db/",
        "https://host.home.arpa/",
        // Names and passwords, ports, what is no address.
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://example.com@127.0.0.1/trap",
        "https://example.com:80@localhost/trap",
        "https://example.com:80\\@127.0.0.1/trap",
        "https://example.com:8443/",
        "https://example.com:22/",
        "https:///trap",
        "https://",
        "//localhost/trap",
        "example.com",
        "",
        // Names that lead inside.
        "https://private.example/",
        "https://loopback.example/trap",
        "https://LOOPBACK.example./trap",
        "https://loopback6.example/trap",
        "https://metadata.example/",
        "https://mapped.example/trap",
        "https://nat64.example/trap",
        "https://sixtofour.example/trap",
        "https://teredo.example/trap",
        "https://unique-local.example/",
        "https://link-local.example/",
        "https://carrier.example/",
        "https://nobody.example/",
        "https://group.example/",
        "https://everybody.example/",
        "https://several.example/",
        "https://empty.example/",
    ]
    .map(String::from)
    .into();
    // The stand-in's own machine and port, but not as it was allowed.
    links.push(format!("https://127.0.0.1:{port}/trap"));
    links.push(format!("http://localhost:{port}/trap"));
    links.push(format!("http://user@127.0.0.1:{port}/trap"));
    links.push(format!("http://[::1]:{port}/trap"));
    links.push(format!("http://127.0.0.2:{port}/trap"));
    let mut through = Vec::new();
    for link in &links {
        if !refused(&fetcher, link).await {
            through.push(link.clone());
        }
        // Relative ones lead on to the stand-in itself, and so do those without a host.
        let is_absolute = Url::parse(link).is_ok_and(|url| url.has_host());
        if is_absolute && !link.contains('\\') && link.is_ascii() && !refused(&fetcher, &server.to(link)).await {
            through.push(server.to(link));
        }
    }
    assert!(links.len() >= 80, "{}", links.len());
    assert!(through.is_empty(), "{} of {} came through: {through:#?}", through.len(), links.len());
    assert_eq!(server.trapped.load(Ordering::Relaxed), 0);
}

/// What is checked is what is connected to: the name is asked once, and a second answer cannot slip in between.
#[tokio::test]
async fn a_name_that_changes_its_mind_gets_nowhere() {
    let server = Server::start().await;
    let names = names(&[
        ("rebinds.example", &[&["203.0.114.1"], &["127.0.0.1"]]),
        ("both.example", &[&["127.0.0.1", "10.0.0.1", "::1"]]),
    ]);
    // The second lookup of a name is that of the redirect: it is judged anew.
    let resolver = PublicOnly(Arc::clone(&names) as Arc<dyn Names>);
    let lookup = |name: &str| {
        let resolving = reqwest::dns::Resolve::resolve(&resolver, name.parse().unwrap());
        async { resolving.await.map(Iterator::collect::<Vec<_>>) }
    };
    assert_eq!(lookup("rebinds.example").await.unwrap(), ["203.0.114.1:0".parse().unwrap()]);
    assert!(lookup("rebinds.example").await.unwrap_err().is::<NoPublicAddress>());
    assert!(refused(&server.fetcher(Arc::clone(&names)), "https://rebinds.example/trap").await);
    assert!(refused(&server.fetcher(names), &server.to("https://both.example/trap")).await);
}

#[tokio::test]
async fn of_mixed_addresses_only_the_public_ones_are_connected_to() {
    let names = names(&[("mixed.example", &[&["10.0.0.1", "9.9.9.9", "::1", "2620:fe::fe"]])]);
    let resolver = PublicOnly(names);
    let found = reqwest::dns::Resolve::resolve(&resolver, "mixed.example".parse().unwrap()).await.unwrap();
    let found: Vec<IpAddr> = found.map(|a| a.ip()).collect();
    assert_eq!(found, ["9.9.9.9".parse::<IpAddr>().unwrap(), "2620:fe::fe".parse().unwrap()]);
}

#[tokio::test]
async fn honest_links_are_followed_a_few_times() {
    let server = Server::start().await;
    let fetcher = server.fetcher(Arc::default());
    assert_eq!(fetcher.get(&server.url("/picture"), 1000).await.unwrap().len(), 1000);
    assert_eq!(fetcher.get(&server.to("/picture"), 1000).await.unwrap().len(), 1000);
    let mut link = "/picture".to_owned();
    for _ in 0..REDIRECTS {
        link = server.to(&link);
    }
    assert!(fetcher.get(&link, 1000).await.is_ok());
    assert!(refused(&fetcher, &server.to(&link)).await, "one more is too many");
    assert!(refused(&fetcher, &server.url("/nowhere")).await);
}

#[tokio::test]
async fn the_cap_holds_with_and_without_a_length() {
    let server = Server::start().await;
    let fetcher = server.fetcher(Arc::default());
    assert!(matches!(fetcher.get(&server.url("/picture"), 999).await, Err(FetchError::TooLarge(999))));
    for (cap, fits) in [(9_999, false), (10_000, true)] {
        let base = unsized_server(10_000).await;
        let fetcher = Fetcher::new(FetchRules { also: vec![base.clone()] }).unwrap();
        assert_eq!(fetcher.get(base.as_str(), cap).await.map(|b| b.len()).ok(), fits.then_some(10_000));
    }
}

#[tokio::test]
async fn what_an_answer_means() {
    let server = Server::start().await;
    let fetcher = server.fetcher(Arc::default());
    for (status, is_gone, is_retryable) in [
        (401, true, false),
        (403, true, false),
        (404, true, false),
        (410, true, false),
        (429, false, true),
        (500, false, true),
        (418, false, false),
    ] {
        let error = fetcher.get(&server.url(&format!("/status?={status}")), 1000).await.unwrap_err();
        assert_eq!((matches!(error, FetchError::Gone(_)), error.is_retryable()), (is_gone, is_retryable), "{status}");
    }
}

#[tokio::test]
async fn no_cookie_is_kept() {
    let server = Server::start().await;
    assert!(server.fetcher(Arc::default()).get(&server.url("/cookie"), 1000).await.is_ok());
    assert_eq!(server.cookies.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_signed_link_is_in_no_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let fetcher = Fetcher::new(FetchRules { also: vec![base.clone()] }).unwrap();
    let error = fetcher.get(base.join("/a?hm=secret").unwrap().as_str(), 10).await.unwrap_err();
    let error = anyhow::Error::from(error);
    assert!(!format!("{error:#}").contains("secret"), "{error:#}");
}
