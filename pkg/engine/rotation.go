package engine

// Rotation says what of a swarm's secrets is made anew. Several may be asked for
// at once; the zero value asks for none.
type Rotation struct {
	WorkerToken  bool
	ManagerToken bool
	// UnlockKey makes a new unlock key, where there is one.
	UnlockKey bool
	// CA makes a new root CA. The rotation goes on after the call: Swarm.Rotating
	// says so, and the tokens change at its end.
	CA bool
}
