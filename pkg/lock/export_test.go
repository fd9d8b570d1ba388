package lock

import "context"

// Usurp is what Break does by force, without giving back.
func (l *Lock) Usurp(ctx context.Context, s Store) error { return l.usurp(ctx, s) }
