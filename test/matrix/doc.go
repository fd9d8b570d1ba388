// Package matrix holds tests only: one that runs the end-to-end tests with every
// engine that the lab has, alone and mixed in one swarm. "make matrix" adds a line
// for each test to docs/matrix.jsonl and writes docs/matrix.md anew. What has
// passed is not run again before the sources change.
package matrix
