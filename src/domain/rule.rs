//! A rule of a policy or Directory, compiled: an expression, and what is said when it is not true.

use crate::{
    api::common::PolicyRule,
    domain::cel::{CompileError, Expression, Input, Verdict},
};
use std::sync::Arc;

/// A compiled rule.
#[derive(Clone, Debug)]
pub struct Rule {
    expression: Arc<Expression>,
    source: PolicyRule,
}

impl Rule {
    /// Compiles one rule.
    ///
    /// # Errors
    /// The expression does not compile or is not boolean; says where.
    pub fn compile(rule: &PolicyRule) -> Result<Self, CompileError> {
        Ok(Rule {
            expression: Arc::new(Expression::compile(&rule.expression)?),
            source: rule.clone(),
        })
    }

    /// What is said when the rule is not true.
    pub fn refusal(&self) -> String {
        self.source
            .message
            .clone()
            .unwrap_or_else(|| format!("rule {:?} is not true", self.source.expression))
    }

    /// The text of the expression.
    pub fn source(&self) -> &str {
        &self.source.expression
    }

    /// What the rule says.
    pub fn evaluate(&self, input: &Input) -> Verdict {
        self.expression.evaluate(input)
    }

    /// Whether the account's groups must be known to evaluate it.
    pub fn uses_groups(&self) -> bool {
        self.expression.uses_groups()
    }

    /// Whether the account must be known to evaluate it.
    pub fn uses_account(&self) -> bool {
        self.expression.uses_account()
    }
}
