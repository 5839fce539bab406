//! Parser for the expressions in `filter` and `search` (the SCIM filter grammar, RFC 7644 section 3.4.2.2, as far as
//! Okta takes it).

use serde_json::Value;

use super::errors::{ApiError, ApiResult};

/// Deepest nesting of parentheses and `not`.
const MAX_DEPTH: usize = 20;

/// Which of Okta's three uses of the grammar applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `filter` on users: few attributes, `eq` only (ranges on `lastUpdated`), values case-sensitive.
    UserFilter,
    /// `search` on users: every attribute, values without regard to case.
    UserSearch,
    /// `filter` on the system log: every attribute but `published`.
    LogFilter,
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Sw,
    Co,
    Ew,
    Pr,
}

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Compare {
        attribute: String,
        operator: Operator,
        value: Value,
    },
}

impl Expression {
    /// The text that `attribute` must equal when that is all the expression says.
    pub(super) fn sole_equality(&self, wanted: &str) -> Option<&str> {
        match self {
            Self::Compare {
                attribute,
                operator: Operator::Eq,
                value,
            } if attribute == wanted => value.as_str(),
            _ => None,
        }
    }
}

/// Parses an expression.
///
/// # Errors
/// E0000031, with the reason as a cause.
pub(super) fn parse(text: &str, dialect: Dialect) -> ApiResult<Expression> {
    let mut parser = Parser { rest: text, dialect };
    let expression = parser.alternatives(0)?;
    parser.skip_blanks();
    if parser.rest.is_empty() {
        Ok(expression)
    } else {
        Err(parser.error("unexpected text"))
    }
}

struct Parser<'a> {
    rest: &'a str,
    dialect: Dialect,
}

impl Parser<'_> {
    fn error(&self, what: &str) -> ApiError {
        ApiError::new("E0000031").because(format!(
            "{what} at {:?}",
            self.rest.chars().take(30).collect::<String>()
        ))
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.skip_blanks();
        let Some(tail) = self.rest.get(word.len()..) else {
            return false;
        };
        let found = self.rest.is_char_boundary(word.len())
            && self.rest[..word.len()].eq_ignore_ascii_case(word)
            && !tail.starts_with(|c: char| c.is_alphanumeric() || c == '.' || c == '_');
        if found {
            self.rest = tail;
        }
        found
    }

    fn take(&mut self, symbol: char) -> bool {
        self.skip_blanks();
        self.rest.strip_prefix(symbol).map(|tail| self.rest = tail).is_some()
    }

    fn alternatives(&mut self, depth: usize) -> ApiResult<Expression> {
        let mut left = self.conjunction(depth)?;
        while self.take_word("or") {
            left = Expression::Or(Box::new(left), Box::new(self.conjunction(depth)?));
        }
        Ok(left)
    }

    fn conjunction(&mut self, depth: usize) -> ApiResult<Expression> {
        let mut left = self.term(depth)?;
        while self.take_word("and") {
            left = Expression::And(Box::new(left), Box::new(self.term(depth)?));
        }
        Ok(left)
    }

    fn term(&mut self, depth: usize) -> ApiResult<Expression> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        if self.take_word("not") {
            if self.dialect == Dialect::UserFilter {
                return Err(self.error("`not` is not supported in filter"));
            }
            return Ok(Expression::Not(Box::new(self.term(depth + 1)?)));
        }
        if self.take('(') {
            let inner = self.alternatives(depth + 1)?;
            return if self.take(')') {
                Ok(inner)
            } else {
                Err(self.error("a closing parenthesis is missing"))
            };
        }
        self.comparison()
    }

    fn comparison(&mut self) -> ApiResult<Expression> {
        self.skip_blanks();
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || "._-:".contains(c)))
            .unwrap_or(self.rest.len());
        if end == 0 {
            return Err(self.error("an attribute is expected"));
        }
        let attribute = self.rest[..end].to_owned();
        self.rest = &self.rest[end..];
        let operator = self.operator()?;
        let value = if operator == Operator::Pr {
            Value::Null
        } else {
            self.value()?
        };
        self.check(&attribute, operator)?;
        Ok(Expression::Compare {
            attribute,
            operator,
            value,
        })
    }

    fn operator(&mut self) -> ApiResult<Operator> {
        use Operator::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Pr, Sw};
        let words = [
            ("eq", Eq),
            ("ne", Ne),
            ("gt", Gt),
            ("ge", Ge),
            ("lt", Lt),
            ("le", Le),
            ("sw", Sw),
            ("co", Co),
            ("ew", Ew),
            ("pr", Pr),
        ];
        for (word, operator) in words {
            if self.take_word(word) {
                return Ok(operator);
            }
        }
        Err(self.error("an operator is expected"))
    }

    /// Reads a JSON scalar: the values in expressions follow JSON string rules.
    fn value(&mut self) -> ApiResult<Value> {
        self.skip_blanks();
        let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) if !value.is_array() && !value.is_object() => {
                self.rest = &self.rest[stream.byte_offset()..];
                Ok(value)
            }
            _ => Err(self.error("a quoted value is expected")),
        }
    }

    fn check(&self, attribute: &str, operator: Operator) -> ApiResult<()> {
        let ranges = matches!(operator, Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le);
        let legal = match self.dialect {
            Dialect::UserFilter => match attribute {
                "lastUpdated" => ranges || operator == Operator::Eq,
                "status" | "id" | "profile.login" | "profile.email" | "profile.firstName" | "profile.lastName" => {
                    operator == Operator::Eq
                }
                _ => false,
            },
            Dialect::UserSearch => {
                let top = [
                    "id",
                    "status",
                    "created",
                    "activated",
                    "statusChanged",
                    "lastUpdated",
                    "lastLogin",
                    "passwordChanged",
                ];
                attribute.starts_with("profile.") || attribute == "type.id" || top.contains(&attribute)
            }
            Dialect::LogFilter => attribute != "published",
        };
        if legal {
            Ok(())
        } else {
            Err(self.error(&format!("{attribute} cannot be used like this, before")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_and_refuses_by_dialect() {
        use Dialect::{LogFilter, UserFilter, UserSearch};
        let cases = [
            (r#"status eq "LOCKED_OUT""#, UserFilter, true),
            (r#"status ne "LOCKED_OUT""#, UserFilter, false),
            (
                r#"lastUpdated gt "2026-01-01T00:00:00.000Z" and status eq "ACTIVE""#,
                UserFilter,
                true,
            ),
            (r#"profile.city eq "Ulm""#, UserFilter, false),
            (
                r#"profile.city eq "Ulm" or (status eq "ACTIVE" and profile.login sw "a")"#,
                UserSearch,
                true,
            ),
            (r#"not (status eq "ACTIVE")"#, UserSearch, true),
            (r#"profile.login eq "a\" or status pr or id eq \"b""#, UserSearch, true),
            (r#"profile.login eq "a" or"#, UserSearch, false),
            (r#"profile.login eq a"#, UserSearch, false),
            (r#"Status eq "ACTIVE""#, UserSearch, false),
            (
                r#"eventType eq "user.account.lock" or eventType sw "user.session""#,
                LogFilter,
                true,
            ),
            (r#"published gt "2026-01-01T00:00:00.000Z""#, LogFilter, false),
            ("", UserSearch, false),
            (&"(".repeat(100_000), UserSearch, false),
        ];
        for (text, dialect, legal) in cases {
            assert_eq!(parse(text, dialect).is_ok(), legal, "{:.60} in {dialect:?}", text);
        }
    }

    #[test]
    fn an_escaped_quote_stays_in_the_value() {
        let parsed = parse(r#"profile.login eq "a\" or id pr""#, Dialect::UserSearch).unwrap();
        assert_eq!(parsed.sole_equality("profile.login"), Some("a\" or id pr"));
    }

    #[test]
    fn and_binds_closer_than_or() {
        let parsed = parse(r#"id pr or id pr and id pr"#, Dialect::UserSearch).unwrap();
        assert!(matches!(parsed, Expression::Or(..)), "{parsed:?}");
    }
}
