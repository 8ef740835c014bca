//! Tokens in front of HTTP applications: what a request is answered with, a
//! layer and an extractor, keys of remote issuers, and the server's parts.
