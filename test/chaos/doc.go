// Package chaos holds tests only: changes of real swarms that are damaged in the
// middle, and whether the next apply makes of what is left exactly what the file
// says. "make chaos" does many, adds a line for each to docs/reliability.jsonl and
// writes docs/reliability.md anew; "make lab" does a few that never change. What
// came of a run is looked at with the docker command line alone, never with our
// packages.
package chaos
