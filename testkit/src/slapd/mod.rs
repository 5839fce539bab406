//! A real OpenLDAP server.
