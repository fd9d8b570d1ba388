// Package e2e holds tests only: the command, as users run it, against real
// engines, real sshd and real swarms. They run with SWARMUP_LAB=1, need root and
// a Docker Engine, and remove what they made also after a failure. What came of
// a run is checked with the docker command line alone, never with our packages.
package e2e
