// Package arch keeps the architecture: its tests fail where a package imports
// what its row does not allow, and where code outgrows the rules that
// CONTRIBUTING.md states. It holds no code for the product.
package arch
