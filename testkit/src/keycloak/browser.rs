//! What a person does in a browser: pages, forms and cookies, no scripts.

use anyhow::{Context, Result, bail};

use super::http::{Answer, Request, send};
use crate::process::Scratch;

/// A browser without a memory of earlier ones.
pub struct Browser {
    cookies: Scratch,
}

impl Browser {
    pub fn new() -> Result<Self> {
        Ok(Self {
            cookies: Scratch::new("readmit-browser-")?,
        })
    }

    /// Opens a page.
    pub fn open(&self, url: &str) -> Result<Answer> {
        self.send("GET", url, &[])
    }

    /// Fills in the form of a page and sends it.
    pub fn submit(&self, page: &Answer, fields: &[(&str, &str)]) -> Result<Answer> {
        let action = attribute(&page.body, "<form", "action").context("the page has no form")?;
        self.send("POST", &action, fields)
    }

    /// Follows the link whose address contains this.
    pub fn follow(&self, page: &Answer, part: &str) -> Result<Answer> {
        let mut links = page.body.split("<a ").skip(1);
        let link =
            links.find_map(|link| attribute(&format!("<a {link}"), "<a ", "href").filter(|url| url.contains(part)));
        self.open(&link.with_context(|| format!("no link to {part} in:\n{}", page.body))?)
    }

    fn send(&self, method: &str, url: &str, form: &[(&str, &str)]) -> Result<Answer> {
        let cookies = self.cookies.path().join("cookies").display().to_string();
        let answer = send(&Request {
            method,
            url,
            form,
            cookies: Some(&cookies),
            ..Request::default()
        })?;
        if answer.status >= 400 {
            bail!("{method} {url} answered {}: {}", answer.status, answer.body);
        }
        Ok(answer)
    }
}

/// An attribute of the first tag that begins so.
fn attribute(page: &str, tag: &str, name: &str) -> Option<String> {
    let rest = page.get(page.find(tag)?..)?;
    let rest = rest.get(..rest.find('>')?)?;
    let (_, value) = rest.split_once(&format!("{name}=\""))?;
    let (value, _) = value.split_once('"')?;
    Some(value.replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_from_the_right_tag() {
        let page = r#"<a href="/x">y</a><form id="f" action="http://h/a?b=1&amp;c=2" method="post">"#;
        assert_eq!(
            attribute(page, "<form", "action").as_deref(),
            Some("http://h/a?b=1&c=2")
        );
        assert_eq!(attribute(page, "<input", "value"), None);
    }
}
