//! The variables, attributes and functions that policy expressions know. What is not listed here does not exist: a
//! misspelt attribute is found when the policy is stored and not when somebody is locked out.

/// What is certain about a value before evaluating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Bool,
    /// A string.
    Text,
    /// An integer or a floating-point number.
    Number,
    /// A list.
    List,
    /// A map.
    Map,
    /// A timestamp.
    Time,
    /// A duration.
    Span,
    /// Anything else: null, bytes.
    Other,
    /// Only known when evaluating.
    Dyn,
}

impl Kind {
    /// The word for messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Bool => "boolean",
            Kind::Text => "string",
            Kind::Number => "number",
            Kind::List => "list",
            Kind::Map => "map",
            Kind::Time => "timestamp",
            Kind::Span => "duration",
            Kind::Other => "value of another type",
            Kind::Dyn => "value",
        }
    }
}

/// A variable or attribute.
#[derive(Clone, Copy, Debug)]
pub enum Member {
    /// A value without attributes.
    Value(Kind),
    /// Exactly these attributes.
    Closed(&'static [(&'static str, Member)]),
    /// Attributes as the upstream has them.
    Open,
}

impl Member {
    /// The attribute of this name, or a text that says what there is instead.
    pub fn get(self, name: &str) -> Result<Member, String> {
        match self {
            Member::Open | Member::Value(Kind::Dyn | Kind::Map) => Ok(Member::Value(Kind::Dyn)),
            Member::Value(kind) => Err(format!("it is a {}", kind.as_str())),
            Member::Closed(members) => match members.iter().find(|(known, _)| *known == name) {
                Some((_, member)) => Ok(*member),
                None => {
                    let known: Vec<_> = members.iter().map(|(known, _)| *known).collect();
                    Err(format!("there are {}", known.join(", ")))
                }
            },
        }
    }

    /// What kind of value it is.
    pub const fn kind(self) -> Kind {
        match self {
            Member::Value(kind) => kind,
            Member::Closed(_) | Member::Open => Kind::Map,
        }
    }
}

const TEXT: Member = Member::Value(Kind::Text);
const BOOL: Member = Member::Value(Kind::Bool);
const LIST: Member = Member::Value(Kind::List);
const TIME: Member = Member::Value(Kind::Time);

const SELECTOR: Member = Member::Closed(&[("login", TEXT), ("id", TEXT), ("email", TEXT)]);

const REQUEST: Member = Member::Closed(&[
    ("kind", TEXT),
    ("namespace", TEXT),
    ("name", TEXT),
    ("action", TEXT),
    ("directory", TEXT),
    ("account", SELECTOR),
    ("method", TEXT),
    ("unlock", BOOL),
    ("policy", TEXT),
    ("reason", TEXT),
    ("created", TIME),
    ("notBefore", TIME),
    ("notAfter", TIME),
]);

const REQUESTER: Member = Member::Closed(&[("username", TEXT), ("uid", TEXT), ("groups", LIST)]);

const ACCOUNT: Member = Member::Closed(&[
    ("id", TEXT),
    ("login", TEXT),
    ("email", TEXT),
    ("locked", BOOL),
    ("disabled", BOOL),
    ("mustChange", BOOL),
    ("profile", Member::Open),
    ("groups", LIST),
    ("source", Member::Closed(&[("type", TEXT)])),
    ("directory", TEXT),
]);

/// The variable of this name.
pub fn variable(name: &str) -> Option<Member> {
    match name {
        "request" => Some(REQUEST),
        "requester" => Some(REQUESTER),
        "account" => Some(ACCOUNT),
        "now" => Some(TIME),
        _ => None,
    }
}

/// A function.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// What it gives.
    pub kind: Kind,
    /// How many operands it may have, the one before the dot included.
    pub operands: &'static [usize],
}

/// The function of this name: those of CEL's standard library that look at one value, and a few on strings.
pub fn function(name: &str) -> Option<Function> {
    let (kind, operands): (Kind, &'static [usize]) = match name {
        "size" => (Kind::Number, &[1]),
        "contains" | "startsWith" | "endsWith" | "matches" => (Kind::Bool, &[2]),
        "lowerAscii" | "upperAscii" | "trim" | "string" => (Kind::Text, &[1]),
        "int" | "uint" | "double" => (Kind::Number, &[1]),
        "bool" => (Kind::Bool, &[1]),
        "duration" => (Kind::Span, &[1]),
        "timestamp" => (Kind::Time, &[1]),
        "getFullYear" | "getMonth" | "getDate" | "getDayOfMonth" | "getDayOfWeek" | "getDayOfYear" | "getHours"
        | "getMinutes" | "getSeconds" | "getMilliseconds" => (Kind::Number, &[1, 2]),
        _ => return None,
    };
    Some(Function { kind, operands })
}
