// Package bench measures swarmup beside other ways to make the same swarm, on
// the same machines in the same run. "make bench" runs it.
package bench
