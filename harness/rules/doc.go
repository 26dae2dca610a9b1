// Package rules is the contract in the words of histories: package contract's data, looked up by the numbers that histories
// have for statuses and events. Every judge goes by it: the invariants, the model of linearizability and the monitor of
// package explore.
//
// # Guarantees
//
// Nothing here knows a rule. What a status or an event means is read off the contract; of the controller only the names of
// its statuses and events are used, since histories are written in them.
//
// # Must not import
//
// Any world, plan or judge, or anything of the controller but the vocabulary of controller/lifecycle.
package rules
