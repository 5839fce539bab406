//! Shapes of a parsed expression that the walk looks for. Each is judged by itself, without what surrounds it.

use crate::domain::cel::{CompileError, schema::Kind};
use ::cel::{
    IdedExpr,
    common::ast::{Expr, LiteralValue, operators},
};

/// What `map` and `filter` add to their list in each round: `@result + [element]`, possibly under a condition.
pub(super) fn collected(step: &IdedExpr) -> Option<&[IdedExpr]> {
    let Expr::Call(call) = &step.expr else { return None };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::CONDITIONAL, [_, added, _]) => collected(added),
        (operators::ADD, [_, added]) => match &added.expr {
            Expr::List(list) => Some(&list.elements),
            _ => None,
        },
        _ => None,
    }
}

/// The path that an expression spells, root first, and whether it is `has()`: `account.profile['x']` is
/// `account`, `profile`, `x`.
pub(super) fn path(tree: &IdedExpr) -> Option<(Vec<&str>, bool)> {
    let mut parts = Vec::new();
    let mut at = tree;
    let mut test = false;
    loop {
        match &at.expr {
            Expr::Ident(name) => {
                parts.push(name.as_str());
                parts.reverse();
                return Some((parts, test));
            }
            Expr::Select(select) if !select.test || parts.is_empty() => {
                test |= select.test;
                parts.push(select.field.as_str());
                at = &select.operand;
            }
            Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
                [operand, index] => {
                    let Expr::Literal(LiteralValue::String(key)) = &index.expr else {
                        return None;
                    };
                    parts.push(key.inner());
                    at = operand;
                }
                _ => return None,
            },
            _ => return None,
        }
    }
}

/// That an operator's operand is, or may be, a boolean.
///
/// # Errors
/// It certainly is none.
pub(super) fn boolean(operator: &str, kind: Kind) -> Result<(), CompileError> {
    let sign = match operator {
        operators::LOGICAL_AND => "&&",
        operators::LOGICAL_OR => "||",
        operators::CONDITIONAL => "?:",
        _ => "!",
    };
    match kind {
        Kind::Bool | Kind::Dyn => Ok(()),
        other => Err(CompileError::new(format!(
            "{sign} needs booleans, not a {}",
            other.as_str()
        ))),
    }
}

/// What a literal is.
pub(super) fn literal_kind(literal: &LiteralValue) -> Kind {
    match literal {
        LiteralValue::Boolean(_) => Kind::Bool,
        LiteralValue::String(_) => Kind::Text,
        LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => Kind::Number,
        LiteralValue::Bytes(_) | LiteralValue::Null => Kind::Other,
    }
}
