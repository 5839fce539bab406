//! A request to the API server, as rules see it and as it is noted: what its URL says by the API conventions.

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// In capitals.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Lower case, plural; empty where the path names none.
    pub resource: String,
    /// The object's namespace; empty where the path names none.
    pub namespace: String,
    /// The object's name; empty for lists and creates.
    pub name: String,
    /// As in `status`; mostly empty.
    pub subresource: String,
    /// Whether it asks for a stream of changes.
    pub watch: bool,
    body: Vec<u8>,
}

impl Call {
    pub(super) fn new(method: &str, path: &str, query: &str, body: &[u8]) -> Self {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        // The legacy group has no name: /api/VERSION, all others /apis/GROUP/VERSION.
        let prefix = match parts.next() {
            Some("api") => 1,
            Some("apis") => 2,
            _ => usize::MAX,
        };
        let mut parts = parts.skip(prefix).peekable();
        let mut namespace = "";
        let mut resource = parts.next().unwrap_or_default();
        let mut name = parts.next().unwrap_or_default();
        // A namespace is an object too: /api/v1/namespaces/NAME has nothing behind the name.
        if resource == "namespaces" && parts.peek().is_some_and(|part| !["status", "finalize"].contains(part)) {
            namespace = name;
            resource = parts.next().unwrap_or_default();
            name = parts.next().unwrap_or_default();
        }
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            subresource: parts.next().unwrap_or_default().to_owned(),
            watch: query.split('&').any(|pair| pair == "watch=true" || pair == "watch=1"),
            body: body.to_owned(),
        }
    }

    /// Whether it changes an object. Reviews of rights and tokens are created, but only ask.
    pub fn is_write(&self) -> bool {
        let asks = self.resource.ends_with("reviews");
        !asks && ["POST", "PUT", "PATCH", "DELETE"].contains(&self.method.as_str())
    }

    pub(super) fn body_holds(&self, part: &str) -> bool {
        String::from_utf8_lossy(&self.body).contains(part)
    }
}

#[cfg(test)]
mod tests {
    use super::Call;

    #[test]
    fn urls_are_read_by_the_conventions() {
        for (path, expected) in [
            ("/api/v1/namespaces/a/secrets/b", ["secrets", "a", "b", ""]),
            ("/api/v1/namespaces/a/secrets", ["secrets", "a", "", ""]),
            ("/api/v1/namespaces/a", ["namespaces", "", "a", ""]),
            ("/api/v1/namespaces/a/status", ["namespaces", "", "a", "status"]),
            ("/api/v1/nodes", ["nodes", "", "", ""]),
            ("/apis/g.dev/v1/things/x/status", ["things", "", "x", "status"]),
            (
                "/apis/g.dev/v1/namespaces/a/things/x/scale",
                ["things", "a", "x", "scale"],
            ),
            ("/readyz", ["", "", "", ""]),
            ("/apis/g.dev/v1", ["", "", "", ""]),
        ] {
            let call = Call::new("GET", path, "", b"");
            let found = [call.resource, call.namespace, call.name, call.subresource];
            assert_eq!(found.each_ref().map(String::as_str), expected, "{path}");
        }
    }
}
