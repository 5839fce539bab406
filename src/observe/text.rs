//! Text from outside made fit for a log: bounded, and without characters that could hide or rearrange what is shown.

/// The text with at most `longest` characters, escapes not counted.
pub fn clean(text: &str, longest: usize) -> String {
    let mut out = String::with_capacity(text.len().min(longest));
    for (count, c) in text.chars().enumerate() {
        if count == longest {
            out.push('…');
            break;
        }
        if misleading(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters, line separators, and what Unicode calls format characters: bidirectional overrides and
/// isolates (UAX #9), zero-width characters, tags.
fn misleading(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_misleads_is_shown_as_its_number() {
        let table = [
            ("Grüße, 日本", "Grüße, 日本"),
            ("a\nb\u{1b}[31m\u{9b}", "a\\u{a}b\\u{1b}[31m\\u{9b}"),
            ("alice\u{202e}nimda", "alice\\u{202e}nimda"),
            (
                "a\u{2066}b\u{2069}\u{200f}\u{2028}",
                "a\\u{2066}b\\u{2069}\\u{200f}\\u{2028}",
            ),
            ("ad\u{200b}min\u{feff}", "ad\\u{200b}min\\u{feff}"),
        ];
        for (text, expected) in table {
            assert_eq!(clean(text, 100), expected);
        }
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(clean("äöü", 3), "äöü");
        assert_eq!(clean("äöüß", 3), "äöü…");
        assert_eq!(clean("x", 0), "…");
    }
}
