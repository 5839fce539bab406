//! The bounds that a text must keep before a parser may see it: length, depth of brackets, number of operators.
//!
//! Only a scanner: it knows strings, comments and names, not the grammar.

use super::CompileError;

/// The longest expression, in characters.
pub const MAX_LENGTH: usize = 2048;
/// How deep brackets may nest.
pub const MAX_BRACKETS: usize = 16;
/// How many `?:` there may be; each one deepens the parser's recursion.
pub const MAX_TERNARIES: usize = 16;
/// How many other operators there may be.
pub const MAX_OPERATORS: usize = 512;

/// A name in the source, and the byte it starts at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// The name.
    pub text: &'a str,
    /// Its first byte.
    pub offset: usize,
}

/// Checks the bounds and returns the names in the source, to tell positions by.
///
/// # Errors
/// Where a bound is passed, or brackets or strings are not closed.
pub fn check(source: &str) -> Result<Vec<Name<'_>>, CompileError> {
    let length = source.chars().count();
    if length > MAX_LENGTH {
        return Err(CompileError::new(format!(
            "the expression has {length} characters; at most {MAX_LENGTH}"
        )));
    }
    let mut scan = Scan {
        source,
        at: 0,
        open: Vec::new(),
        ternaries: 0,
        operators: 0,
        names: Vec::new(),
    };
    while let Some(c) = scan.peek() {
        scan.step(c)?;
    }
    match scan.open.last() {
        Some((_, offset)) => Err(CompileError::at(source, *offset, "this bracket is never closed")),
        None => Ok(scan.names),
    }
}

struct Scan<'a> {
    source: &'a str,
    at: usize,
    open: Vec<(char, usize)>,
    ternaries: usize,
    operators: usize,
    names: Vec<Name<'a>>,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn error(&self, message: impl Into<String>) -> CompileError {
        CompileError::at(self.source, self.at, message)
    }

    fn step(&mut self, c: char) -> Result<(), CompileError> {
        match c {
            '\'' | '"' => return self.string(c, false),
            '/' if self.rest().starts_with("//") => {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                return Ok(());
            }
            '(' | '[' | '{' => self.open_bracket(c)?,
            ')' | ']' | '}' => self.close_bracket(c)?,
            '?' => {
                self.ternaries += 1;
                if self.ternaries > MAX_TERNARIES {
                    return Err(self.error(format!("more than {MAX_TERNARIES} conditionals")));
                }
            }
            '!' | '-' | '+' | '*' | '/' | '%' | '<' | '>' | '=' | '&' | '|' | '.' => {
                self.operators += 1;
                if self.operators > MAX_OPERATORS {
                    return Err(self.error(format!("more than {MAX_OPERATORS} operators")));
                }
            }
            c if c.is_ascii_alphabetic() || c == '_' => return self.name(),
            _ => {}
        }
        self.at += c.len_utf8();
        Ok(())
    }

    fn open_bracket(&mut self, c: char) -> Result<(), CompileError> {
        if self.open.len() >= MAX_BRACKETS {
            return Err(self.error(format!("brackets nest deeper than {MAX_BRACKETS}")));
        }
        self.open.push((c, self.at));
        Ok(())
    }

    fn close_bracket(&mut self, c: char) -> Result<(), CompileError> {
        let expected = match c {
            ')' => '(',
            ']' => '[',
            _ => '{',
        };
        match self.open.pop() {
            Some((open, _)) if open == expected => Ok(()),
            _ => Err(self.error(format!("'{c}' closes nothing"))),
        }
    }

    fn name(&mut self) -> Result<(), CompileError> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let (text, after) = rest.split_at(length);
        let offset = self.at;
        self.at += length;
        // A prefix of a string: r'…' takes backslashes as they are, b'…' does not.
        if let (true, Some(quote @ ('\'' | '"'))) = (is_prefix(text), after.chars().next()) {
            return self.string(quote, text.contains(['r', 'R']));
        }
        self.names.push(Name { text, offset });
        Ok(())
    }

    fn string(&mut self, quote: char, raw: bool) -> Result<(), CompileError> {
        let (start, triple) = (self.at, quote.to_string().repeat(3));
        let end = if self.rest().starts_with(&triple) {
            triple
        } else {
            quote.to_string()
        };
        self.at += end.len();
        loop {
            if self.rest().starts_with(&end) {
                self.at += end.len();
                return Ok(());
            }
            match self.peek() {
                Some('\\') if !raw => {
                    self.at += 1;
                    self.at += self.peek().map_or(0, char::len_utf8);
                }
                Some('\n' | '\r') if end.len() == 1 => break,
                Some(c) => self.at += c.len_utf8(),
                None => break,
            }
        }
        Err(CompileError::at(self.source, start, "this string is never closed"))
    }
}

fn is_prefix(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "r" | "b" | "rb" | "br")
}
