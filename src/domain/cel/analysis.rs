//! What a parsed expression looks at, and whether it makes sense: known variables, attributes and functions, bounded
//! depth, at most two macros within each other, a boolean in the end.
//!
//! Types are inferred only as far as they are certain; the rest is found out when evaluating. Reads the tree, never a
//! value.

mod shapes;

use super::{
    CompileError,
    bounds::Name,
    schema::{self, Kind},
};
use ::cel::{
    IdedExpr,
    common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, LiteralValue, operators},
};
use shapes::{boolean, collected, literal_kind, path};
use std::collections::BTreeSet;

/// How deep a tree may be. The evaluation recurses once a level, with some 40 kB of stack in an unoptimised build, and
/// threads have 2 MiB.
const MAX_DEPTH: usize = 24;
/// How many macros may stand within each other.
const MAX_NESTED_MACROS: usize = 2;

/// What an expression looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Analysis {
    /// Anything of `account`.
    pub account: bool,
    /// The account's groups, or the account as a whole.
    pub groups: bool,
    /// `account` as a whole, or by a key that is computed: any attribute may be meant.
    pub whole_account: bool,
    /// `account.profile` as a whole, or by a key that is computed.
    pub whole_profile: bool,
    /// The attributes selected below `account`, but for `profile`.
    pub attributes: BTreeSet<String>,
    /// The attributes selected below `account.profile`.
    pub profile: BTreeSet<String>,
    /// Every path that is selected, in full: `account.profile.country`.
    pub paths: BTreeSet<String>,
    /// Whether there is a macro within a macro.
    pub nested: bool,
}

impl Analysis {
    /// Walks through a tree that must give a value of this kind.
    ///
    /// # Errors
    /// With the position, as far as the names in the source tell it.
    pub fn of(tree: &IdedExpr, source: &str, names: &[Name<'_>], wanted: Kind) -> Result<Self, CompileError> {
        let mut walk = Walk {
            source,
            names,
            scope: Vec::new(),
            found: Analysis::default(),
        };
        let kind = walk.expr(tree, Level::default())?;
        if kind != wanted && kind != Kind::Dyn {
            return Err(CompileError::new(format!(
                "the expression gives a {}; it must give a {}",
                kind.as_str(),
                wanted.as_str()
            )));
        }
        Ok(walk.found)
    }

    /// What the expression selects, in a word for messages.
    pub fn any_path(&self) -> String {
        self.paths
            .first()
            .cloned()
            .unwrap_or_else(|| "the expression".to_owned())
    }

    /// The full path of a key that was missing. A key that does not stand in the expression was computed from data,
    /// and is not repeated.
    pub fn full_name(&self, key: &str) -> String {
        self.paths
            .iter()
            .find(|path| path.rsplit('.').next() == Some(key))
            .or_else(|| self.paths.iter().find(|path| path.split('.').any(|part| part == key)))
            .cloned()
            .unwrap_or_else(|| "an attribute".to_owned())
    }
}

/// Where in the tree the walk is.
#[derive(Clone, Copy, Default)]
struct Level {
    depth: usize,
    macros: usize,
}

struct Walk<'a> {
    source: &'a str,
    names: &'a [Name<'a>],
    /// Variables of macros, innermost last.
    scope: Vec<(&'a str, Kind)>,
    found: Analysis,
}

impl<'a> Walk<'a> {
    fn error(&self, name: &str, message: String) -> CompileError {
        match self.names.iter().find(|known| known.text == name) {
            Some(known) => CompileError::at(self.source, known.offset, message),
            None => CompileError::new(message),
        }
    }

    fn expr(&mut self, tree: &'a IdedExpr, level: Level) -> Result<Kind, CompileError> {
        if level.depth >= MAX_DEPTH {
            return Err(CompileError::new(format!(
                "the expression nests deeper than {MAX_DEPTH} levels"
            )));
        }
        let level = Level {
            depth: level.depth + 1,
            ..level
        };
        if let Some((path, test)) = path(tree)
            && !self.scope.iter().any(|(name, _)| path.first() == Some(name))
        {
            return self.path(&path, test);
        }
        match &tree.expr {
            Expr::Unspecified => Err(CompileError::new("the expression cannot be parsed")),
            Expr::Struct(literal) => Err(self.error(
                &literal.type_name,
                format!("there is no message type {:?}", literal.type_name),
            )),
            Expr::Literal(literal) => Ok(literal_kind(literal)),
            Expr::Ident(name) => Ok(self.variable(name).unwrap_or(Kind::Dyn)),
            Expr::Select(select) => {
                self.expr(&select.operand, level)?;
                Ok(if select.test { Kind::Bool } else { Kind::Dyn })
            }
            Expr::List(list) => {
                for element in &list.elements {
                    self.expr(element, level)?;
                }
                Ok(Kind::List)
            }
            Expr::Map(map) => {
                self.entries(&map.entries, level)?;
                Ok(Kind::Map)
            }
            Expr::Call(call) => self.call(call, level),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, level),
        }
    }

    fn variable(&self, name: &str) -> Option<Kind> {
        let found = self.scope.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, kind)| *kind)
    }

    /// A path that begins with a name outside macros: one of the four variables, with attributes that exist.
    fn path(&mut self, path: &[&str], test: bool) -> Result<Kind, CompileError> {
        let Some((root, attributes)) = path.split_first() else {
            return Ok(Kind::Dyn);
        };
        let Some(mut member) = schema::variable(root) else {
            return Err(self.error(
                root,
                format!("there is no variable {root:?}; there are request, requester, account and now"),
            ));
        };
        let mut so_far = (*root).to_owned();
        for attribute in attributes {
            member = match member.get(attribute) {
                Ok(next) => next,
                Err(hint) => {
                    return Err(self.error(attribute, format!("{so_far} has no attribute {attribute:?}; {hint}")));
                }
            };
            so_far = format!("{so_far}.{attribute}");
        }
        if *root == "account" {
            self.record_account(attributes);
        }
        self.found.paths.insert(so_far);
        Ok(if test { Kind::Bool } else { member.kind() })
    }

    fn record_account(&mut self, attributes: &[&str]) {
        let found = &mut self.found;
        found.account = true;
        match attributes {
            [] => {
                found.whole_account = true;
                found.groups = true;
            }
            ["profile"] => found.whole_profile = true,
            ["profile", name, ..] => {
                found.profile.insert((*name).to_owned());
            }
            [name, ..] => {
                found.groups |= *name == "groups";
                found.attributes.insert((*name).to_owned());
            }
        }
    }

    fn entries(&mut self, entries: &'a [IdedEntryExpr], level: Level) -> Result<(), CompileError> {
        for entry in entries {
            match &entry.expr {
                EntryExpr::StructField(field) => self.expr(&field.value, level)?,
                EntryExpr::MapEntry(entry) => {
                    self.expr(&entry.key, level)?;
                    self.expr(&entry.value, level)?
                }
            };
        }
        Ok(())
    }

    fn call(&mut self, call: &'a CallExpr, level: Level) -> Result<Kind, CompileError> {
        let name = call.func_name.as_str();
        let mut kinds = Vec::with_capacity(call.args.len() + 1);
        for operand in call.target.iter().map(|target| &**target).chain(&call.args) {
            kinds.push(self.expr(operand, level)?);
        }
        let first = kinds.first().copied().unwrap_or(Kind::Dyn);
        match name {
            operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE => {
                kinds.iter().try_for_each(|kind| boolean(name, *kind))?;
                Ok(Kind::Bool)
            }
            operators::CONDITIONAL => {
                boolean(name, first)?;
                match kinds.as_slice() {
                    [_, left, right] if left == right => Ok(*left),
                    _ => Ok(Kind::Dyn),
                }
            }
            operators::EQUALS
            | operators::NOT_EQUALS
            | operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS
            | operators::IN => Ok(Kind::Bool),
            operators::INDEX => Ok(Kind::Dyn),
            operators::ADD | operators::SUBSTRACT | operators::NEGATE => Ok(match first {
                Kind::Bool => Kind::Dyn,
                kind => kind,
            }),
            operators::MULTIPLY | operators::DIVIDE | operators::MODULO => Ok(Kind::Number),
            _ => self.function(call, kinds.len()),
        }
    }

    fn function(&self, call: &CallExpr, operands: usize) -> Result<Kind, CompileError> {
        let name = call.func_name.as_str();
        let Some(function) = schema::function(name) else {
            return Err(self.error(name, format!("there is no function {name}() in policy expressions")));
        };
        if !function.operands.contains(&operands) {
            return Err(self.error(name, format!("{name}() is called with a wrong number of arguments")));
        }
        if name == "matches" {
            self.pattern(call)?;
        }
        Ok(function.kind)
    }

    /// Patterns are written out, so that one that does not compile is found now, and none comes from data.
    fn pattern(&self, call: &CallExpr) -> Result<(), CompileError> {
        let Some(Expr::Literal(LiteralValue::String(pattern))) = call.args.last().map(|pattern| &pattern.expr) else {
            return Err(self.error("matches", "matches() needs a pattern that is written out".into()));
        };
        match regex::RegexBuilder::new(pattern.inner()).size_limit(1 << 20).build() {
            Ok(_) => Ok(()),
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or("").trim_start_matches("error: ");
                Err(self.error(
                    "matches",
                    format!("the pattern of matches() does not compile: {reason}"),
                ))
            }
        }
    }

    fn comprehension(&mut self, part: &'a ComprehensionExpr, level: Level) -> Result<Kind, CompileError> {
        let variable = part.iter_var.as_str();
        if schema::variable(variable).is_some() {
            return Err(self.error(
                variable,
                format!("a macro's variable cannot be called {variable:?}; choose another name"),
            ));
        }
        let range = self.expr(&part.iter_range, level)?;
        if !matches!(range, Kind::List | Kind::Map | Kind::Dyn) {
            return Err(CompileError::new(format!(
                "a macro cannot run over a {}",
                range.as_str()
            )));
        }
        let inner = Level {
            macros: level.macros + 1,
            ..level
        };
        if inner.macros > MAX_NESTED_MACROS {
            return Err(CompileError::new(format!(
                "more than {MAX_NESTED_MACROS} macros stand within each other"
            )));
        }
        self.found.nested |= inner.macros > 1;
        let accumulated = self.expr(&part.accu_init, level)?;
        let outside = self.scope.len();
        self.scope.push((&part.accu_var, accumulated));
        self.scope.push((variable, Kind::Dyn));
        if let Some(second) = &part.iter_var2 {
            self.scope.push((second, Kind::Dyn));
        }
        self.expr(&part.loop_cond, inner)?;
        self.expr(&part.loop_step, inner)?;
        self.flat(part, inner)?;
        self.scope.truncate(outside);
        self.scope.push((&part.accu_var, accumulated));
        let result = self.expr(&part.result, level);
        self.scope.truncate(outside);
        result
    }

    /// `map()` must not collect lists: two of those in a row would need memory without bounds.
    fn flat(&mut self, part: &'a ComprehensionExpr, level: Level) -> Result<(), CompileError> {
        let Some(elements) = collected(&part.loop_step) else {
            return Ok(());
        };
        for element in elements {
            if matches!(self.expr(element, level)?, Kind::List | Kind::Map) {
                return Err(self.error("map", "map() cannot collect lists or maps".into()));
            }
        }
        Ok(())
    }
}
