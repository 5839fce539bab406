//! Policy expressions in the Common Expression Language over `request`, `requester`, `account` and `now`.
//!
//! Compiled once when a policy changes, evaluated many times. Bounded before the parser sees them ([`bounds`]), checked
//! against the attributes that exist ([`analysis`]), and never a denial because of an error: a missing attribute, an
//! unreadable one and a failed evaluation are verdicts of their own.
//!
//! The `cel` crate is used with its Pratt parser: the ANTLR one overflows the stack, or takes gigabytes, on inputs of
//! a hundred bytes (cel-rust issues 212 and 306). Evaluation has no cost budget there (issue 56), so size, depth,
//! nesting of macros and the lists that they run over are limited here.

pub mod analysis;
pub mod bounds;
pub mod input;
pub mod schema;
#[cfg(test)]
mod tests;

pub use input::{Input, RequestFacts};

use ::cel::{
    Context, Env, ExecutionError, IdedExpr, Value, extensions,
    parser::{ParseErrors, PrattParser},
};
use analysis::Analysis;
use schema::Kind;
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, LazyLock},
};

/// The longest list that an expression may run over with a macro inside a macro.
const NESTED_LIST_LIMIT: usize = 2048;

/// The functions and types that expressions know; without optional values. An error would be a clash of names within
/// the `cel` crate: then nothing compiles, and says so.
static ENVIRONMENT: LazyLock<Result<Arc<Env>, String>> = LazyLock::new(|| {
    let mut env = Env::default().with_optional_support(false).with_stdlib();
    match env.add_extension(extensions::strings) {
        Ok(_) => Ok(Arc::new(env)),
        Err(error) => Err(error.to_string()),
    }
});

/// A compiled expression: a boolean one, or one that gives a text.
#[derive(Debug)]
pub struct Expression {
    tree: IdedExpr,
    facts: Analysis,
}

/// Why a text is no usable expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CompileError {
    /// What is wrong, in one line.
    pub message: String,
    /// Where, if that is known.
    pub position: Option<Position>,
}

/// A place in a source text; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

/// What an expression that gives a text came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// This text, which is not empty; a whole number is written out.
    Text(String),
    /// The account or request lacks this attribute, or it is empty.
    Missing(String),
    /// It could not be evaluated. Contains no attribute values.
    Error(String),
}

/// What an evaluation came to. Only `False` is a no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The rule holds.
    True,
    /// The rule does not hold.
    False,
    /// The account or request lacks this attribute: the policy does not permit.
    Missing(String),
    /// It could not be evaluated; never a denial. Contains no attribute values.
    Error(String),
}

/// Why there is no value.
enum Fault {
    Missing(String),
    Error(String),
}

impl Expression {
    /// Compiles a text of at most [`bounds::MAX_LENGTH`] characters.
    ///
    /// # Errors
    /// Where it is too long or too deep, cannot be parsed, uses unknown variables, attributes or functions, nests
    /// macros more than twice, or cannot be boolean.
    pub fn compile(source: &str) -> Result<Expression, CompileError> {
        Self::giving(Kind::Bool, source)
    }

    /// Compiles one that gives a text, within the same bounds.
    ///
    /// # Errors
    /// As [`Expression::compile`], where it cannot be a text.
    pub fn compile_text(source: &str) -> Result<Expression, CompileError> {
        Self::giving(Kind::Text, source)
    }

    fn giving(kind: Kind, source: &str) -> Result<Expression, CompileError> {
        if let Err(error) = &*ENVIRONMENT {
            return Err(CompileError::new(error.as_str()));
        }
        let names = bounds::check(source)?;
        let parsed = catch_unwind(AssertUnwindSafe(|| PrattParser::new().parse(source)));
        let tree = parsed
            .map_err(|_| CompileError::new("the expression cannot be parsed"))?
            .map_err(|errors| parse_error(&errors))?;
        let facts = Analysis::of(&tree, source, &names, kind)?;
        Ok(Expression { tree, facts })
    }

    /// Whether it looks at the account at all. If not, it can be evaluated before the account is read.
    pub fn uses_account(&self) -> bool {
        self.facts.account
    }

    /// Whether it looks at the account's groups.
    pub fn uses_groups(&self) -> bool {
        self.facts.groups
    }

    /// Evaluates it. Total: whatever goes wrong is a verdict.
    pub fn evaluate(&self, input: &Input) -> Verdict {
        match self.resolve(input) {
            Ok(Value::Bool(true)) => Verdict::True,
            Ok(Value::Bool(false)) => Verdict::False,
            Ok(other) => Verdict::Error(format!("the expression gave a {}, not a boolean", other.type_of())),
            Err(Fault::Missing(name)) => Verdict::Missing(name),
            Err(Fault::Error(why)) => Verdict::Error(why),
        }
    }

    /// Evaluates one that gives a text. Total, as [`Expression::evaluate`] is.
    pub fn tell(&self, input: &Input) -> Told {
        match self.resolve(input) {
            Ok(Value::String(text)) if text.is_empty() => Told::Missing(self.facts.any_path()),
            Ok(Value::String(text)) => Told::Text(text.to_string()),
            Ok(Value::Int(number)) => Told::Text(number.to_string()),
            Ok(Value::UInt(number)) => Told::Text(number.to_string()),
            Ok(other) => Told::Error(format!("the expression gave a {}, not a text", other.type_of())),
            Err(Fault::Missing(name)) => Told::Missing(name),
            Err(Fault::Error(why)) => Told::Error(why),
        }
    }

    fn resolve(&self, input: &Input) -> Result<Value, Fault> {
        if let Some(error) = self.obstacle(input) {
            return Err(Fault::Error(error));
        }
        match catch_unwind(AssertUnwindSafe(|| Value::resolve(&self.tree, input.context()))) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.explain(&error)),
            Err(_) => Err(Fault::Error("the evaluation broke off".into())),
        }
    }

    /// Why it must not be evaluated on this input, for example because `has()` would show an unreadable attribute as
    /// an absent one.
    fn obstacle(&self, input: &Input) -> Option<String> {
        if self.facts.account && !input.has_account() {
            return Some("the expression needs the account, which has not been read".into());
        }
        if self.facts.nested && input.longest_list() > NESTED_LIST_LIMIT {
            return Some(format!(
                "a list of {} entries is too long for a macro within a macro; at most {NESTED_LIST_LIMIT}",
                input.longest_list()
            ));
        }
        input.unreadable().find_in(&self.facts)
    }

    fn explain(&self, error: &ExecutionError) -> Fault {
        match error {
            ExecutionError::NoSuchKey(name) => Fault::Missing(self.facts.full_name(name)),
            ExecutionError::IndexOutOfBounds(_) => Fault::Missing("a list entry".into()),
            // These name types and functions only, never values.
            ExecutionError::NoSuchOverload(_)
            | ExecutionError::UnexpectedType { .. }
            | ExecutionError::InvalidArgumentCount { .. }
            | ExecutionError::UndeclaredReference(_) => Fault::Error(error.to_string()),
            ExecutionError::FunctionError { function, .. } => Fault::Error(format!("function {function} failed")),
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
                Fault::Error("division by zero".into())
            }
            ExecutionError::Overflow(..) => Fault::Error("a number became too large".into()),
            _ => Fault::Error("the values have types that do not go together".into()),
        }
    }
}

impl CompileError {
    fn new(message: impl Into<String>) -> Self {
        CompileError {
            message: message.into(),
            position: None,
        }
    }

    /// An error at this byte of the source.
    fn at(source: &str, offset: usize, message: impl Into<String>) -> Self {
        CompileError {
            message: message.into(),
            position: Some(Position::of(source, offset)),
        }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(Position { line, column }) => write!(f, "{line}:{column}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Position {
    fn of(source: &str, offset: usize) -> Self {
        let before = source.get(..offset).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).map_or(0, |tail| tail.chars().count()) + 1,
        }
    }
}

fn parse_error(errors: &ParseErrors) -> CompileError {
    let Some(first) = errors.errors.first() else {
        return CompileError::new("the expression cannot be parsed");
    };
    let position = match (usize::try_from(first.pos.0), usize::try_from(first.pos.1)) {
        (Ok(line @ 1..), Ok(column @ 1..)) => Some(Position { line, column }),
        _ => None,
    };
    CompileError {
        message: first.msg.lines().next().unwrap_or("syntax error").to_owned(),
        position,
    }
}

fn context() -> Context<'static, 'static> {
    match &*ENVIRONMENT {
        Ok(env) => Context::with_env(Arc::clone(env)),
        Err(_) => Context::default(),
    }
}
