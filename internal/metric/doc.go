// Package metric is how a process says which metrics it has: a table of definitions,
// each with its name, kind, labels and meaning. Metrics are made from the table, the
// documentation is too, and so neither can tell of what the other does not know.
//
// Nothing in it is changed after it was made; everybody may read it at once.
package metric
