// Package rpcserver is what the public interfaces of our daemons have in common: who may listen and
// call, limits before anything is allocated, JSON-RPC 2.0 over HTTP and WebSocket, streams that are
// resumed by cursor, the description of all methods, and the operators' listener with health and
// metrics. It knows no product: methods, names of errors, what a stream brings and which dialects are
// spoken are given to it. The rules are in docs/spec/rpc.md.
package rpcserver
